"""What a worker does of an import: reading it, and writing what was looked at. Told while it goes on."""

import asyncio
import time

import msgspec
from sqlalchemy import Update, select, update

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.events import DESK
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent, with_access
from kb.imports import ordering, reading, running, sites
from kb.imports.documents import Read
from kb.imports.pictures import Gallery, Waiting
from kb.imports.rows import KnowledgeImport, Stage

LONGEST = 30_000_000  # characters that wait for a yes
TRIES = 5
OFTEN = 0.5  # seconds between two words about how far it is


class TooMuch(Invalid):
    message = _("There is too much text in it for one import. Make several files of it.")


async def next_wanted(desk: Desk) -> KnowledgeImport | None:
    """One worker does this at a time, so what is said to be under way was interrupted."""
    async with desk.sessions() as session:
        wanted = select(KnowledgeImport).where(KnowledgeImport.stage.in_([Stage.reading, Stage.writing]))
        found: KnowledgeImport | None = await session.scalar(wanted.order_by(KnowledgeImport.id).limit(1))
        return found


async def do(desk: Desk, run: KnowledgeImport) -> None:
    """One stage. An expected refusal ends it with words; what is raised may be tried again."""
    if run.tries >= TRIES:
        await give_up(desk, run, gettext("It ended unexpectedly, more than once. The log says why."))
        return
    async with committed(desk.sessions) as session:
        await session.execute(_of(run).values(tries=KnowledgeImport.tries + 1, done=0, total=0))
    try:
        await (_read(desk, run) if run.stage is Stage.reading else _write(desk, run))
    except HelpdeskError as error:
        await give_up(desk, run, str(error))


async def give_up(desk: Desk, run: KnowledgeImport, why: str) -> None:
    """To be tried again by somebody; where it was to be written, nothing of it is, and it waits for a yes again."""
    stage = Stage.failed if run.stage is Stage.reading else Stage.read
    async with committed(desk.sessions) as session:
        await session.execute(_of(run).values(stage=stage, trouble=why[:1000], tries=0))
    if stage is Stage.failed:
        await ordering.forget_pictures(desk, run)


async def _read(desk: Desk, run: KnowledgeImport) -> None:
    told = Progress(desk, run)
    await ordering.forget_pictures(desk, run)  # of a worker that was stopped in the middle
    gallery = Gallery(ordering.pictures_of(desk, run), desk.outbound)
    if run.address:
        found = await sites.read(run.address, gallery, told.say)
    else:
        try:
            content = await asyncio.to_thread(ordering.content_of, desk, run)
        except FileNotFoundError:
            raise Invalid(gettext("The file is not there any more. Upload it again.")) from None
        found = await reading.read(run.file_name, content, gallery, told.say)
    if sum(len(one.body) for one in found.documents) > LONGEST:
        raise TooMuch
    async with committed(desk.sessions) as session:
        values = {"stage": Stage.read, "found": msgspec.to_builtins(found), "tries": 0, "trouble": ""}
        await session.execute(_of(run).values(**values))
    ordering.forget_upload(desk, run)


async def _write(desk: Desk, run: KnowledgeImport) -> None:
    """All of it, or nothing."""
    told = Progress(desk, run)
    async with committed(desk.sessions) as session:
        kept = await session.get_one(KnowledgeImport, run.id)  # not locked: Progress writes to it beside this
        found = msgspec.convert(kept.found, Read)
        query = select(Agent).where(Agent.id == kept.agent_id).options(*with_access())
        agent = (await session.scalars(query)).unique().one_or_none()
        steps = await running.write(
            session,
            kept.source,
            found.documents,
            by=agent or DESK,
            pictures=Waiting(ordering.pictures_of(desk, run), desk.files),
            tell=told.say,
            **kept.choices,
        )
        kept.found, kept.written_at, kept.stage = None, now(), Stage.written
        kept.counts = running.counted(steps) | {"troubles": len(found.troubles)}
    await ordering.forget_pictures(desk, run)


class Progress:
    """Said in a transaction of its own, now and then."""

    def __init__(self, desk: Desk, run: KnowledgeImport) -> None:
        self.desk, self.run, self._last = desk, run, 0.0

    async def say(self, done: int, total: int) -> None:
        if done and done < total and time.monotonic() - self._last < OFTEN:
            return
        self._last = time.monotonic()
        async with committed(self.desk.sessions) as session:
            await session.execute(_of(self.run).values(done=done, total=total))


def _of(run: KnowledgeImport) -> Update:
    return update(KnowledgeImport).where(KnowledgeImport.id == run.id)
