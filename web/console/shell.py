"""What stands around every page of the console: queues with their counts, teams, and who the colleagues are."""

from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Text, case, cast, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import views
from helpdesk.people import Agent, Team
from helpdesk.saved_views import SavedView
from helpdesk.views import Listing, Order, Pinned, Queue, Sorting, View


@dataclass(frozen=True)
class Named:
    id: int | str
    name: str
    colour: str = ""
    presence: str = ""
    """Of colleagues: whether they are there; empty where they are switched off."""


@dataclass(frozen=True)
class Directory:
    """Names by number, for timelines and choices."""

    agents: dict[int, Named]
    teams: dict[int, Named]

    @classmethod
    async def load(cls, session: AsyncSession) -> "Directory":
        """One round trip for both: every ticket page needs them."""
        there = case(
            (~Agent.active, ""), (Agent.present_at.is_(None), "offline"), else_=cast(Agent.availability, Text)
        )
        empty = literal("")
        agents = select(literal("agent").label("kind"), Agent.id, Agent.name, empty.label("colour"), there)
        teams = select(literal("team"), Team.id, Team.name, Team.colour, empty)
        found: dict[str, dict[int, Named]] = {"agent": {}, "team": {}}
        for kind, *row in await session.execute(union_all(agents, teams).order_by("name")):
            found[kind][row[0]] = Named(*row)
        return cls(found["agent"], found["team"])

    @property
    def colleagues(self) -> list[Named]:
        """Who can be given something to do."""
        return [agent for agent in self.agents.values() if agent.presence]

    def assignable(self, current: int | None) -> list[Named]:
        """Colleagues, and whoever has it now, even if they were switched off since."""
        return [agent for agent in self.agents.values() if agent.presence or agent.id == current]


@dataclass(frozen=True)
class Shell:
    view: View | None = None
    team_id: int | None = None
    counts: dict[View, int] = field(default_factory=dict)
    teams: dict[int, Queue] = field(default_factory=dict)
    inboxes: dict[int, Queue] = field(default_factory=dict)
    pinned: list[Pinned] = field(default_factory=list)
    listing: Listing | None = None
    """The list that is shown; None on pages that show none."""

    @classmethod
    async def load(
        cls,
        session: AsyncSession,
        agent: Agent,
        view: View | None = None,
        team_id: int | None = None,
        *,
        listing: Listing | None = None,
    ) -> "Shell":
        found = await views.counts(session, agent)
        if listing is None and view is not None:
            listing = Listing(view, team_id)
        return cls.of(listing, found)

    @classmethod
    def of(cls, listing: Listing | None, found: views.Counts | None = None) -> "Shell":
        found = found or views.Counts({}, {})
        plain = listing is not None and listing.wanted is None and not listing.inbox_id
        queue = listing.view if listing and plain else None
        team = listing.team_id if listing else None
        return cls(queue, team, found.views, found.teams, found.inboxes, found.saved, listing)

    @property
    def saved(self) -> SavedView | None:
        return self.listing.saved if self.listing else None

    @property
    def words(self) -> str:
        """Of a condition that nobody has saved."""
        return self.listing.words if self.listing else ""

    @property
    def inbox_id(self) -> int | None:
        return self.listing.inbox_id if self.listing else None

    @property
    def sorting(self) -> Sorting:
        return self.listing.sorting if self.listing else Sorting()

    @cached_property
    def query(self) -> str:
        """The list that is shown, as an address carries it."""
        return address(self.listing or Listing())

    def sorted_by(self, order: Order, *, reverse: bool = False) -> str:
        """The same list in another order."""
        return address(views.within(self.listing or Listing(), sorting=Sorting(order, reverse)))


def address(listing: Listing) -> str:
    given: dict[str, str | int] = {}
    usual = Sorting()
    if listing.saved:
        given["saved"] = listing.saved.id
        usual = Sorting(Order(listing.saved.sort), listing.saved.reverse)
    elif listing.where is not None:
        given["where"] = msgspec.json.encode(listing.where).decode()
    else:
        given["view"] = listing.view.value
    if listing.team_id:
        given["team"] = listing.team_id
    if listing.inbox_id:
        given["inbox"] = listing.inbox_id
    if listing.sorting != usual:
        given["sort"] = listing.sorting.order.value
        if listing.sorting.reverse:
            given["reverse"] = "true"
    return urlencode(given)
