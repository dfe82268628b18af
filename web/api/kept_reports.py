"""Reports that people keep, and whom they are sent to."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, delete, get, post, put
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.people import Agent
from helpdesk.reports import saved
from helpdesk.reports.saved import SavedReport
from helpdesk.schedules import Every
from helpdesk.sharing import Visibility
from web.api.answers import Listed
from web.api.given import Given, Id, PathId, Sent
from web.api.report_views import ReportGiven
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

ReportName = Annotated[str, Meta(min_length=1, max_length=saved.LONGEST_NAME, examples=["Every Monday"])]


class WhenGiven(Sent):
    every: Every
    days: Annotated[tuple[Annotated[int, Meta(ge=0, le=31)], ...], Meta(max_length=31)] = ()
    """Of the week from Monday 0, of the month from 1; none for every day."""
    at: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["08:00"])] = "08:00"
    zone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])] = "UTC"


class KeptReportView(Shape):
    id: int
    name: ReportName
    question: dict[str, Any]
    """As `POST /reports/query` takes it; `period` is counted from the day on which it is asked."""
    visibility: Visibility
    team_id: int | None
    owner_id: int
    schedule: dict[str, Any] | None
    """When it is sent; null where it is not."""
    next_at: At | None
    to: list[int]
    """Colleagues whom it is sent to and who want it; empty unless the caller may change it."""

    @classmethod
    async def of(cls, session: AsyncSession, agent: Agent, report: SavedReport) -> "KeptReportView":
        to: dict[int, datetime | None] = {}
        if report.may_be_changed_by(agent):
            to = dict(await saved.recipients(session, report.id))
        kept = {name: getattr(report, name) for name in cls.__struct_fields__ if name != "to"}
        return cls(**kept, to=sorted(number for number, declined in to.items() if declined is None))


class KeptReportGiven(ReportGiven, kw_only=True):
    name: ReportName
    visibility: Visibility = Visibility.me
    team_id: Id | None = None


class SendingGiven(Sent):
    to: Annotated[tuple[Id, ...], Meta(max_length=saved.MOST_RECIPIENTS)] = ()
    """Nobody: it is sent no more."""
    when: WhenGiven | None = None


class KeptReports(Controller):
    path = "/kept-reports"
    opt = {"resource": "reports"}  # noqa: RUF012 - Litestar's own declaration

    @get(opt=permits(Action.report), summary="List kept reports")
    async def list(self, session: Session, agent: CurrentAgent) -> Listed[KeptReportView]:
        """One's own and those that are shared."""
        found = await saved.seen_by(session, agent)
        return Listed(items=[await KeptReportView.of(session, agent, report) for report in found])

    @post(opt=permits(Action.report), summary="Keep a report")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[KeptReportGiven]
    ) -> KeptReportView:
        """Sharing it needs `view:share`. Whoever opens it sees their own numbers."""
        return await KeptReportView.of(session, agent, await _keep(session, agent, given))

    @get("/{report_id:int}", opt=permits(Action.report), summary="Show a kept report")
    async def show(self, session: Session, agent: CurrentAgent, report_id: PathId) -> KeptReportView:
        return await KeptReportView.of(session, agent, await saved.one(session, agent, report_id))

    @put("/{report_id:int}", opt=permits(Action.report), summary="Change a kept report")
    async def change(
        self, session: Session, agent: CurrentAgent, report_id: PathId, given: Given[KeptReportGiven]
    ) -> KeptReportView:
        found = await saved.one(session, agent, report_id, to_change=True)
        return await KeptReportView.of(session, agent, await _keep(session, agent, given, found))

    @put("/{report_id:int}/sending", opt=permits(Action.export), summary="Choose who gets a report by mail")
    async def send(
        self, session: Session, agent: CurrentAgent, report_id: PathId, given: Given[SendingGiven]
    ) -> KeptReportView:
        """Each gets the numbers that they may know. Who stopped it does not get it again by this."""
        found = await saved.one(session, agent, report_id, to_change=True)
        when = msgspec.structs.asdict(given.when) if given.when else None
        await saved.send_to(session, found, given.to, when, by=agent)
        return await KeptReportView.of(session, agent, found)

    @delete("/{report_id:int}", opt=permits(Action.report), summary="Delete a kept report")
    async def remove(self, session: Session, agent: CurrentAgent, report_id: PathId) -> None:
        await saved.remove(session, await saved.one(session, agent, report_id, to_change=True), by=agent)


async def _keep(
    session: AsyncSession, agent: Agent, given: KeptReportGiven, report: SavedReport | None = None
) -> SavedReport:
    return await saved.keep(
        session,
        agent,
        given.question(agent),
        name=given.name,
        visibility=given.visibility,
        team_id=given.team_id,
        report=report,
    )
