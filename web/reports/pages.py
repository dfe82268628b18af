"""Reports in the console."""

import asyncio
from typing import Any
from urllib.parse import urlencode

from litestar import Controller, Request, Response, get
from litestar.params import FromQuery
from litestar.response import Stream
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import measures
from helpdesk.access import Action, require
from helpdesk.durations import length
from helpdesk.errors import Invalid
from helpdesk.i18n import _
from helpdesk.measures import ALL, Dimension, Part, TicketFact
from helpdesk.people import Agent
from helpdesk.reports import files, questions, saved, sheets, tickets
from helpdesk.reports.files import XLSX
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.shell import Shell
from web.dates import written
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html
from web.reports import choices, drawing
from web.reports.asked import Asked, given, read_key

PAGE = 50


class BadLine(Invalid):
    message = _("This line of the report is not there. Go back to the report and open it again.")


class Reports(Controller):
    path = "/reports"

    @get(opt=permits(Action.report))
    async def index(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Html:
        asked = Asked.of(request, agent)
        answer = await questions.answer(session, agent, asked.question)
        sheet = sheets.sheet(answer)
        offered = await choices.sorts(session, asked)
        context: dict[str, Any] = {
            "asked": asked,
            "sheet": sheet,
            "picture": drawing.picture(sheet, asked, agent.locale),
            "chips": choices.chips(asked, offered),
            "left": await measures.left(session),
            "words": sheets,
            "day": lambda day: written(day, "d MMM y", agent.locale),
            "agent_teams": [
                team for number, team in page.context()["directory"].teams.items() if number in agent.team_ids
            ],
            "name": lambda row: drawing.whole_label(row, answer.by, agent.locale),
        }
        if page.asks_for("found"):
            return page("reports/_found.html", **context)
        number = given(request).get("kept", "")
        kept = (
            await saved.named(session, agent, int(number)) if number.isascii() and number.isdigit() else None
        )
        context |= {"sorts": offered, "groups": choices.groups(), "kept": kept, **choices.plain()}
        return page("reports/index.html", shell=await Shell.load(session, agent), **context)

    @get("/tickets", opt=permits(Action.report))
    async def tickets(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        after: FromQuery[int] = 0,
    ) -> Html:
        """Those behind a number."""
        asked = Asked.of(request, agent)
        by, line, part = _line(given(request), asked)
        period, scope = asked.period, asked.question.scope
        condition = measures.tickets(agent, asked.show, period, scope, by=by, key=line, part=part)
        found = await _listed(session, condition, after)
        values = given(request)

        def query(**other: Any) -> str:
            return urlencode({k: v for k, v in {**values, **other}.items() if v is not None})

        context: dict[str, Any] = {
            "asked": asked,
            "found": found[:PAGE],
            "more": len(found) > PAGE,
            "length": length,
            "asked_query": query,
        }
        if page.asks_for("more"):
            return page("reports/_tickets.html", **context)
        context |= {
            "n": await session.scalar(select(func.count()).select_from(Ticket).where(condition)),
            "part": part,
            "line": await _line_name(session, by, line, agent.locale),
        }
        return page("reports/tickets.html", shell=await Shell.load(session, agent), **context)

    @get("/export.csv", opt=permits(Action.export))
    async def csv(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[bytes]:
        """Exactly what the page shows."""
        asked = _to_take(request, agent)
        sheet = sheets.sheet(await questions.answer(session, agent, asked.question))
        return _file(files.as_csv(sheet), "text/csv; charset=utf-8", f"{_name(asked)}.csv")

    @get("/export.xlsx", opt=permits(Action.export))
    async def xlsx(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[bytes]:
        asked = _to_take(request, agent)
        sheet = sheets.sheet(await questions.answer(session, agent, asked.question))
        return _file(await asyncio.to_thread(files.as_xlsx, sheet), XLSX, f"{_name(asked)}.xlsx")

    @get("/tickets.csv", opt=permits(Action.export))
    async def each_ticket(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Stream:
        """One row per ticket that was created or resolved in the period."""
        asked = _to_take(request, agent)
        rows = tickets.rows(session, agent, asked.period, asked.question.scope)
        named = {"content-disposition": f'attachment; filename="tickets-{_days(asked)}.csv"'}
        return Stream(files.streamed(rows), media_type="text/csv; charset=utf-8", headers=named)


def _to_take(request: Request[Any, Any, Any], agent: Agent) -> Asked:
    """Who takes numbers along may also read them here."""
    require(agent, Action.report)
    return Asked.of(request, agent)


def _line(values: dict[str, str], asked: Asked) -> tuple[Dimension | None, Any, Part]:
    by = asked.question.by
    try:
        part = Part(values.get("part") or "all")
        if by and (text := values.get("key")):
            return by, read_key(by, text), part
    except ValueError:
        raise BadLine from None
    return None, ALL, part


async def _line_name(session: AsyncSession, by: Dimension | None, key: Any, locale: str) -> str:
    if by is None:
        return ""
    called = await measures.names.of(session, by, [key])
    line = measures.Line(key, {}, label=called[key])
    return drawing.whole_label(sheets.Row(sheets.label(by, line), line), by, locale)


async def _listed(session: AsyncSession, condition: Any, after: int) -> list[Any]:
    """Newest first, with what is measured of each; one more than a page where there are more."""
    query = (
        select(Ticket, TicketFact)
        .join(TicketFact, TicketFact.id == Ticket.id)
        .where(condition)
        .options(joinedload(Ticket.contact), joinedload(Ticket.assignee), joinedload(Ticket.status))
        .order_by(Ticket.id.desc())
        .limit(PAGE + 1)
    )
    if after:
        query = query.where(Ticket.id < after)
    return list((await session.execute(query)).all())


def _file(content: bytes, kind: str, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


def _name(asked: Asked) -> str:
    split = asked.question.by.value if asked.question.by else "all"
    return f"report-{split}-{_days(asked)}"


def _days(asked: Asked) -> str:
    return f"{asked.period.begin.isoformat()}-{asked.period.end.isoformat()}"
