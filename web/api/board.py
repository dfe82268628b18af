"""The board: what stands on the desk now, who has how much, what is at risk, what came and went."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Controller, Request, get
from litestar.di import Provide
from litestar.params import QueryParameter, SkipValidation
from msgspec import Meta

from helpdesk import conditions
from helpdesk.access import Action
from helpdesk.board import Scope
from helpdesk.board.load import Held
from helpdesk.board.people import Colleague
from helpdesk.board.picture import Board, Boards, TeamLoad, Trends
from helpdesk.board.risk.present import AtRisk
from helpdesk.board.risk.speaking import Speaker
from helpdesk.board.tiles import Tile
from helpdesk.measures import MEASURES, Line
from helpdesk.sla import Metric
from helpdesk.texts import clean
from web.api.given import BIG
from web.api.shapes import At, Name, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

AnId = Annotated[int | None, QueryParameter(ge=1, le=BIG)]
Channel = Annotated[
    str, QueryParameter(max_length=40, description="The channel of the inbox, such as `email`.")
]
CREATED, RESOLVED, CSAT = (MEASURES[name] for name in ("created", "resolved", "csat"))


class TileView(Shape):
    name: Annotated[str, Meta(examples=["unattended"])]
    title: Name
    definition: str
    """What the number means, in a sentence."""
    unit: Annotated[str, Meta(examples=["tickets"])]
    """`tickets`, `agents`, `seconds`, or `share` from 0 to 1."""
    number: float | None
    """Null where there is nothing to measure."""
    n: int
    """How many stand behind it; of a share, replies."""
    low: float | None
    high: float | None
    """Of a share: the ends between which the truth lies with 95 % confidence."""
    condition: dict[str, Any] | None
    """Exactly the tickets behind it, for `POST /tickets/query`."""

    @classmethod
    def of(cls, tile: Tile) -> "TileView":
        return cls(
            name=tile.name,
            title=str(tile.about.title),
            definition=str(tile.about.definition),
            unit=tile.about.unit,
            number=tile.number,
            n=tile.n,
            low=tile.interval.low if tile.interval else None,
            high=tile.interval.high if tile.interval else None,
            condition=conditions.as_json(tile.condition) if tile.condition else None,
        )


class LoadView(Shape):
    id: int | None
    """Null: tickets that nobody has, or of no team."""
    open: int
    ours: int
    """New or open: it is for us to act."""
    waiting: int
    """Their customer waits for an answer."""
    due: int
    """A promise that holds ends within the hour."""
    late: int
    """A promise was not kept in time and is still owed."""
    present: int | None
    """Of a team: colleagues online."""

    @classmethod
    def of(cls, whose: int | None, held: Held, present: int | None = None) -> "LoadView":
        return cls(
            id=whose, open=held.open, ours=held.ours, waiting=held.waiting, due=held.due, late=held.late,
            present=present,
        )  # fmt: skip

    @classmethod
    def of_team(cls, team: TeamLoad) -> "LoadView":
        return cls.of(team.id, team.held, team.present)


class ColleagueView(LoadView):
    name: Name
    presence: Annotated[str, Meta(examples=["online"])]
    cap: int | None
    """New and open tickets of all teams with which the desk gives them no more."""
    is_full: bool

    @classmethod
    def of_agent(cls, one: Colleague) -> "ColleagueView":
        held = one.held
        return cls(
            id=one.id, name=one.name, presence=one.presence, cap=one.cap, is_full=one.is_full, open=held.open,
            ours=held.ours, waiting=held.waiting, due=held.due, late=held.late, present=None,
        )  # fmt: skip


class RiskView(Shape):
    ticket: int
    metric: Metric
    due_at: At
    risk: float
    """The chance that this promise is broken, from 0 to 1."""
    reasons: Sequence[str]

    @classmethod
    def of(cls, one: AtRisk) -> "RiskView":
        return cls(
            ticket=one.number,
            metric=Metric(one.metric),
            due_at=one.due_at,
            risk=round(one.risk, 4),
            reasons=one.reasons,
        )


class EstimateView(Shape):
    learned_at: At | None
    """Null: a rule of thumb speaks, which was not learned from this desk and is not calibrated."""
    n: int
    """Moments that it was tried on and had not seen."""
    brier: float | None
    calibration_error: float | None

    @classmethod
    def of(cls, speaker: Speaker) -> "EstimateView":
        judged = speaker.measures.judged if speaker.measures else None
        return cls(
            learned_at=speaker.since,
            n=judged.n if judged else 0,
            brier=judged.brier if judged else None,
            calibration_error=judged.ece if judged else None,
        )


class BoardView(Shape):
    at: At
    tiles: list[TileView]
    agents: list[ColleagueView]
    nobody: LoadView
    teams: list[LoadView]
    at_risk: list[RiskView]
    """The 50 promises that are likeliest to be broken, of the 300 that end next."""
    estimate: EstimateView

    @classmethod
    def of(cls, board: Board) -> "BoardView":
        return cls(
            at=board.at,
            tiles=[TileView.of(tile) for tile in board.tiles],
            agents=[ColleagueView.of_agent(one) for one in board.colleagues],
            nobody=LoadView.of(None, board.nobody),
            teams=[LoadView.of_team(team) for team in board.teams],
            at_risk=[RiskView.of(one) for one in board.risks.first],
            estimate=EstimateView.of(board.speaker),
        )


class FlowView(Shape):
    since: Annotated[str, Meta(examples=["2026-01-31"])]
    """A day, or the beginning of an hour, in your time zone."""
    created: int
    resolved: int

    @classmethod
    def of(cls, since: Any, line: Line) -> "FlowView":
        return cls(since=since.isoformat(), created=line[CREATED].n, resolved=line[RESOLVED].n)


class RatingsView(Shape):
    week: Annotated[str, Meta(examples=["2026-01-26"])]
    satisfied: float | None
    low: float | None
    high: float | None
    n: int

    @classmethod
    def of(cls, line: Line) -> "RatingsView":
        value = line[CSAT]
        return cls(
            week=line.key.isoformat(), satisfied=value.value, low=value.low, high=value.high, n=value.n
        )


class TrendsView(Shape):
    hours: list[FlowView]
    """The last 24, the present one last."""
    days: list[FlowView]
    """The last 14."""
    week: list[int]
    """Tickets by hour of the week in the last four weeks, from Monday midnight: 168 numbers."""
    ratings: list[RatingsView]
    """Of the last twelve weeks."""

    @classmethod
    def of(cls, trends: Trends) -> "TrendsView":
        return cls(
            hours=[FlowView.of(at, line) for at, line in trends.hours],
            days=[FlowView.of(line.key, line) for line in trends.days],
            week=[line[CREATED].n for line in trends.week],
            ratings=[RatingsView.of(line) for line in trends.ratings],
        )


def chosen_scope(team: AnId = None, inbox: AnId = None, channel: Channel = "") -> Scope:
    return Scope(team, inbox, clean(channel).strip() or None)


ThisScope = SkipValidation[Scope]


class BoardNow(Controller):
    path = "/board"
    opt = {"resource": "board"}  # noqa: RUF012 - Litestar's own declaration
    dependencies = {"about": Provide(chosen_scope, sync_to_thread=False)}  # noqa: RUF012

    @get(opt=permits(Action.report), summary="The board")
    async def show(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, about: ThisScope
    ) -> BoardView:
        """What stands on the desk at this moment, of the tickets that you may know of."""
        boards: Boards = request.app.state.boards
        return BoardView.of(await boards.now(session, agent, about))

    @get("/trends", opt=permits(Action.report), summary="What came and went")
    async def trends(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, about: ThisScope
    ) -> TrendsView:
        """Arrivals against resolutions, when tickets come, and how customers rate."""
        boards: Boards = request.app.state.boards
        return TrendsView.of(await boards.trends(session, agent, about))
