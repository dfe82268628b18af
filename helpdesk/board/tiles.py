"""The numbers of the board: each with a name, a definition, and the tickets behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import counting
from helpdesk.board.load import Held, held
from helpdesk.board.people import Colleague, colleagues
from helpdesk.board.scope import Scope
from helpdesk.board.share import assistants_share
from helpdesk.clock import now
from helpdesk.conditions import LONGEST_LIST, All, Operator, Scalar, Where
from helpdesk.counting import Tally
from helpdesk.i18n import Text, _
from helpdesk.inboxes import Inbox
from helpdesk.ordering import Order
from helpdesk.people import Agent, Availability
from helpdesk.satisfaction.intervals import Interval


class TileName(StrEnum):
    open = "open"
    unassigned = "unassigned"
    unattended = "unattended"
    due = "due"
    breached = "breached"
    waiting = "waiting"
    online = "online"
    away = "away"
    full = "full"
    assistant = "assistant"


class Unit(StrEnum):
    tickets = "tickets"
    agents = "agents"
    seconds = "seconds"
    share = "share"


@dataclass(frozen=True)
class About:
    """What a tile says, whatever its number is."""

    title: Text
    definition: Text
    unit: Unit = Unit.tickets
    behind: tuple[Where, ...] = ()
    order: Order = Order.last_message


def _is(field: str) -> Where:
    return Where(field, Operator.is_, True)


ABOUT: dict[TileName, About] = {
    TileName.open: About(
        _("Open"),
        _("Tickets that are somebody's work now: neither resolved, nor snoozed, nor removed."),
        behind=(_is("active"),),
    ),
    TileName.unassigned: About(
        _("Unassigned"),
        _("Open tickets that nobody has taken."),
        behind=(_is("active"), Where("assignee", Operator.is_empty)),
    ),
    TileName.unattended: About(
        _("Unattended"),
        _("Open tickets that nobody has answered yet, or whose customer waits for an answer again."),
        behind=(_is("active"), _is("unattended")),
    ),
    TileName.due: About(
        _("Due within the hour"),
        _("Open tickets with a promise that still holds and ends within the next 60 minutes."),
        behind=(_is("active"), Where("promise_due", Operator.within_next, "60m")),
        order=Order.next_due,
    ),
    TileName.breached: About(
        _("Breached"),
        _("Open tickets with a promise that was not kept in time and is still owed."),
        behind=(_is("active"), _is("late")),
        order=Order.next_due,
    ),
    TileName.waiting: About(
        _("Oldest waiting"),
        _("How long the customer has waited who has waited longest for an answer, by the clock on the wall."),
        Unit.seconds,
        (_is("active"), Where("waiting_since", Operator.is_not_empty)),
        Order.waiting_since,
    ),
    TileName.online: About(
        _("Agents online"),
        _("Colleagues who answer customers, have a console open and say that they are there."),
        Unit.agents,
    ),
    TileName.away: About(
        _("Away"),
        _("Colleagues who answer customers and have a console open, but say that they are away."),
        Unit.agents,
    ),
    TileName.full: About(
        _("At capacity"),
        _(
            "Colleagues online with as many new and open tickets as their limit allows, in all teams together: "
            "the desk gives them no more."
        ),
        Unit.agents,
    ),
    TileName.assistant: About(
        _("Assistant's share"),
        _(
            "Of the replies that colleagues sent in the last seven days, those that began with a suggestion of the "
            "assistant, sent as it was or edited. Replies that were taken back do not count. What the assistant "
            "answered by itself is in the reports, with what became of it."
        ),
        Unit.share,
        (
            Where("suggestion_used", Operator.within_last, "7d"),
            Where("removed", Operator.is_empty),
        ),
    ),
}


@dataclass(frozen=True)
class Tile:
    name: TileName
    number: float | None
    """None where there is nothing to measure: nobody waits, nobody has replied."""
    n: int
    """How many stand behind it: tickets or agents; of a share, replies."""
    condition: All | None
    """Exactly the tickets behind it; None where agents are behind it and they are too many to be listed."""
    interval: Interval | None = None
    """Of a share: how sure it is."""

    @property
    def about(self) -> About:
        return ABOUT[self.name]


async def tiles(session: AsyncSession, agent: Agent, scope: Scope, at: datetime | None = None) -> list[Tile]:
    """All of them, in their order."""
    at = at or now()
    load = await held(session, agent, scope, at)
    people = await colleagues(session, agent, scope, load)
    share = await assistants_share(session, agent, scope, at)
    return read(scope, at, await standing(session, agent, scope), load, people, share)


async def standing(session: AsyncSession, agent: Agent, scope: Scope) -> list[Tally]:
    """Open tickets as they are counted for the queues, of the scope."""
    inboxes = None
    if scope.channel is not None:
        inboxes = set(await session.scalars(select(Inbox.id).where(Inbox.channel == scope.channel)))
    return [
        tally
        for tally in await counting.tallies(session, agent)
        if tally.queue == "active"
        and scope.team_id in (None, tally.team_id)
        and scope.inbox_id in (None, tally.inbox_id)
        and (inboxes is None or tally.inbox_id in inboxes)
    ]


def read(
    scope: Scope,
    at: datetime,
    counted: Sequence[Tally],
    load: Sequence[Held],
    people: Sequence[Colleague],
    share: Interval | None,
) -> list[Tile]:
    """From what was asked for; pure."""
    whole = Held.together(load)
    oldest = (at - whole.oldest).total_seconds() if whole.oldest else None
    number = {
        TileName.open: sum(tally.all for tally in counted),
        TileName.unassigned: sum(tally.unassigned for tally in counted),
        TileName.unattended: sum(tally.unattended for tally in counted),
        TileName.due: whole.due,
        TileName.breached: whole.late,
    }
    online = [one for one in people if one.presence is Availability.online]
    away = [one for one in people if one.presence is Availability.away]
    return [
        *(Tile(name, n, n, scope.of(*ABOUT[name].behind)) for name, n in number.items()),
        Tile(TileName.waiting, oldest, whole.waiting, scope.of(*ABOUT[TileName.waiting].behind)),
        _of_agents(TileName.online, online, scope),
        _of_agents(TileName.away, away, scope),
        _of_agents(TileName.full, [one for one in online if one.is_full], scope),
        Tile(
            TileName.assistant,
            share.value if share else None,
            share.n if share else 0,
            scope.of(*ABOUT[TileName.assistant].behind),
            share,
        ),
    ]


def _of_agents(name: TileName, some: Sequence[Colleague], scope: Scope) -> Tile:
    """Behind agents stand the open tickets that they have."""
    ids: list[Scalar] = [one.id for one in some]
    condition = (
        scope.of(_is("active"), Where("assignee", Operator.any_of, ids))
        if 0 < len(ids) <= LONGEST_LIST
        else None
    )
    return Tile(name, len(ids), len(ids), condition)
