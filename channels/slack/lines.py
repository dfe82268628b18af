"""Lines for a team in a channel of its own: a new ticket, an answer, who has it, a promise that is due soon.

Each at most once: what was said is written down before it is posted. Outside of the team's hours lines are held, and
told as one message when the hours begin; many at once are one message, too. In a channel that is shared with other
workspaces nothing is said, since a line holds what customers wrote.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from time import monotonic

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import ChannelError, Rejected, Unavailable
from channels.slack.calling import Calls
from channels.slack.mrkdwn import linked, one_line
from helpdesk import clock
from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.people import Agent
from helpdesk.slack import SlackTeam
from helpdesk.tickets import Ticket

WANTED = {
    Kind.ticket_created: "new",
    Kind.team_changed: "new",
    Kind.message_received: "answered",
    Kind.assigned: "assigned",
    Kind.resolved: "settled",
    Kind.reopened: "settled",
    Kind.sla_warned: "warned",
    Kind.sla_breached: "warned",
}
"""Of what a team hears where it wants to."""
MOST = 1_000  # events of one look
APART = 5  # lines of one look that are messages of their own; more are one message
SHOWN = 15  # lines of such a message
HELD = 500  # events that wait for the hours at most
SAID = "line/"
TRUSTED = 600.0  # seconds that it is believed of a channel that nobody from outside reads it
_inside: OrderedDict[tuple[str, str], float] = OrderedDict()
Told = tuple[Event, Ticket]


async def tell(desk: Desk, inbox: Inbox, calls: Calls, *, since: int, until: int) -> None:
    """Of the events behind `since`, and of those that were held. Raises Unavailable where Slack asks to wait: then
    again from there."""
    async with desk.sessions() as session:
        rows = list(await session.scalars(select(SlackTeam).where(SlackTeam.inbox_id == inbox.id)))
        if not rows or (since >= until and not any(row.held for row in rows)):
            return
        quiet = {row.id for row in rows if await _is_quiet(session, row)}
        found = await _events(session, [row.team_id for row in rows], since, until)
    for row in rows:
        theirs = [one for one in found[row.team_id] if await _is_wanted(desk, row, one)]
        if row.id in quiet:
            await _hold(desk, inbox, row, theirs)
            continue
        if row.held:
            await _release(desk, calls, row)
        if len(theirs) > APART:
            await _say(desk, inbox, calls, row, theirs, gettext("{n} things happened:"))
        else:
            for one in theirs:
                await _say(desk, inbox, calls, row, [one])


async def is_inside(calls: Calls, channel: str) -> bool:
    """Whether only our own people read along. Raises ChannelError, in words."""
    key = (calls.settings.bot_token, channel)
    if _inside.get(key, -TRUSTED) > monotonic() - TRUSTED:
        return True
    answer = await calls.ask("conversations_info", channel=channel)
    given = answer.get("channel")
    known = given if isinstance(given, dict) else {}
    if known.get("is_ext_shared") or known.get("is_pending_ext_shared"):
        return False
    _inside[key] = monotonic()
    while len(_inside) > 1_000:
        _inside.popitem(last=False)
    return True


async def _is_quiet(session: AsyncSession, row: SlackTeam) -> bool:
    calendar = await session.get(Calendar, row.calendar_id) if row.calendar_id else None
    return calendar is not None and not calendar.hours.is_open(clock.now())


async def _events(
    session: AsyncSession, teams: Sequence[int], since: int, until: int
) -> defaultdict[int, list[Told]]:
    """By team; the oldest first."""
    found: defaultdict[int, list[Told]] = defaultdict(list)
    if since < until:
        query = _loaded().where(
            Event.id > since, Event.id <= until, Event.kind.in_(WANTED), Ticket.team_id.in_(teams)
        )
        for event, ticket in await session.execute(query.limit(MOST)):
            found[ticket.team_id or 0].append((event, ticket))
    return found


def _loaded() -> Select[Event, Ticket]:
    return (
        select(Event, Ticket)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .options(joinedload(Ticket.contact))
        .where(Ticket.removed.is_(None))
        .order_by(Event.id)
    )


async def _is_wanted(desk: Desk, row: SlackTeam, told: Told) -> bool:
    event, ticket = told
    if event.created_at <= row.created_at or not getattr(row, WANTED[event.kind]):
        return False
    earlier = select(Event.id).where(Event.ticket_id == ticket.id)
    match event.kind:
        case Kind.team_changed:
            return event.data.get("now") == row.team_id
        case Kind.ticket_created:  # of one that was moved to them it is said that it is theirs now
            earlier = earlier.where(Event.kind == Kind.team_changed)
        case Kind.message_received:  # the first one is the new ticket
            earlier = earlier.where(Event.kind == Kind.message_received, Event.id < event.id)
        case _:
            return True
    async with desk.sessions() as session:
        is_there = await session.scalar(earlier.limit(1)) is not None
    return is_there is (event.kind is Kind.message_received)


async def _say(
    desk: Desk, inbox: Inbox, calls: Calls, row: SlackTeam, told: Sequence[Told], head: str = ""
) -> None:
    """One message. Nothing of it that was said before is said again."""
    async with committed(desk.sessions) as session:
        new = await _marked(session, inbox, told)
    if not new:
        return
    try:
        await _posted(desk, calls, row, new, head)
    except Unavailable:  # it was not taken
        sources = [f"{SAID}{event.id}" for event, _ticket in new]
        async with committed(desk.sessions) as session:
            await session.execute(delete(Kept).where(Kept.inbox_id == inbox.id, Kept.source.in_(sources)))
        raise


async def _marked(session: AsyncSession, inbox: Inbox, told: Sequence[Told]) -> list[Told]:
    """Those of them that nobody has dealt with yet, and now somebody has."""
    if not told:
        return []
    done = {"raw": b"", "digest": "", "state": KeptState.settled, "outcome": "a line"}
    rows = [{"inbox_id": inbox.id, "source": f"{SAID}{event.id}", **done} for event, _ticket in told]
    mark = insert(Kept).values(rows).on_conflict_do_nothing().returning(Kept.source)
    new = set(await session.scalars(mark))
    return [one for one in told if f"{SAID}{one[0].id}" in new]


async def _hold(desk: Desk, inbox: Inbox, row: SlackTeam, told: Sequence[Told]) -> None:
    async with committed(desk.sessions) as session:
        if new := await _marked(session, inbox, told):
            held = [*row.held, *(event.id for event, _ticket in new)][-HELD:]
            await session.execute(update(SlackTeam).where(SlackTeam.id == row.id).values(held=held))


async def _release(desk: Desk, calls: Calls, row: SlackTeam) -> None:
    """Taken out before it is said, so that it is said once."""
    async with committed(desk.sessions) as session:
        await session.execute(update(SlackTeam).where(SlackTeam.id == row.id).values(held=[]))
        query = _loaded().where(Event.id.in_(row.held), Ticket.team_id == row.team_id)
        told = [(event, ticket) for event, ticket in await session.execute(query)]
    if not told:
        return
    try:
        await _posted(desk, calls, row, told, gettext("Outside of your hours, {n} things happened:"))
    except Unavailable:
        async with committed(desk.sessions) as session:
            await session.execute(update(SlackTeam).where(SlackTeam.id == row.id).values(held=row.held))
        raise


async def _posted(desk: Desk, calls: Calls, row: SlackTeam, told: Sequence[Told], head: str) -> None:
    lines = [await _line(desk, event, ticket) for event, ticket in told[:SHOWN]]
    if head:
        lines = [head.format(n=len(told)), *(f"• {line}" for line in lines)]
    if len(told) > SHOWN:
        more = gettext("… and {n} more: {url}")
        lines.append(
            more.format(n=len(told) - SHOWN, url=f"{desk.settings.url}/tickets?view=all&team={row.team_id}")
        )
    trouble = ""
    try:
        if not await is_inside(calls, row.channel_id):
            raise Rejected(shared())
        text = "\n".join(lines)
        await calls.tell("chat_postMessage", channel=row.channel_id, text=text, unfurl_links=False)
    except Unavailable:
        raise
    except ChannelError as error:
        trouble = str(error)
    await write_down(desk, row, trouble)


async def write_down(desk: Desk, row: SlackTeam, trouble: str) -> None:
    """Why nothing stands in its channel, for the settings."""
    if trouble == row.trouble:
        return
    async with committed(desk.sessions) as session:
        await session.execute(update(SlackTeam).where(SlackTeam.id == row.id).values(trouble=trouble))
    row.trouble = trouble


async def _line(desk: Desk, event: Event, ticket: Ticket) -> str:
    name = _name(desk, ticket)
    match event.kind:
        case Kind.team_changed:
            return gettext("Now yours: {ticket}").format(ticket=name)
        case Kind.message_received:
            return gettext("Answered: {ticket}").format(ticket=name)
        case Kind.assigned:
            return await _assigned(desk, event, name)
        case Kind.resolved:
            return gettext("Resolved: {ticket}").format(ticket=name)
        case Kind.reopened:
            return gettext("Open again: {ticket}").format(ticket=name)
        case Kind.sla_warned:
            return gettext("Due soon: {ticket}").format(ticket=name)
        case Kind.sla_breached:
            return gettext("Overdue: {ticket}").format(ticket=name)
    return gettext("New: {ticket}").format(ticket=name)


async def _assigned(desk: Desk, event: Event, name: str) -> str:
    async with desk.sessions() as session:
        agent = await session.get(Agent, event.data["now"]) if event.data.get("now") else None
    if agent is None:
        return gettext("Nobody has it any more: {ticket}").format(ticket=name)
    return gettext("{agent} has it: {ticket}").format(agent=one_line(agent.name), ticket=name)


def _name(desk: Desk, ticket: Ticket) -> str:
    subject = linked(
        f"{desk.settings.url}/tickets/{ticket.number}", f"#{ticket.number} {ticket.subject[:150]}", 800
    )
    return f"{subject} · {one_line(ticket.contact.name[:80])}"


def shared() -> str:
    return gettext("This channel is shared with other workspaces: customers would read along.")
