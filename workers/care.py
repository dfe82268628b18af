"""What takes long and may wait: imports of other products, exports, daily backups, and what is not kept any longer."""

import asyncio
import shutil
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import select

from ai.providers import calls
from helpdesk import options, retention
from helpdesk.backups import daily
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.events import DESK, Event, Kind
from helpdesk.export import ordered
from helpdesk.imports import ordering, reverting, running
from helpdesk.imports.rows import ImportRun, State

LOOK = 60.0  # seconds between looks whether a backup or a ticket is due
AGAIN = 3600.0  # seconds until a backup that failed is tried again

log = structlog.get_logger(__name__)


async def care(desk: Desk) -> None:
    """A job: everything that was ordered and has not been done. Killed, it goes on where it was."""
    if made := await asyncio.to_thread(ordered.make_all, desk.database_url, desk.settings):
        log.info("exports written", exports=made)
    while (run := await _next(desk)) is not None:
        try:
            if run.state is State.reverting:
                await reverting.revert(desk, run.id, by=DESK)
            else:
                await _import(desk, run)
        except (HelpdeskError, OSError) as error:
            await _fail(desk, run.id, str(error))
            log.warning("import stopped", run=run.id, error=str(error))


async def _next(desk: Desk) -> ImportRun | None:
    """One process at a time does this work, so what is said to be running was interrupted."""
    unfinished = [State.waiting, State.running, State.reverting]
    async with desk.sessions() as session:
        query = select(ImportRun).where(ImportRun.state.in_(unfinished)).order_by(ImportRun.id).limit(1)
        return await session.scalar(query)


async def _import(desk: Desk, run: ImportRun) -> None:
    folder = await ordering.folder_of(desk, run)
    report = await asyncio.to_thread(running.run, desk.database_url, desk.files.folder, run.id, folder)
    log.info("imported", run=run.id, vendor=run.vendor, dry=run.dry, changed=report.changed)
    if not run.dry:
        async with committed(desk.sessions) as session:
            session.add(Event(Kind.imported, by=DESK, about=run, tickets=report.of("ticket").made))
        working = ordering.working_folder(desk.settings, run.source)
        if folder.is_relative_to(working):
            await asyncio.to_thread(shutil.rmtree, working, ignore_errors=True)


async def _fail(desk: Desk, run_id: int, why: str) -> None:
    async with committed(desk.sessions) as session:
        run = await session.get_one(ImportRun, run_id)
        run.state, run.trouble, run.finished_at = State.failed, why[:1000], now()


async def keeping(desk: Desk) -> None:
    """For ever, in one process: make the daily backup, and let go of what is not kept any longer."""
    started, not_before = now(), now()
    while True:
        due = daily.next_due(desk.settings, since=started)
        if due is not None and now() >= max(due, not_before):
            try:
                done = await asyncio.to_thread(daily.make, desk.database_url, desk.settings)
                async with committed(desk.sessions) as session:
                    session.add(Event(Kind.backup_made, by=DESK, bytes=done.bytes, name=Path(done.path).name))
                log.info("backup made", path=str(done.path), bytes=done.bytes)
            except (HelpdeskError, OSError) as error:
                not_before = now() + timedelta(seconds=AGAIN)
                log.error("no backup was made", error=str(error))
        while gone := await retention.sweep(desk):
            log.info("not kept any longer", tickets=gone)
        async with committed(desk.sessions) as session:
            await calls.forget(session, days=(await options.load(session)).model_log_days)
        await asyncio.sleep(LOOK)
