"""SLA policies: which tickets, how fast, when a promise rests, and what an edit would change before it is saved."""

from dataclasses import replace
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.access import Action
from helpdesk.calendars import Calendar
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.people import Agent
from helpdesk.search.values import Vocabulary, vocabulary
from helpdesk.sla import PAUSES, Metric, Policy, arranging, matching, recomputing
from helpdesk.sla.policies import WARN
from web.auth import permits
from web.console import builder, view_counts
from web.console.builder import Node
from web.console.shell import Directory
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings import sla_forms as forms
from web.settings.frame import DONE, ThisSettings, confirmed, done
from web.settings.sla_forms import PolicyChoices, PolicyForm

HOME = "/settings/sla"
MAY = permits(Action.manage_sla)
BESIDES = ("c.", "target-", "pause-", "escalation-")
DONE |= {"policy": _("Saved. What is promised already is being counted anew.")}


class PlaceForm(Fields):
    go: str = ""


class RemovalForm(Fields):
    confirmation: str = ""


class Policies(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        known = await vocabulary(session)
        rows = [(policy, _described(policy, known)) for policy in await arranging.all_of(session)]
        return await settings("settings/sla/index.html", rows=rows, metrics=list(Metric))

    @get("/new", opt=MAY)
    async def new(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        draft = Policy(
            name="",
            active=True,
            condition={},
            targets={},
            pauses=dict(PAUSES),
            warn_minutes=WARN,
            escalations=[],
        )
        return await _edit(session, agent, settings, draft)

    @get("/{policy_id:int}", opt=MAY)
    async def show(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, policy_id: FromPath[int]
    ) -> Html:
        return await _edit(session, agent, settings, await arranging.one(session, policy_id))

    @post("/builder", opt=MAY, status_code=200)
    async def build(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Html:
        """The conditions after a button or a choice, and how many tickets they mean."""
        sent = await request.form()
        root = builder.change(builder.read(sent), str(sent.get("do", "")))
        for node in root.walk():
            if node.kind == "where" and not forms.may_name(node.about):  # what a new statement begins with
                node.about, node.operator, node.values = "priority", "", []
        known = await vocabulary(session)
        return page("console/views/_builder.html", **await _built(session, agent, root, known))

    @post("/preview", opt=MAY, status_code=200)
    async def preview_new(self, request: Request[Any, Any, Any], desk: CurrentDesk, page: ThisPage) -> Html:
        return await _previewed(request, desk, page, None)

    @post("/{policy_id:int}/preview", opt=MAY, status_code=200)
    async def preview(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, page: ThisPage, policy_id: FromPath[int]
    ) -> Html:
        """What would change for open tickets; nothing is kept."""
        return await _previewed(request, desk, page, policy_id)

    @post(opt=MAY)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await arranging.make(session, await _given(request, session), by=agent)
        return done(request, HOME, "policy")

    @post("/{policy_id:int}", opt=MAY)
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        policy = await arranging.one(session, policy_id)
        await arranging.change(session, policy, await _given(request, session), by=agent)
        return done(request, f"{HOME}/{policy.id}", "policy")

    @post("/{policy_id:int}/place", opt=MAY)
    async def place(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        """One place up or down in the order in which policies are asked."""
        given = await read(request, PlaceForm)
        policy = await arranging.one(session, policy_id)
        await arranging.place(session, policy, -1 if given.go == "up" else 1, by=agent)
        return done(request, HOME, "policy")

    @post("/{policy_id:int}/removal", opt=MAY)
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, policy_id: FromPath[int]
    ) -> Response[Any]:
        given = await read(request, RemovalForm)
        policy = await arranging.one(session, policy_id)
        confirmed(given.confirmation, policy.name)
        await arranging.remove(session, policy, by=agent)
        return done(request, HOME, "removed")


async def _given(request: Request[Any, Any, Any], session: AsyncSession) -> arranging.Given:
    """Raises Invalid, BadCondition."""
    form = await read(request, PolicyForm, besides=BESIDES)
    sent = await request.form()
    known = await vocabulary(session)
    wanted = matching.read(conditions.as_json(builder.condition(builder.read(sent), known)), known.kinds)
    given = forms.given(form, sent)
    return replace(given, condition=conditions.EVERYTHING if wanted == conditions.All() else wanted)


async def _edit(session: AsyncSession, agent: Agent, settings: ThisSettings, policy: Policy) -> Html:
    known = await vocabulary(session)
    root = builder.of(_wanted(policy))
    calendars = await session.execute(select(Calendar.id, Calendar.name).order_by(Calendar.name))
    return await settings(
        "settings/sla/edit.html",
        policy=policy,
        calendars=[(number, name) for number, name in calendars],
        grid=forms.grid(policy),
        rests=forms.rests(policy),
        escalations=forms.escalations(policy),
        whom=forms.whom(await Directory.load(session)),
        **await _built(session, agent, root, known),
    )


async def _built(session: AsyncSession, agent: Agent, root: Node, known: Vocabulary) -> dict[str, Any]:
    """The conditions with the number of tickets they mean, once they hold together."""
    context: dict[str, Any] = {
        "root": root, "choices": PolicyChoices(known), "number": "", "words": "", "builder_at": f"{HOME}/builder",
    }  # fmt: skip
    try:
        wanted = matching.read(conditions.as_json(builder.condition(root, known)), known.kinds)
    except HelpdeskError:
        for node in root.walk():
            node.problem = node.problem if any(each.strip() for each in node.values) else ""
        return context
    return context | {
        "number": await view_counts.number(session, agent, wanted),
        "words": known.describe(wanted) if root.inside else "",
    }


async def _previewed(
    request: Request[Any, Any, Any], desk: CurrentDesk, page: ThisPage, policy_id: int | None
) -> Html:
    """In a session of its own that is never written: the policy is changed there as the form says."""
    async with desk.sessions() as session:
        try:
            given = await _given(request, session)
            if policy_id is None:
                policy = Policy(position=forms.LAST, condition={}, pauses={}, escalations=[], targets={})
            else:
                policy = await arranging.one(session, policy_id)
            await arranging.fill(session, policy, given)
            found = await recomputing.preview(session, policy)
        except NotFound:
            raise
        except HelpdeskError as error:
            return page("settings/sla/_preview.html", preview=None, problem=str(error))
        finally:
            session.expunge_all()
    return page("settings/sla/_preview.html", preview=found, problem="")


def _wanted(policy: Policy) -> conditions.Condition:
    try:
        return matching.read(policy.condition)
    except conditions.BadCondition:
        return conditions.parse(policy.condition)


def _described(policy: Policy, known: Vocabulary) -> str:
    if policy.is_for_all:
        return gettext("Every ticket")
    try:
        return known.describe(matching.read(policy.condition, known.kinds))
    except conditions.BadCondition as error:
        return str(error)
