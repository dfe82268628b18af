"""Lines for a team in a channel of its own: a new ticket, one that was assigned, a promise that is due soon.

Each at most once: what was said is written down before it is posted. In a channel that is shared with other
workspaces nothing is said, since a line holds what customers wrote.
"""

from collections import OrderedDict
from time import monotonic

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.contract import ChannelError, Rejected, Unavailable
from channels.slack.calling import Calls
from channels.slack.mrkdwn import escaped
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.people import Agent
from helpdesk.slack import SlackTeam
from helpdesk.tickets import Ticket

KINDS = (Kind.ticket_created, Kind.team_changed, Kind.assigned, Kind.sla_warned, Kind.sla_breached)
MOST = 200  # lines of one look
SAID = "line/"
TRUSTED = 600.0  # seconds that it is believed of a channel that nobody from outside reads it
_inside: OrderedDict[tuple[str, str], float] = OrderedDict()


async def tell(desk: Desk, inbox: Inbox, calls: Calls, *, since: int, until: int) -> None:
    """Of the events behind `since`. Raises Unavailable where Slack asks to wait: then again from there."""
    async with desk.sessions() as session:
        teams = {
            row.team_id: row
            for row in await session.scalars(select(SlackTeam).where(SlackTeam.inbox_id == inbox.id))
        }
        found = await _events(session, teams, since, until) if teams else []
    for event, ticket in found:
        row = teams[ticket.team_id or 0]
        if event.created_at > row.created_at and (text := await _line(desk, row, event, ticket)):
            await _said(desk, inbox, calls, row, event.id, text)


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


async def _events(
    session: AsyncSession, teams: dict[int, SlackTeam], since: int, until: int
) -> list[tuple[Event, Ticket]]:
    query = (
        select(Event, Ticket)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .options(joinedload(Ticket.contact))
        .where(
            Event.id > since,
            Event.id <= until,
            Event.kind.in_(KINDS),
            Ticket.team_id.in_(teams),
            Ticket.removed.is_(None),
        )
        .order_by(Event.id)
        .limit(MOST)
    )
    return [(event, ticket) for event, ticket in await session.execute(query)]


async def _line(desk: Desk, row: SlackTeam, event: Event, ticket: Ticket) -> str:
    """Empty where this team does not want to hear of it."""
    match event.kind:
        case Kind.ticket_created if row.new and not await _was_moved(desk, ticket):
            return gettext("New: {ticket}").format(ticket=_name(desk, ticket))
        case Kind.team_changed if row.new and event.data.get("now") == row.team_id:
            return gettext("Now yours: {ticket}").format(ticket=_name(desk, ticket))
        case Kind.assigned if row.assigned:
            return await _assigned(desk, event, ticket)
        case Kind.sla_warned if row.warned:
            return gettext("Due soon: {ticket}").format(ticket=_name(desk, ticket))
        case Kind.sla_breached if row.warned:
            return gettext("Overdue: {ticket}").format(ticket=_name(desk, ticket))
    return ""


async def _was_moved(desk: Desk, ticket: Ticket) -> bool:
    """It is said then that it is theirs; that it is new as well would be said twice."""
    moved = select(Event.id).where(Event.ticket_id == ticket.id, Event.kind == Kind.team_changed).limit(1)
    async with desk.sessions() as session:
        return await session.scalar(moved) is not None


async def _assigned(desk: Desk, event: Event, ticket: Ticket) -> str:
    name = _name(desk, ticket)
    async with desk.sessions() as session:
        agent = await session.get(Agent, event.data["now"]) if event.data.get("now") else None
    if agent is None:
        return gettext("Nobody has it any more: {ticket}").format(ticket=name)
    return gettext("{agent} has it: {ticket}").format(agent=escaped(agent.name), ticket=name)


def _name(desk: Desk, ticket: Ticket) -> str:
    subject = escaped(f"#{ticket.number} {ticket.subject[:150]}").replace("|", "/").replace("\n", " ")
    return f"<{desk.settings.url}/tickets/{ticket.number}|{subject}> · {escaped(ticket.contact.name[:80])}"


async def _said(desk: Desk, inbox: Inbox, calls: Calls, row: SlackTeam, event_id: int, text: str) -> None:
    source = f"{SAID}{event_id}"
    mark = insert(Kept).values(
        inbox_id=inbox.id, source=source, raw=b"", digest="", state=KeptState.settled, outcome="a line"
    )
    async with committed(desk.sessions) as session:
        if await session.scalar(mark.on_conflict_do_nothing().returning(Kept.id)) is None:
            return
    trouble = ""
    try:
        if not await is_inside(calls, row.channel_id):
            raise Rejected(shared())
        await calls.tell("chat_postMessage", channel=row.channel_id, text=text, unfurl_links=False)
    except Unavailable:  # it was not taken
        async with committed(desk.sessions) as session:
            await session.execute(delete(Kept).where(Kept.inbox_id == inbox.id, Kept.source == source))
        raise
    except ChannelError as error:
        trouble = str(error)
    if trouble != row.trouble:
        async with committed(desk.sessions) as session:
            if stored := await session.get(SlackTeam, row.id):
                stored.trouble = row.trouble = trouble


def shared() -> str:
    return gettext("This channel is shared with other workspaces: customers would read along.")
