"""Lists of tickets: which are shown, in which order, page after page, and how many each queue holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Executable, Select, and_, bindparam, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, counting
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.conditions import Condition
from helpdesk.conditions.subjects import mentioned, participating, unattended, unread
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType, ticket_tag
from helpdesk.ordering import BadCursor, Cursor, Order, Place, Sorting
from helpdesk.people import Agent, Company, Contact, Role, Team
from helpdesk.reading import Asked, rows
from helpdesk.saved_views import SavedView
from helpdesk.sla import Clock
from helpdesk.statements import literally, once
from helpdesk.statuses import Status
from helpdesk.tickets import Removal, Ticket

__all__ = [
    "BadCursor",
    "Cursor",
    "Listing",
    "Order",
    "Place",
    "Sorting",
    "View",
    "counts",
    "listed",
    "overview",
]

PAGE = 50
MOST = 100
"""A saved view's tickets are counted to here; it has 99+ then."""


class View(StrEnum):
    mine = "mine"
    unassigned = "unassigned"
    unattended = "unattended"
    mentioned = "mentioned"
    participating = "participating"
    snoozed = "snoozed"
    all = "all"
    settled = "settled"
    spam = "spam"
    trash = "trash"


def condition(view: View, agent: Agent) -> ColumnElement[bool]:
    match view:
        case View.mine:
            return and_(Ticket.is_active, Ticket.assignee_id == agent.id)
        case View.unassigned:
            return and_(Ticket.is_active, Ticket.assignee_id.is_(None))
        case View.unattended:
            return and_(Ticket.is_active, unattended())
        case View.mentioned:
            return and_(Ticket.is_active, mentioned(agent))
        case View.participating:
            return and_(Ticket.is_active, participating(agent))
        case View.snoozed:
            return and_(Ticket.snoozed_until.is_not(None), ~Ticket.settled, Ticket.removed.is_(None))
        case View.all:
            return and_(Ticket.is_active)
        case View.settled:
            return and_(Ticket.settled, Ticket.removed.is_(None))
        case View.spam | View.trash:
            return and_(Ticket.removed == Removal(view.value))


@dataclass(frozen=True)
class Listing:
    """Which tickets a list shows: a queue, perhaps of one team or inbox, a saved view, or a condition."""

    view: View = View.mine
    team_id: int | None = None
    inbox_id: int | None = None
    saved: SavedView | None = None
    sorting: Sorting = field(default_factory=Sorting)
    where: Condition | None = None
    """What a number of the board stands for, and whatever else nobody has saved."""
    words: str = ""
    """The condition's."""

    @property
    def wanted(self) -> Condition | None:
        """None of a queue."""
        return self.saved.wanted if self.saved else self.where

    def condition(self, agent: Agent, at: datetime | None = None) -> ColumnElement[bool]:
        """Without what the agent may see; whoever queries adds `is_visible`."""
        if self.wanted is not None:
            return and_(conditions.compile(conditions.kept(self.wanted), agent, at or now()))
        within = [condition(self.view, agent)]
        if self.team_id is not None:
            within.append(Ticket.team_id == self.team_id)
        if self.inbox_id is not None:
            within.append(Ticket.inbox_id == self.inbox_id)
        return and_(*within)


@dataclass(frozen=True)
class Page:
    tickets: Sequence[Any]  # rows with the columns of `listed`
    after: Place | None  # where the next page begins; None on the last


async def listed(
    session: AsyncSession,
    agent: Agent,
    view: View | Listing | ColumnElement[bool],
    *,
    team_id: int | None = None,
    sorting: Sorting | None = None,
    after: Place | None = None,
    limit: int = PAGE,
) -> Page:
    """Rows, not entities: a list shows thirty columns of eight tables and changes none."""
    if isinstance(view, View):
        view = Listing(view, team_id)
    order = sorting or (view.sorting if isinstance(view, Listing) else Sorting())
    if isinstance(view, Listing) and view.wanted is None and not after:
        (found,) = await rows(session, (_first_page(agent, view, order, limit), {}))
    else:
        wanted = await _wanted(session, agent, view) if isinstance(view, Listing) else view
        query = _page(agent, and_(wanted, order.after(after)) if after else wanted, order, limit)
        found = list((await session.execute(query)).all())
    return _cut(found, order, limit)


def _cut(found: Sequence[Any], order: Sorting, limit: int) -> Page:
    more = len(found) > limit
    return Page(found[:limit], order.place(found[limit - 1]) if more else None)


async def _wanted(session: AsyncSession, agent: Agent, listing: Listing) -> ColumnElement[bool]:
    if listing.wanted is not None:
        wanted = conditions.kept(listing.wanted)
        found: ColumnElement[bool] = await conditions.compiled(session, wanted, agent, now())
        return found
    return listing.condition(agent)


@once
def _first_page(agent: Agent, listing: Listing, order: Sorting, limit: int) -> Select[Any]:
    return _page(agent, listing.condition(agent), order, limit)


def _page(agent: Agent, wanted: ColumnElement[bool], order: Sorting, limit: int) -> Select[Any]:
    chosen = (
        select(Ticket.id).where(is_visible(agent), wanted).order_by(*order.by()).limit(literally(limit + 1))
    )
    found: Select[Any] = _rows(agent, chosen).order_by(*order.by())
    return found


def _rows(agent: Agent, chosen: Any) -> Any:
    """What a row of a list shows, of these tickets."""
    assignee = Agent.__table__.alias("assignee")
    few = chosen.subquery("chosen")
    return (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Ticket.category,
            Ticket.priority,
            Ticket.sentiment,
            Ticket.has_suggestion,
            Ticket.with_assistant,
            Ticket.preview,
            Ticket.last_direction,
            Ticket.last_message_at,
            Ticket.created_at,
            Ticket.waiting_since,
            Ticket.next_due_at,
            Ticket.snoozed_until,
            Ticket.removed,
            Ticket.fields,
            Ticket.language,
            Contact.name.label("contact"),
            Company.name.label("company"),
            Team.name.label("team"),
            Team.colour.label("team_colour"),
            assignee.c.name.label("assignee"),
            Inbox.name.label("inbox"),
            Inbox.channel.label("channel"),
            Status.name.label("status"),
            Status.colour.label("status_colour"),
            TicketType.name.label("type"),
            unread(agent).label("is_unread"),
            select(func.json_agg(func.json_build_array(Tag.name, Tag.colour)))
            .select_from(ticket_tag)
            .join(Tag, Tag.id == ticket_tag.c.tag_id)
            .where(ticket_tag.c.ticket_id == Ticket.id)
            .scalar_subquery()
            .label("tags"),
            select(func.count())
            .where(
                Clock.ticket_id == Ticket.id,
                Clock.breached_at.is_not(None),
                Clock.met_at.is_(None),
                Clock.ended_at.is_(None),
            )
            .scalar_subquery()
            .label("breached"),
        )
        .join(few, few.c.id == Ticket.id)
        .join(Contact, Contact.id == Ticket.contact_id)
        .join(Inbox, Inbox.id == Ticket.inbox_id)
        .join(Status, Status.id == Ticket.status_id)
        .outerjoin(Company, Company.id == Contact.company_id)
        .outerjoin(Team, Team.id == Ticket.team_id)
        .outerjoin(TicketType, TicketType.id == Ticket.type_id)
        .outerjoin(assignee, assignee.c.id == Ticket.assignee_id)
    )


async def rows_of(session: AsyncSession, agent: Agent, ids: Sequence[int]) -> dict[int, Any]:
    """The rows of these tickets, as far as the agent may see them."""
    rows = (await session.execute(_rows_of(agent), {"ids": list(ids)})).all() if ids else ()
    return {row.id: row for row in rows}


@once
def _rows_of(agent: Agent) -> Select[Any]:
    ids: ColumnElement[Any] = bindparam("ids", expanding=True)
    found: Select[Any] = _rows(agent, select(Ticket.id).where(is_visible(agent), Ticket.id.in_(ids)))
    return found


async def at_most(session: AsyncSession, agent: Agent, wanted: ColumnElement[bool], most: int = MOST) -> int:
    """How many there are, counted no further than `most`."""
    few = (
        select(literal(1))
        .select_from(Ticket)
        .where(is_visible(agent), wanted)
        .limit(literally(most))
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(few)) or 0


def patience(milliseconds: int | None) -> Executable:
    """Until the transaction ends, or None: statements may take so long and no longer."""
    value = f"{milliseconds}ms" if milliseconds else "30s"
    return select(func.set_config("statement_timeout", value, True))


@dataclass(frozen=True)
class Queue:
    """A team or inbox, and how many open tickets of it this agent sees."""

    id: int
    name: str
    colour: str
    open: int


@dataclass(frozen=True)
class Pinned:
    """A saved view as the navigation shows it."""

    id: int
    name: str
    icon: str
    colour: str
    pinned: bool


@dataclass(frozen=True)
class Counts:
    views: dict[View, int]
    teams: dict[int, Queue]
    inboxes: dict[int, Queue] = field(default_factory=dict)
    saved: list[Pinned] = field(default_factory=list)


async def counts(session: AsyncSession, agent: Agent) -> Counts:
    """How many tickets each open queue holds for this agent; one round trip, whatever the desk's size."""
    return _counts(agent, *await rows(session, *_queues(agent)))


async def overview(
    session: AsyncSession, agent: Agent, listing: Listing, *, after: Place | None = None
) -> tuple[Page, Counts]:
    """A page of a list and all counts; of a queue's first in one round trip: open consoles ask for it all day."""
    if after or listing.wanted is not None:
        return await listed(session, agent, listing, after=after), await counts(session, agent)
    order = listing.sorting
    found, *queues = await rows(session, (_first_page(agent, listing, order, PAGE), {}), *_queues(agent))
    return _cut(found, order, PAGE), _counts(agent, *queues)


def _queues(agent: Agent) -> list[Asked]:
    return [(counting.tallied(agent), {}), (_named(agent), {})]


def _counts(agent: Agent, tallied: Sequence[Any], named: Sequence[Any]) -> Counts:
    tallies = counting.told(tallied)
    live = {tally.queue: tally.all for tally in tallies if tally.queue in LIVE}
    active = [tally for tally in tallies if tally.queue == "active"]

    def of(queue: str) -> int:
        return sum(tally.all for tally in tallies if tally.queue == queue)

    found = Counts(
        views={
            View.mine: sum(tally.mine for tally in active),
            View.unassigned: sum(tally.unassigned for tally in active),
            View.unattended: sum(tally.unattended for tally in active),
            View.mentioned: live.get(View.mentioned.value, 0),
            View.participating: live.get(View.participating.value, 0),
            View.snoozed: of("snoozed"),
            View.all: sum(tally.all for tally in active),
            View.settled: of("settled"),
            View.spam: of("spam"),
            View.trash: of("trash"),
        },
        teams={},
    )
    teams, inboxes = _summed(active, "team_id"), _summed(active, "inbox_id")
    for kind, number, name, colour, icon, pinned in named:
        if kind == "view":
            found.saved.append(Pinned(number, name, icon, colour, pinned))
        elif kind == "team" and (teams.get(number) or agent.role is Role.admin or number in agent.team_ids):
            found.teams[number] = Queue(number, name, colour, teams.get(number, 0))
        elif kind == "inbox" and (inboxes.get(number) or agent.role is Role.admin):
            found.inboxes[number] = Queue(number, name, colour, inboxes.get(number, 0))
    return found


LIVE = frozenset(view.value for view in (View.mentioned, View.participating))
"""Queues of which an agent has few; they are counted as they are."""


def _summed(tallies: Sequence[counting.Tally], by: str) -> dict[int, int]:
    found: dict[int, int] = {}
    for tally in tallies:
        if (place := getattr(tally, by)) is not None:
            found[place] = found.get(place, 0) + tally.all
    return found


@once
def _named(agent: Agent) -> Select[Any]:
    """Teams, inboxes and saved views in one round trip, each in its order."""
    nothing, no = literal(""), literal(True)
    every = union_all(
        select(literal("team").label("kind"), Team.id, Team.name, Team.colour, nothing.label("icon"),
               no.label("pinned"), literal(0).label("position")),
        select(literal("inbox"), Inbox.id, Inbox.name, nothing, Inbox.channel, no, literal(0)).where(Inbox.active),
        select(literal("view"), SavedView.id, SavedView.name, SavedView.colour, SavedView.icon,
               SavedView.pinned, SavedView.position).where(SavedView.seen_by(agent)),
    ).subquery()  # fmt: skip
    columns = [column for column in every.c if column.name != "position"]
    return select(*columns).order_by(every.c.kind, every.c.position, every.c.name, every.c.id)


def within(listing: Listing, **changed: Any) -> Listing:
    return replace(listing, **changed)
