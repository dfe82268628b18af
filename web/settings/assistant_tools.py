"""What the assistant can do beside answering: signed calls to the company's own programs, on their terms."""

import json
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import tools
from ai.assistant.rows import Confirmation, Tool
from helpdesk import signing
from helpdesk.access import Action
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, confirmed, done

HOME = "/settings/assistant"
MANAGES = permits(Action.manage_rules)
CONFIRMATIONS = [
    (Confirmation.agent, _("A colleague allows each call")),
    (Confirmation.customer, _("The customer says yes first")),
    (Confirmation.none, _("Nobody: it only looks something up")),
]
EXAMPLE = """{
  "properties": {"order": {"type": "string", "pattern": "^A-[0-9]{4,8}$"}},
  "required": ["order"]
}"""


class ToolForm(Fields):
    name: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]
    description: Annotated[str, Meta(max_length=300)] = ""
    examples: Annotated[str, Meta(max_length=4_000)] = ""
    url: Annotated[str, Meta(max_length=2_000)] = ""
    arguments: Annotated[str, Meta(max_length=8_000)] = ""
    reply: Annotated[str, Meta(max_length=1_000)] = ""
    needs_identity: bool = False
    confirmation: Confirmation = Confirmation.agent
    amount_field: Annotated[str, Meta(max_length=60)] = ""
    amount_limit: Annotated[str, Meta(max_length=20)] = ""
    active: bool = False


class RemovalForm(Fields):
    confirmation: str = ""


class ToolThere(Conflict):
    message = _("There is a tool with this name already.")


class AssistantTools(Controller):
    path = f"{HOME}/tools"

    @get("/new", opt=MANAGES)
    async def new(self, settings: ThisSettings) -> Html:
        tool = Tool(
            name="", description="", examples=[], url="", schema={}, reply="", needs_identity=True,
            confirmation=Confirmation.agent, amount_field="", amount_limit=None, active=True, sealed_secret=b"",
        )  # fmt: skip
        return await settings("settings/assistant/tool.html", **_about(tool, ""))

    @post(opt=MANAGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        form = await read(request, ToolForm)
        tool = Tool(sealed_secret=desk.keys.seal(signing.new_secret()))
        await _fill(session, desk, tool, form)
        session.add(Event(Kind.assistant_edited, by=agent, about=tool, now="added"))
        return done(request, f"{HOME}/tools/{tool.id}", "added")

    @get("/{tool_id:int}", opt=MANAGES)
    async def show(
        self, session: Session, settings: ThisSettings, desk: CurrentDesk, tool_id: FromPath[int]
    ) -> Html:
        tool = await _tool(session, tool_id)
        return await settings(
            "settings/assistant/tool.html", **_about(tool, str(desk.keys.unseal(tool.sealed_secret)))
        )

    @post("/{tool_id:int}", opt=MANAGES)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        tool_id: FromPath[int],
    ) -> Response[Any]:
        form = await read(request, ToolForm)
        tool = await _tool(session, tool_id)
        await _fill(session, desk, tool, form)
        session.add(Event(Kind.assistant_edited, by=agent, about=tool, now="edited"))
        return done(request, HOME)

    @post("/{tool_id:int}/removal", opt=MANAGES)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, tool_id: FromPath[int]
    ) -> Response[Any]:
        tool = await _tool(session, tool_id)
        confirmed((await read(request, RemovalForm)).confirmation, tool.name)
        session.add(Event(Kind.assistant_edited, by=agent, about=tool, now="removed"))
        await session.delete(tool)
        return done(request, HOME, "removed")


def _about(tool: Tool, secret: str) -> dict[str, Any]:
    known = {key: value for key, value in (tool.schema or {}).items() if key != "type"}
    return {
        "tool": tool,
        "secret": secret,
        "schema": json.dumps(known, indent=2, ensure_ascii=False) if known.get("properties") else "",
        "example": EXAMPLE,
        "confirmations": CONFIRMATIONS,
    }


async def _tool(session: AsyncSession, number: int) -> Tool:
    found = await session.get(Tool, number, with_for_update=True) if number < 2**63 else None
    if found is None:
        raise NotFound
    return found


async def _fill(session: AsyncSession, desk: CurrentDesk, tool: Tool, form: ToolForm) -> None:
    """Raises Invalid for what can't be, ToolThere for a second of the same name."""
    desk.outbound.policy.check(form.url.strip())
    with session.no_autoflush:
        same = select(Tool.id).where(Tool.name == form.name, Tool.id.is_distinct_from(tool.id))
        if form.name in tools.BUILT_IN or await session.scalar(same):
            raise ToolThere
    try:
        given = json.loads(form.arguments) if form.arguments.strip() else {}
    except (ValueError, RecursionError):
        raise Invalid(_("The arguments are no JSON. Compare them with the example.")) from None
    schema = tools.readable_schema(given)
    if form.amount_field and form.amount_field not in schema["properties"]:
        raise Invalid(_("The amount is no argument of this tool."))
    tool.name, tool.description, tool.url = form.name, form.description.strip(), form.url.strip()
    tool.examples = [line.strip()[:200] for line in form.examples.splitlines() if line.strip()][:20]
    tool.schema, tool.reply = schema, form.reply.strip()
    tool.needs_identity, tool.confirmation = form.needs_identity, form.confirmation
    tool.amount_field, tool.amount_limit = form.amount_field, _amount(form)
    tool.active = form.active
    session.add(tool)
    await session.flush()


def _amount(form: ToolForm) -> float | None:
    if not form.amount_field:
        return None
    try:
        limit = float(form.amount_limit.replace(",", "."))
    except ValueError:
        limit = -1.0
    if not 0 <= limit < 1e9:
        raise Invalid(_("Say up to which amount the tool may be used."))
    return limit
