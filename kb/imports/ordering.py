"""Imports as somebody orders them: a worker reads, somebody looks and says yes, a worker writes."""

import asyncio
import secrets
import shutil
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.settings import Settings
from helpdesk.storage import Files
from helpdesk.texts import clean
from kb.imports import reading, sites
from kb.imports.rows import KnowledgeImport, Stage

KEPT = 20
"""Imports that are kept; what was read and never written goes with the oldest."""
LONGEST_SOURCE = 60


class Unsourced(Invalid):
    message = _("Say where it comes from, in at most 60 characters.")


class NotRead(Conflict):
    message = _("This import waits for nobody's yes: it was written already, or is still at work.")


class NotFailed(Conflict):
    message = _("Only an import that could not be read is tried again.")


class Busy(Conflict):
    message = _("This import is at work. Wait until it has ended.")


async def from_file(
    desk: Desk, session: AsyncSession, name: str, content: bytes, *, source: str, by: Agent
) -> KnowledgeImport:
    """Raises what can be said at once: TooLarge, Unreadable, Unsourced."""
    name = clean(name)
    reading.check(name, content)
    source = _source(source or name.rpartition(".")[0])
    file = f"knowledge-{secrets.token_hex(12)}"
    await asyncio.to_thread(_keep, _folder(desk.settings) / file, content)
    return await _ordered(
        desk, session, KnowledgeImport(source=source, file_name=name[:200], file=file), by=by
    )


async def from_site(
    desk: Desk, session: AsyncSession, address: str, *, source: str, by: Agent
) -> KnowledgeImport:
    """Raises NotAllowed where the desk may not go there."""
    address = sites.written(clean(address).strip())
    named = source_of(desk, address)
    run = KnowledgeImport(source=_source(source or named), file_name=address[:200], address=address)
    return await _ordered(desk, session, run, by=by)


def source_of(desk: Desk, address: str) -> str:
    """What a site is called where nobody says. Raises NotAllowed where the desk may not go there."""
    return desk.outbound.policy.check(address).host[:LONGEST_SOURCE]


async def again(session: AsyncSession, run: KnowledgeImport, *, by: Agent) -> None:
    if run.stage is not Stage.failed:
        raise NotFailed
    run.stage, run.trouble, run.tries = Stage.reading, "", 0
    _want(session, run, by=by)


async def write(
    session: AsyncSession, run: KnowledgeImport, *, publish: bool, overwrite: bool, by: Agent
) -> None:
    """`run` is locked."""
    if run.stage is not Stage.read:
        raise NotRead
    run.stage, run.trouble, run.tries = Stage.writing, "", 0
    run.done = run.total = 0
    run.choices, run.agent_id = {"publish": publish, "overwrite": overwrite}, by.id
    _want(session, run, by=by)


async def remove(desk: Desk, session: AsyncSession, run: KnowledgeImport) -> None:
    """`run` is locked."""
    if run.is_under_way:
        raise Busy
    await session.delete(run)
    await forget(desk, run)


def content_of(desk: Desk, run: KnowledgeImport) -> bytes:
    return (_folder(desk.settings) / run.file).read_bytes()


def pictures_of(desk: Desk, run: KnowledgeImport) -> Files:
    """Until the import is written; then they are among the desk's files."""
    return Files(_folder(desk.settings) / f"pictures-{run.id}")


async def forget(desk: Desk, run: KnowledgeImport) -> None:
    """The upload and the pictures."""
    forget_upload(desk, run)
    await forget_pictures(desk, run)


def forget_upload(desk: Desk, run: KnowledgeImport) -> None:
    """What was read of it stands in the row."""
    if run.file:
        (_folder(desk.settings) / run.file).unlink(missing_ok=True)


async def forget_pictures(desk: Desk, run: KnowledgeImport) -> None:
    await asyncio.to_thread(shutil.rmtree, pictures_of(desk, run).folder, ignore_errors=True)


async def _ordered(desk: Desk, session: AsyncSession, run: KnowledgeImport, *, by: Agent) -> KnowledgeImport:
    run.agent_id, run.stage, run.counts, run.choices = by.id, Stage.reading, {}, {}
    session.add(run)
    await session.flush()
    _want(session, run, by=by)
    newest = select(KnowledgeImport.id).order_by(KnowledgeImport.id.desc()).limit(KEPT)
    over = {Stage.failed, Stage.read, Stage.written}
    gone = await session.scalars(
        delete(KnowledgeImport)
        .where(KnowledgeImport.id.not_in(newest), KnowledgeImport.stage.in_(over))
        .returning(KnowledgeImport)
    )
    for old in gone:
        await forget(desk, old)
    return run


def _want(session: AsyncSession, run: KnowledgeImport, *, by: Agent) -> None:
    session.add(Event(Kind.knowledge_import_wanted, by=by, about=run, stage=run.stage))


def _source(typed: str) -> str:
    source = " ".join(clean(typed).split())
    if not 0 < len(source) <= LONGEST_SOURCE:
        raise Unsourced
    return source


def _folder(settings: Settings) -> Path:
    return settings.home / "incoming"


def _keep(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    target.write_bytes(content)
