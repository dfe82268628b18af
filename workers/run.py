"""Everything that runs beside the web, under one supervisor: listeners, jobs, clock, and the models' process."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from helpdesk.desk import Desk
from workers.assist import Assist
from workers.bulk import change_many
from workers.calendars import calendars, refresh_calendars
from workers.care import care, keeping
from workers.clock import clock
from workers.delivery import deliver
from workers.dispatch import dispatch
from workers.duty import on_duty
from workers.importing import import_contacts
from workers.jobs import (
    BULK,
    CALENDARS,
    CARE,
    CONTACTS,
    DATA,
    DELIVER,
    LEAVE,
    LETTER,
    MAIL,
    NOTIFY,
    RECKON,
    SHARE,
    Crew,
)
from workers.letters import send_letter
from workers.listening import listening
from workers.notices import notify
from workers.reading import Readers
from workers.receiving import Receiving
from workers.reckoning import reckon
from workers.rounds import rounds
from workers.scheduled import leave
from workers.sharing import share_out
from workers.supervision import Supervisor
from workers.upkeep import compacting, indexing
from workers.wakeup import Wakeup
from workers.webhooks import Posting

STOP = 24.0  # seconds in which everything comes to an end

log = structlog.get_logger(__name__)
Parts = dict[str, Callable[[], Awaitable[None]]]


async def run(
    desk: Desk,
    *,
    listeners: bool = True,
    jobs: bool = True,
    assist: bool = True,
    stop: asyncio.Event | None = None,
    supervisor: Supervisor | None = None,
) -> None:
    """Until `stop` is set or this is cancelled. `supervisor.health()` tells meanwhile how it goes."""
    supervisor = supervisor or Supervisor()
    wakeup = Wakeup(desk.database_url)
    parts: Parts = {"wakeup": wakeup.run}
    if listeners:
        parts |= _intake(desk, wakeup, supervisor)
    if jobs:
        parts |= _jobs(desk, wakeup)
    if assist:
        parts["assist"] = Assist(desk).run
    await _run(parts, supervisor, stop or asyncio.Event())


def _intake(desk: Desk, wakeup: Wakeup, supervisor: Supervisor) -> Parts:
    readers = Readers()
    receiving = Receiving(desk, readers, wakeup.bell("kept-"))
    changes = wakeup.bell("inbox-")

    async def work() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(supervisor.keep("receiving", receiving.run))
                group.create_task(supervisor.keep("listening", partial(listening, desk, supervisor, changes)))
        finally:
            await readers.close()

    return {"intake": partial(on_duty, desk.database_url, "intake", work)}


def _jobs(desk: Desk, wakeup: Wakeup) -> Parts:
    tasks = {
        DELIVER: partial(deliver, desk),
        NOTIFY: partial(notify, desk),
        LETTER: partial(send_letter, desk),
        LEAVE: partial(leave, desk),
        BULK: partial(change_many, desk),
        SHARE: partial(share_out, desk),
        CALENDARS: partial(refresh_calendars, desk),
        RECKON: partial(reckon, desk),
    }
    crew = Crew(desk, MAIL, tasks, at_once=desk.settings.jobs)
    files = Crew(desk, DATA, {CONTACTS: partial(import_contacts, desk), CARE: partial(care, desk)}, at_once=1)
    return {
        "dispatch": partial(dispatch, desk, wakeup.bell("ticket-", "event")),
        "deliveries": crew.work,
        "revival": crew.revive,
        "files": files.work,
        "revival of files": files.revive,
        "clock": partial(clock, desk),
        "indexing": partial(indexing, desk, wakeup.bell("ticket-")),
        "compacting": partial(compacting, desk),
        "rounds": partial(rounds, desk),
        "calendars": partial(calendars, desk),
        "keeping": partial(on_duty, desk.database_url, "keeping", partial(keeping, desk)),
        "webhooks": Posting(desk, wakeup.bell("webhook")).run,
    }


async def _run(parts: Parts, supervisor: Supervisor, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(supervisor.keep(name, work), name=name) for name, work in parts.items()]
        log.info("workers started", parts=list(parts))
        await stop.wait()
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=STOP)
        for task in late:
            log.warning("part does not end", part=task.get_name())
            task.cancel()
    log.info("workers stopped")
