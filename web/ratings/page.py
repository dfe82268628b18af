"""Customer ratings: results and comments, as far as who looks may know of the tickets."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, get
from litestar.params import FromQuery
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Team
from helpdesk.satisfaction import DETRACTOR, PROMOTER, Survey, figures
from helpdesk.satisfaction.figures import Results, Sought
from helpdesk.views import Cursor
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html
from web.ratings import words

PERIODS = {7: 7, 30: 30, 90: 90, 365: 365, 0: 0}
"""Days; 0 for everything."""
USUAL = 90


@dataclass(frozen=True)
class Asked:
    """What the address asks for, as typed; what makes no sense counts for nothing."""

    kind: str = Survey.csat.value
    days: int = USUAL
    team: int | None = None
    agent: int | None = None
    inbox: int | None = None
    score: str = ""
    q: str = ""

    @property
    def survey(self) -> Survey:
        return Survey(self.kind) if self.kind in set(Survey) else Survey.csat

    @property
    def sought(self) -> Sought:
        days = self.days if self.days in PERIODS else USUAL
        return Sought(
            kind=self.survey,
            since=now() - timedelta(days=days) if days else None,
            team=self.team,
            agent=self.agent,
            inbox=self.inbox,
            scores=self.scores,
            words=self.q.strip()[:200],
        )

    @property
    def scores(self) -> tuple[int, ...]:
        if self.score == "bad":
            return (1, 2) if self.survey is Survey.csat else tuple(range(DETRACTOR + 1))
        if self.score == "good":
            return (4, 5) if self.survey is Survey.csat else tuple(range(PROMOTER, 11))
        if self.score.isascii() and self.score.isdigit() and int(self.score[:3]) in self.survey.scale:
            return (int(self.score[:3]),)
        return ()

    def address(self, **other: Any) -> str:
        """The query of the same page with something else chosen."""
        given = {**self.__dict__, **other}
        given["who"] = given.pop("agent")
        usual: dict[str, Any] = {**Asked().__dict__}
        return urlencode({key: value for key, value in given.items() if value not in (None, usual.get(key))})

    @property
    def is_narrowed(self) -> bool:
        return bool(self.scores or self.q.strip() or self.team or self.agent or self.inbox)


@dataclass(frozen=True)
class Figure:
    """One result: the number, how sure it is, and what it counts."""

    label: str
    value: str
    sure: str
    means: str


@dataclass(frozen=True)
class Bar:
    score: int
    name: str
    count: int
    share: float
    tone: str


@get("/ratings", opt=permits(Action.report))
async def ratings(
    request: Request[Any, Any, Any],
    session: Session,
    agent: CurrentAgent,
    page: ThisPage,
    kind: FromQuery[str] = Survey.csat.value,
    days: FromQuery[str] = str(USUAL),
    team: FromQuery[str] = "",
    who: FromQuery[str] = "",
    inbox: FromQuery[str] = "",
    score: FromQuery[str] = "",
    q: FromQuery[str] = "",
    after: FromQuery[str] = "",
) -> Html:
    asked = Asked(kind, _number(days) or 0, _number(team), _number(who), _number(inbox), score, q)
    found = await figures.listed(session, agent, asked.sought, after=Cursor.read(after) if after else None)
    context: dict[str, Any] = {"asked": asked, "found": found}
    if page.asks_for("more"):
        return page("ratings/_rows.html", **context)
    results = await figures.results(session, agent, asked.sought)
    context |= {"results": results, "shown": shown(results), "bars": bars(results)}
    context["caution"] = words.caution(results.n)
    if page.asks_for("found"):
        return page("ratings/_found.html", **context)
    context |= await _choices(session, asked)
    return page("ratings/index.html", shell=await Shell.load(session, agent), **context)


def shown(results: Results) -> list[Figure]:
    response = Figure(
        gettext("Answered"),
        words.share(results.response),
        words.share_sure(results.response) if results.asked else gettext("nobody was asked"),
        gettext("Of those who were asked in this period, how many have answered by now."),
    )
    if results.kind is Survey.nps:
        return [
            Figure(
                gettext("Net promoter score"),
                words.net(results.promoter_score),
                words.net_sure(results.promoter_score),
                gettext(
                    "The share of those who answered 9 or 10, less the share of 0 to 6; from −100 to +100."
                ),
            ),
            response,
        ]
    return [
        Figure(
            gettext("Satisfied"),
            words.share(results.satisfied),
            words.share_sure(results.satisfied),
            gettext("The share of answers that are Good or Very good."),
        ),
        Figure(
            gettext("Average"),
            words.average(results.mean),
            words.average_sure(results.mean),
            gettext("From 1, very bad, to 5, very good."),
        ),
        response,
    ]


def bars(results: Results) -> list[Bar]:
    most = max(results.counts.values(), default=0) or 1
    kind = results.kind.value
    return [
        Bar(
            score,
            words.score_name(score, kind),
            results.counts.get(score, 0),
            results.counts.get(score, 0) / most,
            words.score_tone(score, kind),
        )
        for score in reversed(results.kind.scale)
    ]


async def _choices(session: AsyncSession, asked: Asked) -> dict[str, Any]:
    """What can be chosen in the filters; everybody who may be here knows these names."""
    teams = await session.execute(select(Team.id, Team.name).order_by(Team.name))
    agents = await session.execute(select(Agent.id, Agent.name).order_by(Agent.name, Agent.id))
    inboxes = await session.execute(select(Inbox.id, Inbox.name).order_by(Inbox.name, Inbox.id))
    periods = [
        ("7", gettext("Last 7 days")),
        ("30", gettext("Last 30 days")),
        ("90", gettext("Last 90 days")),
        ("365", gettext("Last 365 days")),
        ("0", gettext("All time")),
    ]
    kind = asked.survey.value
    scores = [("", gettext("All answers")), ("good", gettext("Good ones")), ("bad", gettext("Bad ones"))]
    return {
        "periods": periods,
        "teams": [("", gettext("All teams")), *[(str(n), name) for n, name in teams.all()]],
        "agents": [("", gettext("All agents")), *[(str(n), name) for n, name in agents.all()]],
        "inbox_choices": [("", gettext("All inboxes")), *[(str(n), name) for n, name in inboxes.all()]],
        "scores": scores + [(str(s), words.score_name(s, kind)) for s in asked.survey.scale],
    }


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
