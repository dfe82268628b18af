"""What customers said of the service: answers, results, and what is asked when."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromQuery, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import satisfaction
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.inboxes import Inbox
from helpdesk.satisfaction import Survey, arranging, figures
from helpdesk.satisfaction.figures import Sought
from helpdesk.schedules import Every
from helpdesk.views import Cursor
from web.api.answers import Listed
from web.api.given import BIG, PAGE, After, Given, Limit, PathId, instant
from web.api.rating_views import (
    InboxSurveyGiven,
    InboxSurveyView,
    RatingGiven,
    RatingView,
    RecommendationGiven,
    RecommendationView,
    Recurring,
    ResultsView,
)
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

REPORTS, MANAGES = permits(Action.report), permits(Action.manage_rules)
AnId = Annotated[int | None, QueryParameter(ge=1, le=BIG)]
Moment = Annotated[
    datetime | None, QueryParameter(format="date-time", description="With a zone: 2026-01-31T09:00:00Z.")
]


class Ratings(Controller):
    path = "/ratings"
    opt = {"resource": "ratings"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=REPORTS, summary="List customers' answers")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        kind: FromQuery[Survey] = Survey.csat,
        since: Moment = None,
        until: Moment = None,
        team: AnId = None,
        assignee: AnId = None,
        inbox: AnId = None,
        score: Annotated[int | None, QueryParameter(ge=0, le=10)] = None,
        q: Annotated[str, QueryParameter(max_length=200, description="In the comment.")] = "",
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[RatingView]:
        """Newest first, of the tickets that the caller may see."""
        sought = _sought(kind, since, until, team, assignee, inbox, score=score, q=q)
        place = Cursor.read(after) if after else None
        found = await figures.listed(session, agent, sought, after=place, limit=limit)
        return Listed(
            items=[RatingView.listed(row) for row in found.rows],
            next=str(found.after) if found.after else None,
        )

    @get("/results", opt=REPORTS, summary="Show what the answers say")
    async def results(
        self,
        session: Session,
        agent: CurrentAgent,
        kind: FromQuery[Survey] = Survey.csat,
        since: Moment = None,
        until: Moment = None,
        team: AnId = None,
        assignee: AnId = None,
        inbox: AnId = None,
    ) -> ResultsView:
        """Each figure with how many answered and how sure it is."""
        sought = _sought(kind, since, until, team, assignee, inbox)
        return ResultsView.of(await figures.results(session, agent, sought))


class TicketRatings(Controller):
    path = "/tickets/{number:int}/ratings"
    opt = {"resource": "ratings"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List what a ticket's customer was asked and answered")
    async def list(self, session: Session, ticket: CurrentTicket, number: PathId) -> Listed[RatingView]:
        rows = await satisfaction.all_of_ticket(session, ticket.id)
        return Listed(items=[RatingView.of(row, ticket) for row in rows])

    @post(opt=permits(Action.change), summary="Take a rating from another channel", status_code=200)
    async def take(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        given: Given[RatingGiven],
    ) -> RatingView:
        """One for a ticket: a second one changes the first. It can be changed for 14 days."""
        row = await satisfaction.take(
            session, ticket, given.score, given.comment, by=agent, channel=given.channel
        )
        return RatingView.of(row, ticket)


class InboxSurveys(Controller):
    path = "/inboxes/{inbox_id:int}/survey"
    opt = {"resource": "ratings"}  # noqa: RUF012

    @get(opt=MANAGES, summary="Show what an inbox asks when a ticket was resolved")
    async def show(self, session: Session, inbox_id: PathId) -> InboxSurveyView:
        return InboxSurveyView.of(await arranging.of_inbox(session, await _inbox(session, inbox_id)))

    @put(opt=MANAGES, summary="Change what an inbox asks when a ticket was resolved")
    async def change(
        self, session: Session, agent: CurrentAgent, inbox_id: PathId, given: Given[InboxSurveyGiven]
    ) -> InboxSurveyView:
        inbox = await _inbox(session, inbox_id)
        values = msgspec.structs.asdict(given)
        return InboxSurveyView.of(await arranging.arrange_inbox(session, inbox, by=agent, **values))


class Recommendation(Controller):
    path = "/surveys/recommendation"
    opt = {"resource": "ratings"}  # noqa: RUF012

    @get(opt=MANAGES, summary="Show when customers are asked for a recommendation")
    async def show(self, session: Session) -> RecommendationView:
        return RecommendationView.of(await arranging.of_desk(session))

    @put(opt=MANAGES, summary="Change when customers are asked for a recommendation")
    async def change(
        self, session: Session, agent: CurrentAgent, given: Given[RecommendationGiven]
    ) -> RecommendationView:
        values = msgspec.structs.asdict(given) | {"schedule": _schedule(given.schedule)}
        return RecommendationView.of(await arranging.arrange_desk(session, by=agent, **values))


def _sought(
    kind: Survey,
    since: datetime | None,
    until: datetime | None,
    team: int | None,
    assignee: int | None,
    inbox: int | None,
    *,
    score: int | None = None,
    q: str = "",
) -> Sought:
    return Sought(
        kind=kind,
        since=instant(since) if since else None,
        until=instant(until) if until else None,
        team=team,
        agent=assignee,
        inbox=inbox,
        scores=() if score is None else (score,),
        words=q.replace("\x00", ""),
    )


def _schedule(given: Recurring) -> dict[str, Any]:
    kept = msgspec.structs.asdict(given)
    return kept | {"every": given.every.value, "days": [] if given.every is Every.day else given.days}


async def _inbox(session: AsyncSession, number: int) -> Inbox:
    if (found := await session.get(Inbox, number)) is None:
        raise NotFound
    return found
