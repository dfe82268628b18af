"""The audit: everything that happened, who did it and to what; filtered, and taken along as a file."""

from types import SimpleNamespace
from typing import Any, Literal, cast

from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from litestar.response import Stream
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import audit
from helpdesk.access import Action
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.people import Agent
from helpdesk.statements import literally
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import read
from web.pages import Html
from web.settings.audit_lines import batch, exported, line
from web.settings.audit_names import Names
from web.settings.audit_query import TOKEN, Filter, of_object, wanted
from web.settings.audit_words import about_name, kind_name
from web.settings.frame import ThisSettings
from web.words import zone

HOME = "/settings/audit"
SHOWN = 50
SEES = permits(Action.read_audit)
EXPORTS = permits(Action.read_audit, confirmed=True)


class ExportForm(Filter):
    format: Literal["csv", "jsonl"] = "csv"


class Audit(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        actor: FromQuery[str] = "",
        kind: FromQuery[str] = "",
        about: FromQuery[str] = "",
        number: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        before: FromQuery[int | None] = None,
    ) -> Html:
        chosen = Filter(actor=actor, kind=kind, about=about, number=number, since=since, until=until)
        query = wanted(chosen, agent).order_by(Event.id.desc()).limit(literally(SHOWN + 1))
        if before is not None:
            query = query.where(Event.id < before)
        names = await names_for(request, session, agent)
        rows = await batch(session, query)
        await names.learn(session, agent, rows)
        found = [line(row, names) for row in rows]
        return await settings(
            "settings/audit/index.html",
            lines=found[:SHOWN],
            more=found[SHOWN - 1].id if len(found) > SHOWN else None,
            chosen=chosen,
            actors=actors(names.each("agent")),
            kinds=[("", gettext("Everything"))]
            + [(k.value, kind_name(k)) for k in sorted(Kind, key=kind_name)],
            abouts=abouts(await _object(session, agent, chosen, names)),
        )

    @post("/export", opt=EXPORTS)
    async def export(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Stream:
        """Streamed in batches, newest first; that it was taken is an event itself."""
        given = await read(request, ExportForm)
        query = wanted(given, agent)
        session.add(Event(Kind.audit_exported, by=agent, format=given.format, filter=given.query))
        name = f"audit.{given.format}"
        media = "text/csv; charset=utf-8" if given.format == "csv" else "application/jsonl"
        return Stream(
            exported(desk, query, given.format, agent, await names_for(request, session, agent)),
            media_type=media,
            headers={"content-disposition": f'attachment; filename="{name}"'},
        )

    @get("/seal", opt=SEES)
    async def seal(self, session: Session, settings: ThisSettings) -> Response[Any]:
        """Whether what was sealed is still as it was."""
        return await settings("settings/audit/seal.html", broken=await audit.broken(session))


async def names_for(request: Request[Any, Any, Any], session: AsyncSession, agent: Agent) -> Names:
    prefix = request.app.state.signboard.options.ticket_prefix
    return await Names.load(session, prefix=prefix, zone=zone(agent.time_zone), locale=agent.locale)


async def _object(session: AsyncSession, agent: Agent, chosen: Filter, names: Names) -> list[tuple[str, str]]:
    """The one object that is filtered by, to be chosen still; nothing where it is a whole kind."""
    table, number = of_object(chosen.about)
    if number is None:
        return []
    stands_for = SimpleNamespace(about=table, about_id=number, kind=None, data={})
    await names.learn(session, agent, [cast("Row[Any]", stands_for)])
    return [(chosen.about, about_name(table, names.rows.get((table, number), number)))]


def actors(agents: list[tuple[int, str]]) -> list[tuple[str, str]]:
    return [
        ("", gettext("Anybody")),
        ("desk", gettext("The desk")),
        ("assistant", gettext("The assistant")),
        ("rule", gettext("Rules")),
        ("contact", gettext("Customers")),
        (TOKEN, gettext("Programs, by an API token")),
        *((f"agent-{number}", name) for number, name in agents),
    ]


def abouts(one: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """`one` is an object that was chosen in a line of the audit."""
    tables = (
        "agent",
        "invitation",
        "api_token",
        "custom_role",
        "team",
        "inbox",
        "contact",
        "company",
        "webhook",
        "model_connection",
    )
    return [
        *one,
        ("", gettext("Everything")),
        ("security", gettext("Sign-ins, rights and settings")),
        *((table, about_name(table, None)) for table in tables),
    ]
