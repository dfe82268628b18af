"""One run, from a customer's message to what they are told. Whatever goes wrong ends with a person who knows of it.

1. `_taken_up`: nobody else has it, and from now on it has to end by `due_at`. Committed.
2. Thinking, without a hold on anything, while every second and a half it says that it is alive.
3. `speaking.act` under the ticket's lock, only while nobody has taken over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from textwrap import shorten
from time import monotonic

import msgspec
import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import identity, policies, speaking, tools
from ai.assistant.deciding import Decided, decide
from ai.assistant.decisions import Ask, HandOver, Reason, kept
from ai.assistant.ending import hand_over
from ai.assistant.gathering import Situation
from ai.assistant.openings import is_beginning
from ai.assistant.phrases import says_no, says_yes
from ai.assistant.rows import Act, ActState, Mode, Policy, Run, State
from ai.assistant.situations import decided_before, situation_of
from ai.assistant.wording import wording
from ai.providers import Purpose, language_model
from ai.providers.calls import Call
from ai.writing import ModelFailed
from helpdesk import fields
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.engagements import Engagement, latest
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.events import ASSISTANT
from helpdesk.fields import Subject
from helpdesk.holding import held
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.people import Contact
from helpdesk.ports import Embedder, LanguageModel

BEAT = 1.5  # seconds between signs of life
TOPIC = 3.0  # seconds that triage may take, where a policy goes by topics

log = structlog.get_logger(__name__)
Models = Callable[[AsyncSession, int], Awaitable[LanguageModel | None]]


@dataclass(frozen=True)
class Answering:
    desk: Desk
    embedder: Embedder
    models: Models | None = None
    """For tests; else the desk's own choice for this purpose."""

    async def answer(self, run_id: int) -> None:
        """Never raises but for an outage of the database, after which the sweeper hands over."""
        if (limit := await self._taken_up(run_id)) is None:
            return
        began = monotonic()
        try:
            async with self._alive(run_id), asyncio.timeout(limit):
                await self._think(run_id, began)
        except TimeoutError:
            await fail(self.desk, run_id, Reason.slow)
        except ModelFailed as error:
            await fail(self.desk, run_id, Reason.failed, trouble=str(error))
        except HelpdeskError as error:
            log.warning("assistant gives up", run=run_id, error=str(error))
            await fail(self.desk, run_id, Reason.failed, trouble=str(error))
        except Exception:
            log.exception("assistant failed", run=run_id)
            await fail(self.desk, run_id, Reason.failed)

    async def _taken_up(self, run_id: int) -> float | None:
        """Seconds for it; None where somebody else has it, or it is over."""
        async with committed(self.desk.sessions) as session:
            run = await session.get(Run, run_id, with_for_update={"skip_locked": True})
            if run is None or run.state is not State.waiting:
                return None
            every = await policies.of_inbox(session, run.inbox_id)
            limit = float(max((policy.seconds for policy in every), default=20))
            run.state, run.alive_at, run.due_at = State.running, now(), now() + timedelta(seconds=limit)
            return limit

    @asynccontextmanager
    async def _alive(self, run_id: int) -> AsyncIterator[None]:
        async def beat() -> None:
            while True:
                await asyncio.sleep(BEAT)
                async with committed(self.desk.sessions) as session:
                    await session.execute(update(Run).where(Run.id == run_id).values(alive_at=now()))

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            task.cancel()

    async def _think(self, run_id: int, began: float) -> None:
        policy = await self._policy(run_id)
        if policy is None or policy.mode is Mode.off:
            await self._nothing(run_id)
            return
        made = await self._first(run_id)
        if made is True:
            return
        if isinstance(made, Act):
            await self._call(run_id, made)
            return
        async with self.desk.sessions() as session:
            run = await session.get_one(Run, run_id)
            situation = await situation_of(session, self.embedder, run, policy)
            model = await self._model(session, run.ticket_id)
            decided = await decide(session, self.embedder, situation, model)
        await self._conclude(run_id, situation, decided, monotonic() - began)

    async def _policy(self, run_id: int) -> Policy | None:
        """Whose topic it is decides, once triage has read it."""
        async with self.desk.sessions() as session:
            run = await session.get_one(Run, run_id)
            every = await policies.of_inbox(session, run.inbox_id)
            wait = TOPIC if any(policy.topic for policy in every) else 0.0
        while True:
            async with self.desk.sessions() as session:
                topic = await policies.topic_of(session, run.message_id)
            if topic or wait <= 0:
                break
            wait -= 0.3
            await asyncio.sleep(0.3)
        policy = policies.holding(every, topic)
        async with committed(self.desk.sessions) as session:
            mode = policy.mode if policy else Mode.off
            await session.execute(
                update(Run)
                .where(Run.id == run_id)
                .values(topic=topic, mode=mode, policy_id=policy.id if policy else None)
            )
        return policy

    async def _nothing(self, run_id: int) -> None:
        """Off for this topic: a customer in the middle of a conversation gets a person."""
        async with committed(self.desk.sessions) as session:
            floor, engagement = await self._floor(session, run_id)
            if floor and engagement and engagement.is_active and floor.run.engagement_id:
                await speaking.give_up(floor, Reason.limit, engagement)
            elif floor:
                floor.run.end(State.done)

    async def _floor(
        self, session: AsyncSession, run_id: int
    ) -> tuple[speaking.Floor | None, Engagement | None]:
        """The ticket locked; None where the run is over."""
        run = await session.get_one(Run, run_id)
        ticket = await held(session, run.ticket_id)
        await session.refresh(run, with_for_update=True)
        if ticket is None or not run.is_open:
            return None, None
        every = await policies.of_inbox(session, run.inbox_id)
        policy = next((each for each in every if each.id == run.policy_id), None) or Policy(
            inbox_id=run.inbox_id, topic="", name="", language="", announcement="", team_id=None
        )
        message = await session.get_one(Message, run.message_id)
        contact = await session.get_one(Contact, ticket.contact_id)
        voice = policies.voice(every, policy)
        floor = speaking.Floor(self.desk, session, ticket, run, policy, voice, message, contact.name)
        return floor, await latest(session, ticket)

    async def _first(self, run_id: int) -> bool | Act:
        """What needs no thinking: limits, a code, a word that a tool waits for. True: that was all."""
        async with committed(self.desk.sessions) as session:
            floor, engagement = await self._floor(session, run_id)
            if floor is None:
                return True
            if why := await speaking.overtaken(session, floor.ticket, floor.run, engagement):
                floor.run.end(State.overtaken, trouble=why)
                return True
            if floor.run.mode is not Mode.answer:
                return False
            active = engagement if engagement and engagement.is_active else None
            if reason := await policies.exhausted(session, floor.policy, floor.ticket, active):
                await speaking.give_up(floor, reason, active)
                return True
            if active is None:
                return False
            return await self._awaited(floor, active)

    async def _awaited(self, floor: speaking.Floor, engagement: Engagement) -> bool | Act:
        waits = await tools.pending(floor.session, floor.ticket)
        if waits is None:
            return False
        text = floor.message.text
        if waits.state is ActState.asked_proof:
            return await self._proof(floor, engagement, waits, text)
        if waits.state is not ActState.asked_customer:
            return False
        if says_yes(text):
            if await identity.is_verified(floor.session, floor.ticket):
                waits.begin()
                return waits
            waits.state = ActState.asked_proof  # the proof has run out meanwhile
            await speaking.ask_who(floor, engagement)
            return True
        waits.state, waits.ended_at = ActState.refused, now()
        if not says_no(text):  # about something else: a later "yes" must not mean this
            return False
        await speaking.say(floor, engagement, wording(speaking.language_of_floor(floor)).nothing_done)
        floor.run.end(State.done)
        return True

    async def _proof(
        self, floor: speaking.Floor, engagement: Engagement, waits: Act, text: str
    ) -> bool | Act:
        digits = identity.given(text)
        if digits is None:
            return False
        code = await identity.open_code(floor.session, floor.ticket)
        if code and identity.prove(floor.session, self.desk.keys, floor.ticket, code, digits):
            return await speaking.allowed_or_asked(floor, waits, engagement) or True
        left = identity.TRIES - code.tries if code else 0
        if left <= 0:
            waits.state, waits.ended_at = ActState.refused, now()
            await speaking.give_up(floor, Reason.unproved, engagement)
        else:
            words = wording(speaking.language_of_floor(floor)).code_wrong.format(tries=left)
            await speaking.say(floor, engagement, words)
            floor.run.end(State.done)
        return True

    async def _call(self, run_id: int, made: Act) -> None:
        """The tool, while nobody waits for the ticket; then what came of it."""
        result = await tools.do(self.desk, made)
        async with committed(self.desk.sessions) as session:
            floor, engagement = await self._floor(session, run_id)
            if floor:
                act = await session.get_one(Act, made.id, with_for_update=True)
                await speaking.report(floor, act, result, engagement)
                floor.run.kind = floor.run.kind or "act"

    async def _model(self, session: AsyncSession, ticket_id: int) -> LanguageModel | None:
        if self.models:
            return await self.models(session, ticket_id)
        return await language_model(session, self.desk.settings, Purpose.assist, ticket_id=ticket_id)

    async def _conclude(self, run_id: int, situation: Situation, decided: Decided, seconds: float) -> None:
        made: Act | None = None
        async with committed(self.desk.sessions) as session:
            floor, engagement = await self._floor(session, run_id)
            if floor is None:
                return
            record(floor.run, situation, decided, seconds)
            await _take_answer(session, floor, situation)
            if why := await speaking.overtaken(session, floor.ticket, floor.run, engagement):
                floor.run.end(State.overtaken, trouble=why)
                return
            await _spent(session, floor.run)
            active = engagement if engagement and engagement.is_active else None
            if active:
                active.tokens += floor.run.tokens
                active.cost += floor.run.cost
            if floor.run.mode is not Mode.answer:
                floor.run.end(State.done)
                return
            made = await speaking.act(floor, decided, situation, active)
        if made:
            await self._call(run_id, made)


def record(run: Run, situation: Situation, decided: Decided, seconds: float) -> None:
    """Everything it saw, for the ticket and to do it again."""
    run.question = situation.question
    run.passages = msgspec.to_builtins(decided.passages or situation.passages)
    run.model, run.prompt = decided.model, decided.prompt
    run.decision = kept(decided.decision)
    run.kind = run.decision["kind"]
    run.checks = msgspec.to_builtins(decided.checks)
    run.confidence = round(situation.confidence, 4)
    run.seconds = round(seconds, 3)
    run.tokens = (len(decided.prompt) + 3) // 4 if decided.prompt else 0


async def _spent(session: AsyncSession, run: Run) -> None:
    """What the models' own record says of it, in place of an estimate."""
    tokens, cost = (
        await session.execute(
            select(func.sum(Call.tokens_in + Call.tokens_out), func.sum(Call.cost)).where(
                Call.ticket_id == run.ticket_id,
                Call.purpose == Purpose.assist,
                Call.created_at >= run.created_at,
            )
        )
    ).one()
    if tokens is not None:
        run.tokens, run.cost = int(tokens), float(cost)


async def fail(desk: Desk, run_id: int, reason: Reason, *, trouble: str = "") -> None:
    """It came to no decision: a customer who was to be answered gets a person who knows why."""
    async with committed(desk.sessions) as session:
        run = await session.get_one(Run, run_id)
        ticket = await held(session, run.ticket_id)
        await session.refresh(run, with_for_update=True)
        if not run.is_open:
            return
        trouble = " ".join(filter(None, [trouble, await _left_undone(session, run)]))
        engagement = await latest(session, ticket) if ticket else None
        if ticket is None or run.mode is not Mode.answer:
            run.end(State.failed, trouble=reason)
            return
        if why := await speaking.overtaken(session, ticket, run, engagement):
            run.end(State.overtaken, trouble=why)
            return
        policy = await session.get(Policy, run.policy_id) if run.policy_id else None
        if policy is None:
            policy = policies.holding(await policies.of_inbox(session, run.inbox_id), "")
        told = await hand_over(
            session,
            ticket,
            reason,
            policy=policy,
            engagement=engagement if engagement and engagement.is_active else None,
            message=await session.get(Message, run.message_id),
            trouble=trouble,
        )
        run.decision, run.kind = kept(HandOver(reason=reason)), "hand_over"
        run.reply_id = told.id if told else None
        run.end(State.failed, trouble=reason)


async def _left_undone(session: AsyncSession, run: Run) -> str:
    """What colleagues have to know of a call that the run was making, whichever run had proposed it."""
    left = await session.scalars(
        update(Act)
        .where(Act.ticket_id == run.ticket_id, Act.state == ActState.doing, Act.agent_id.is_(None))
        .values(state=ActState.failed, result=gettext("Nobody knows whether this was done."), ended_at=now())
        .returning(Act.tool)
    )
    return " ".join(
        gettext("Nobody knows whether %(tool)s was done: look there before you do it again.") % {"tool": tool}
        for tool in left
    )


async def _take_answer(session: AsyncSession, floor: speaking.Floor, situation: Situation) -> None:
    """What was asked for: the matter becomes the subject of a ticket that is called “Hi”, and a field gets the value
    that fits."""
    before = await decided_before(session, floor.run)
    words = situation.asked.strip()
    if not isinstance(before, Ask) or not words:
        return
    if before.matter and is_beginning(floor.ticket.subject) and not is_beginning(words):
        floor.ticket.rename(shorten(words, 80, placeholder="…"), by=ASSISTANT)
    if not before.field:
        return
    registry = await fields.load(session, Subject.ticket)
    for given in [words.split("\n")[0][:200], *words.split()]:
        try:
            floor.ticket.fill(registry, {before.field: given.strip(" .,;:")}, by=ASSISTANT)
        except Invalid:
            continue
        return
