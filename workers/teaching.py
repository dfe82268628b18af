"""What work teaches, in the models' process: everything once a night, incidents whenever letters have come in, and
articles that a language model is asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.learning import Finding, Kind, Memory, keep_night, lately, look, watch
from ai.learning.findings import State, Unwritten
from ai.learning.proposing import NothingAnswered, article_from, material
from ai.learning.questions import Asked
from ai.providers import Purpose, language_model
from ai.writing import ModelFailed
from helpdesk.access import visible_tickets
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent, with_access
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from workers.nightly import AGAIN, HOUR
from workers.outages import is_outage

LOOK = 60.0  # seconds between two looks for incidents
LONGEST = 180.0  # seconds that a model has for an article

log = structlog.get_logger(__name__)


class Teaching:
    def __init__(self, desk: Desk, embedder: Embedder) -> None:
        self.desk, self.memory = desk, Memory(embedder)
        self._one = asyncio.Lock()
        self._newest = 0

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK)
            try:
                await self.watch()
                if now().hour == HOUR and await self._is_due():
                    await self.learn()
            except Exception as error:
                if is_outage(error):
                    raise
                log.exception("nothing learned from work")

    async def learn(self) -> None:
        """Somebody asks, or it is night. Incidents first: their letters make no gap."""
        await self.watch()
        async with self._one:
            asked = await self._asked()
            found = await look(self.desk.sessions, self.memory.embedder, asked)
            async with self._alone() as session:
                still = await keep_night(session, found)
        log.info("learned from work", findings=len(still))

    async def watch(self) -> None:
        async with self._one:
            async with self.desk.sessions() as session:
                newest = await session.scalar(
                    select(func.coalesce(func.max(Message.id), 0)).where(
                        Message.direction == Direction.inbound
                    )
                )
            if newest is None or newest <= self._newest:
                return
            asked = await self._asked()
            async with self._alone() as session:
                found = await watch(session, asked)
            self._newest = newest
        if found:
            log.info("many ask for the same", incidents=len(found))

    async def _asked(self) -> Asked:
        async with self.desk.sessions() as session:
            questions = await lately(session)
        return await self.memory.asked(questions)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[AsyncSession]:
        """Several workers may look at once; what they find is kept by one after the other."""
        async with committed(self.desk.sessions) as session:
            await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("learning"))))
            yield session

    async def _is_due(self) -> bool:
        async with self.desk.sessions() as session:
            last = await session.scalar(
                select(func.max(Finding.seen_at)).where(Finding.kind != Kind.incident)
            )
        return last is None or now() - last > AGAIN


async def write_article(desk: Desk, finding_id: int) -> None:
    """A language model makes an article of what people answered, for who asked for it; nothing happens where
    somebody has decided meanwhile. A model that fails says so on the finding: a person tries again, or does without."""
    async with committed(desk.sessions) as session:
        finding = await _wanted(session, finding_id)
        if finding is None:
            return
        began, writer = finding.writing_at, await _writer(session, finding)
        seen = await session.scalars(visible_tickets(writer).where(Ticket.id.in_(finding.tickets)))
        by_id = {ticket.id: ticket for ticket in seen}
        model = await language_model(session, desk.settings, Purpose.learn)
        try:
            made_of = await material(
                session, [by_id[one] for one in finding.tickets if one in by_id], by=writer
            )
        except NothingAnswered:
            finding.writing_at, finding.unwritten = None, Unwritten.unanswered
            return
    try:
        async with asyncio.timeout(LONGEST):
            body = await made_of.composed(model) if model else None
    except (ModelFailed, TimeoutError) as error:
        log.warning("no article of a model", finding=finding_id, why=str(error) or "it took too long")
        body = ""
    async with committed(desk.sessions) as session:
        finding = await _wanted(session, finding_id)
        if finding is None or finding.writing_at != began:
            return
        finding.writing_at = None
        if body == "":
            finding.unwritten = Unwritten.failed
            return
        writer = await _writer(session, finding)
        finding.made_id = (await article_from(session, made_of, by=writer, body=body)).id
        session.add(finding.decide(State.done, by=writer))


async def _wanted(session: AsyncSession, finding_id: int) -> Finding | None:
    finding = await session.get(Finding, finding_id, with_for_update=True)
    return finding if finding and finding.is_being_written else None


async def _writer(session: AsyncSession, finding: Finding) -> Agent:
    """With what decides which tickets they see."""
    return await session.get_one(
        Agent, finding.writer_id, options=list(with_access()), populate_existing=True
    )
