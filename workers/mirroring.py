"""Channels that show colleagues their tickets elsewhere: each is shown anew when something has happened to it.

Which tickets those are is read from the event log; what is looked at twice costs one statement. After a start the
last hour is looked at, so that what happened while the desk was away is shown, too.
"""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import and_, func, select

from channels.contract import ChannelError, Mirrors, Unavailable
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.people import Contact
from helpdesk.tickets import Ticket
from workers.connecting import channel_of
from workers.outages import is_outage
from workers.wakeup import Bell

GATHER = 0.3  # seconds in which more may happen to a ticket before it is shown
OVERLAP = 200  # events that are looked at again: who gets a number first need not commit first
AWAY = timedelta(hours=1)
LONGEST_WAIT = 30.0  # seconds that an inbox waits at most where it is asked to
IDLE = 2.0  # seconds between looks while no inbox shows anything: then it is nothing to it what happens

log = structlog.get_logger(__name__)


async def mirroring(desk: Desk, bell: Bell) -> None:
    """For ever. One process at a time does this; an inbox that has to wait holds up no other one."""
    seen: dict[int, int] = {}
    waits: dict[int, float] = {}
    while True:
        shown = await _shown(desk)
        seen = {inbox.id: seen.get(inbox.id) or await _before(desk) for inbox, _channel in shown}
        for inbox, channel in shown:
            if waits.get(inbox.id, 0.0) > monotonic():
                continue
            try:
                seen[inbox.id] = await mirror(desk, inbox, channel, seen[inbox.id])
            except Unavailable as error:
                log.info("tickets are shown later", inbox=inbox.id, because=str(error))
                waits[inbox.id] = monotonic() + min(error.retry_after.total_seconds(), LONGEST_WAIT)
        if shown:
            await bell.wait(1.0)
            await asyncio.sleep(GATHER)
        else:
            await asyncio.sleep(IDLE)


async def mirror(desk: Desk, inbox: Inbox, channel: Mirrors, seen: int) -> int:
    """Everything since this event; returns the newest one there was. Raises Unavailable: then all of it again."""
    async with desk.sessions() as session:
        newest = await session.scalar(select(func.max(Event.id))) or 0
    since = max(seen - OVERLAP, 0) if newest != seen else newest
    if newest != seen:
        for ticket_id in await _changed(desk, inbox.id, seen, newest):
            await _alone(channel.mirror(desk, inbox, ticket_id), inbox=inbox.id, ticket=ticket_id)
    lines = channel.tell(desk, inbox, since=since, until=newest)  # also of what was held till now
    await _alone(lines, inbox=inbox.id)
    return newest


async def _alone(work: Coroutine[Any, Any, None], **about: int) -> None:
    """What cannot be shown holds up nothing else. Raises Unavailable, and outages."""
    try:
        await work
    except Unavailable:
        raise
    except ChannelError as error:
        log.warning("not shown", because=str(error), **about)
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("not shown", **about)


async def _shown(desk: Desk) -> list[tuple[Inbox, Mirrors]]:
    async with desk.sessions() as session:
        active = (await session.scalars(select(Inbox).where(Inbox.active))).all()
    found: list[tuple[Inbox, Mirrors]] = []
    for inbox in active:
        try:
            channel = channel_of(desk, inbox)
        except HelpdeskError:
            continue  # its listener says so
        if isinstance(channel, Mirrors) and channel.mirrors:
            found.append((inbox, channel))
    return found


async def _changed(desk: Desk, inbox_id: int, seen: int, newest: int) -> list[int]:
    """Also those of people who were erased: what was shown of them is to be gone, too."""
    since = Event.id > max(seen - OVERLAP, 0), Event.id <= newest
    told = select(Event.ticket_id).join(Ticket, Ticket.id == Event.ticket_id)
    erased = select(Ticket.id).join(
        Event, and_(Event.about == Contact.__tablename__, Event.about_id == Ticket.contact_id)
    )
    async with desk.sessions() as session:
        found = {
            *await session.scalars(told.where(*since, Ticket.inbox_id == inbox_id).distinct()),
            *await session.scalars(
                erased.where(*since, Event.kind == Kind.contact_erased, Ticket.inbox_id == inbox_id)
            ),
        }
    return sorted(ticket_id for ticket_id in found if ticket_id)


async def _before(desk: Desk) -> int:
    async with desk.sessions() as session:
        found = await session.scalar(select(func.max(Event.id)).where(Event.created_at < now() - AWAY))
    return found or 0
