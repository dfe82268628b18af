"""Reports that are kept: for oneself, shared, and sent to colleagues by mail."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import Text, _, gettext
from helpdesk.people import Agent
from helpdesk.reports import questions, saved
from helpdesk.reports.saved import ReportRecipient, SavedReport
from helpdesk.schedules import Every
from helpdesk.sharing import Visibility
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html, Page
from web.settings.frame import DONE, done

WEEKDAYS: tuple[Text, ...] = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


class KeepForm(Fields):
    name: str = ""
    query: str = ""
    shared: str = "me"
    """`me`, `all`, or a team's number."""


class KeptReports(Controller):
    path = "/reports/kept"

    @get(opt=permits(Action.report))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        found = await saved.seen_by(session, agent)
        return page(
            "reports/kept.html",
            reports=found,
            mine={report.id for report in found if report.may_be_changed_by(agent)},
            sent=await _sent_to(session, agent),
            told=told,
            said=DONE.get(page.request.query_params.get("done", "")),
            shell=await Shell.load(session, agent),
        )

    @post(opt=permits(Action.report))
    async def keep(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, KeepForm)
        question = questions.read(dict(parse_qsl(form.query)))
        team = int(form.shared) if form.shared.isascii() and form.shared.isdigit() else None
        visibility = Visibility.team if team else Visibility.all if form.shared == "all" else Visibility.me
        made = await saved.keep(session, agent, question, name=form.name, visibility=visibility, team_id=team)
        return done(request, f"/reports?{urlencode(made.asked.as_query())}&kept={made.id}")

    @get("/{report_id:int}", opt=permits(Action.report))
    async def show(self, session: Session, agent: CurrentAgent, report_id: FromPath[int]) -> Redirect:
        report = await saved.one(session, agent, report_id)
        query = urlencode(report.asked.as_query() | {"kept": str(report.id)})
        return Redirect(f"/reports?{query}", status_code=303)

    @get("/{report_id:int}/sending", opt=permits(Action.export))
    async def sending(
        self, session: Session, agent: CurrentAgent, page: ThisPage, report_id: FromPath[int]
    ) -> Html:
        report = await saved.one(session, agent, report_id, to_change=True)
        return await _sending(session, agent, page, report)

    @post("/{report_id:int}/sending", opt=permits(Action.export))
    async def send(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        report_id: FromPath[int],
    ) -> Response[Any]:
        report = await saved.one(session, agent, report_id, to_change=True)
        given = await request.form()
        agents = [_number(each) for each in given.getall("agents", [])]
        try:
            await saved.send_to(session, report, agents, _schedule(given, agent), by=agent)
        except HelpdeskError as error:
            return await _sending(session, agent, page, report, problem=str(error))
        return done(request, "/reports/kept")

    @post("/{report_id:int}/removal", opt=permits(Action.report))
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, report_id: FromPath[int]
    ) -> Response[Any]:
        await saved.remove(session, await saved.one(session, agent, report_id, to_change=True), by=agent)
        return done(request, "/reports/kept", "removed")

    @post("/{report_id:int}/refusal", opt=permits(Action.signed_in))
    async def refuse(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, report_id: FromPath[int]
    ) -> Response[Any]:
        """A colleague does not want this one any more, or wants it again."""
        again = str((await request.form()).get("again", "")) == "true"
        await saved.decline(session, agent, report_id, again=again)
        return done(request, "/reports/kept")


async def _sending(
    session: AsyncSession, agent: Agent, page: Page, report: SavedReport, *, problem: str = ""
) -> Html:
    return page(
        "reports/sending.html",
        status=400 if problem else 200,
        report=report,
        rhythm=report.rhythm,
        chosen=await saved.recipients(session, report.id),
        colleagues=await saved.colleagues(session),
        weekdays=WEEKDAYS,
        every=[("", gettext("Never")), *((each.value, str(EVERY[each])) for each in Every)],
        problem=problem,
        shell=await Shell.load(session, agent),
    )


EVERY: dict[Every, Text] = {
    Every.day: _("Every day"),
    Every.week: _("On days of the week"),
    Every.month: _("On days of the month"),
}


def told(report: SavedReport) -> str:
    """When it is sent, in words."""
    try:
        rhythm = report.rhythm
    except HelpdeskError:
        rhythm = None
    if rhythm is None:
        return ""
    names = (
        [str(WEEKDAYS[day]) for day in rhythm.days] if rhythm.every is Every.week else map(str, rhythm.days)
    )
    words = {"when": EVERY[rhythm.every], "days": ", ".join(names), "at": rhythm.at, "zone": rhythm.zone}
    if rhythm.every is Every.day:
        return gettext("%(when)s at %(at)s (%(zone)s)") % words
    return gettext("%(when)s: %(days)s at %(at)s (%(zone)s)") % words


def _schedule(given: Any, agent: Agent) -> dict[str, Any] | None:
    every = str(given.get("every", ""))
    if not every:
        return None
    if every == Every.week:
        days = [_number(each) for each in given.getall("weekday", [])]
    else:
        days = [
            _number(each) for each in str(given.get("days", "")).replace(";", ",").split(",") if each.strip()
        ]
    return {
        "every": every,
        "days": [] if every == Every.day else days,
        "at": str(given.get("at", "")),
        "zone": agent.time_zone,
    }


def _number(text: Any) -> int:
    """-1 is nobody and no day."""
    words = str(text).strip()
    return int(words) if words.isascii() and words.isdigit() and len(words) < 19 else -1


async def _sent_to(session: AsyncSession, agent: Agent) -> list[Any]:
    """Report and since when it is not wanted, of what colleagues send to this one."""
    found = await session.execute(
        select(SavedReport, ReportRecipient.declined_at)
        .join(ReportRecipient, ReportRecipient.report_id == SavedReport.id)
        .where(ReportRecipient.agent_id == agent.id, SavedReport.schedule.is_not(None))
        .order_by(SavedReport.name)
    )
    return list(found.all())
