"""Everything that runs beside the web, under one supervisor: listeners, jobs, clock, and the models' process."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from helpdesk.desk import Desk
from helpdesk.soon import SOON
from workers.asking import asking
from workers.assist import assist as models
from workers.assisting import consider, engage, sweeping
from workers.bulk import change_many
from workers.calendars import calendars, refresh_calendars
from workers.care import care, keeping
from workers.chatting import chatting
from workers.clock import clock
from workers.delivery import deliver
from workers.dispatch import dispatch
from workers.duty import on_duty
from workers.estimating import estimating
from workers.importing import import_contacts, import_knowledge
from workers.interpreting import interpreting
from workers.jobs import (
    BULK,
    CALENDARS,
    CARE,
    CONSIDER,
    CONTACTS,
    DATA,
    DELIVER,
    ENGAGE,
    KNOWLEDGE,
    LEAVE,
    LETTER,
    MAIL,
    MEASURE,
    NOTIFY,
    RECKON,
    RULES,
    SHARE,
    Crew,
)
from workers.letters import send_letter
from workers.listening import listening
from workers.measuring import measure, measuring
from workers.mirroring import mirroring
from workers.notices import notify
from workers.reading import Readers
from workers.receiving import Receiving
from workers.reckoning import reckon
from workers.reporting import reporting
from workers.rounds import rounds
from workers.ruling import apply_rules, ruling
from workers.scheduled import leave
from workers.sharing import share_out
from workers.supervision import Supervisor
from workers.together import end, together
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
        parts["assist"] = models(desk).run
    await _run(parts, supervisor, stop or asyncio.Event())


def _intake(desk: Desk, wakeup: Wakeup, supervisor: Supervisor) -> Parts:
    readers = Readers()
    receiving = Receiving(desk, readers, wakeup.bell("kept-"))
    changes, handed = wakeup.bell("inbox-"), wakeup.bell("handed-")
    tickets = wakeup.bell("ticket-", "silent-")

    async def work() -> None:
        try:
            await together(
                supervisor.keep("receiving", receiving.run),
                supervisor.keep("interpreting", partial(interpreting, desk, handed)),
                supervisor.keep("mirroring", partial(mirroring, desk, tickets)),
                supervisor.keep("listening", partial(listening, desk, supervisor, changes)),
            )
        finally:
            await readers.close()

    return {"intake": partial(on_duty, desk.database_url, "intake", work)}


def _jobs(desk: Desk, wakeup: Wakeup) -> Parts:
    tasks: dict[str, Callable[..., Awaitable[object]]] = {
        DELIVER: partial(deliver, desk),
        NOTIFY: partial(notify, desk),
        LETTER: partial(send_letter, desk),
        LEAVE: partial(leave, desk),
        BULK: partial(change_many, desk),
        SHARE: partial(share_out, desk),
        CALENDARS: partial(refresh_calendars, desk),
        RECKON: partial(reckon, desk),
        RULES: partial(apply_rules, desk),
        MEASURE: partial(measure, desk),
        CONSIDER: partial(consider, desk),
        ENGAGE: partial(engage, desk),
    }
    crew = Crew(desk, MAIL, tasks, at_once=desk.settings.jobs)
    lengthy: dict[str, Callable[..., Awaitable[object]]] = {
        CONTACTS: partial(import_contacts, desk),
        KNOWLEDGE: partial(import_knowledge, desk),
        CARE: partial(care, desk),
    }
    files = Crew(desk, DATA, lengthy, at_once=1)
    return {
        "dispatch": partial(dispatch, desk, wakeup.bell("ticket-", "event")),
        "deliveries": crew.work,
        "revival": crew.revive,
        "files": files.work,
        "revival of files": files.revive,
        "clock": partial(clock, desk, wakeup.bell(SOON)),
        "indexing": partial(indexing, desk, wakeup.bell("ticket-")),
        "compacting": partial(compacting, desk),
        "rounds": partial(rounds, desk),
        "measuring": partial(measuring, desk),
        "assistant": partial(sweeping, desk),
        "reporting": partial(reporting, desk),
        "asking": partial(asking, desk),
        "chatting": partial(chatting, desk),
        "calendars": partial(calendars, desk),
        "keeping": partial(on_duty, desk.database_url, "keeping", partial(keeping, desk)),
        "rules": partial(on_duty, desk.database_url, "rules", partial(ruling, desk)),
        "estimating": partial(estimating, desk),
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
        await end(late)
    log.info("workers stopped")
