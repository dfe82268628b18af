"""Saved views: made and changed with a builder of conditions, counted before they are kept, put in order."""

from dataclasses import dataclass
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, saved_views
from helpdesk.access import Action, may
from helpdesk.conditions import BadCondition, Condition, Operator, Where
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from helpdesk.ordering import ORDER_NAMES, Order
from helpdesk.people import Agent
from helpdesk.saved_views import SavedView
from helpdesk.search import syntax
from helpdesk.search.values import Vocabulary, vocabulary
from helpdesk.sharing import Visibility
from web.auth import permits
from web.console import builder, lists, view_counts
from web.console.builder import Choices, Node
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html, Page

ICONS = (
    "list-filter", "inbox", "flag", "tag", "user", "users", "building-2", "clock", "alarm-clock", "calendar",
    "bookmark", "sparkles", "circle-alert", "shield", "mail", "rocket", "globe", "languages",
)  # fmt: skip
START = conditions.All((Where("active", Operator.is_, True),))


@dataclass
class Form:
    """A view as it stands in its form."""

    name: str = ""
    icon: str = ICONS[0]
    colour: str = ""
    visibility: str = Visibility.me.value
    team_id: int | None = None
    columns: tuple[str, ...] = ()
    as_table: bool = False
    sort: str = Order.last_message.value
    reverse: bool = False
    pinned: bool = True


class Views(Controller):
    path = "/views"

    @get(opt=permits(Action.read))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        found = await saved_views.seen_by(session, agent)
        known, directory = await vocabulary(session), await Directory.load(session)
        return page(
            "console/views/index.html",
            views=found,
            described={view.id: known.describe(view.wanted) for view in found},
            mine={view.id for view in found if view.may_be_changed_by(agent)},
            directory=directory,
            shell=await Shell.load(session, agent),
        )

    @get("/new", opt=permits(Action.read))
    async def new(
        self, session: Session, agent: CurrentAgent, page: ThisPage, q: FromQuery[str] = ""
    ) -> Html:
        known = await vocabulary(session)
        wanted: Condition = START
        if q:
            read = syntax.read(q, known.find, known.kinds).whole
            wanted = read if isinstance(read, conditions.All) else conditions.All((read,))
        return await _edit(session, agent, page, Form(), builder.of(wanted), known)

    @get("/{view_id:int}", opt=permits(Action.read))
    async def edit(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        view_id: FromPath[int],
        copy: FromQuery[bool] = False,
    ) -> Html:
        view = await saved_views.one(session, agent, view_id)
        form = Form(
            gettext("%(name)s, copied") % {"name": view.name} if copy else view.name,
            view.icon,
            view.colour,
            Visibility.me.value if copy else view.visibility.value,
            None if copy else view.team_id,
            tuple(view.columns or lists.USUAL),
            bool(view.columns),
            view.sort,
            view.reverse,
            view.pinned,
        )
        known = await vocabulary(session)
        return await _edit(session, agent, page, form, builder.of(view.wanted), known, None if copy else view)

    @post("/builder", opt=permits(Action.read), status_code=200)
    async def build(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Html:
        """The conditions after a button or a choice, and how many tickets they mean."""
        sent = await request.form()
        root = builder.change(builder.read(sent), str(sent.get("do", "")))
        known = await vocabulary(session)
        return page("console/views/_builder.html", **await _built(session, agent, root, known))

    @post(opt=permits(Action.read))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Response[Any]:
        await saved_views.room_for_one_more(session, agent)
        view = SavedView(owner_id=agent.id, position=len(await saved_views.seen_by(session, agent)) + 1)
        return await _kept(request, session, agent, page, view)

    @post("/{view_id:int}", opt=permits(Action.read))
    async def update(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        view_id: FromPath[int],
    ) -> Response[Any]:
        view = await saved_views.one(session, agent, view_id, to_change=True)
        return await _kept(request, session, agent, page, view)

    @post("/{view_id:int}/place", opt=permits(Action.read))
    async def place(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, view_id: FromPath[int]
    ) -> Response[Any]:
        """One place up or down among those that the agent may arrange."""
        await saved_views.one(session, agent, view_id, to_change=True)
        step = -1 if str((await request.form()).get("go")) == "up" else 1
        found = await saved_views.seen_by(session, agent)
        order = [view.id for view in found if view.may_be_changed_by(agent)]
        at = order.index(view_id)
        to = min(max(at + step, 0), len(order) - 1)
        order[at], order[to] = order[to], order[at]
        await saved_views.arrange(session, agent, order)
        return _back(request, "/views")

    @post("/{view_id:int}/removal", opt=permits(Action.read))
    async def remove(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, view_id: FromPath[int]
    ) -> Response[Any]:
        await session.delete(await saved_views.one(session, agent, view_id, to_change=True))
        return _back(request, "/views")

    @get("/counts", opt=permits(Action.read))
    async def counts(
        self, session: Session, agent: CurrentAgent, page: ThisPage, saved: FromQuery[int | None] = None
    ) -> Html:
        """Of all views beside the queues, and of the one that is shown, in one answer."""
        found = [
            view for view in await saved_views.seen_by(session, agent) if view.pinned or view.id == saved
        ]
        return page("console/views/_counts.html", counts=await view_counts.counted(session, agent, found))


async def _edit(
    session: AsyncSession,
    agent: Agent,
    page: Page,
    form: Form,
    root: Node,
    known: Vocabulary,
    view: SavedView | None = None,
    *,
    problem: str = "",
) -> Html:
    shell = await Shell.load(session, agent)
    return page(
        "console/views/edit.html",
        status=400 if problem else 200,
        form=form,
        view=view,
        problem=problem,
        icons=ICONS,
        sorts=[(order.value, str(names[0])) for order, names in ORDER_NAMES.items()],
        offered=await lists.offered(session),
        usual=lists.USUAL,
        may_share=may(agent, Action.share_views),
        may_change=view is None or view.may_be_changed_by(agent),
        team_choices=[
            ("", gettext("Choose …")),
            *((team.id, team.name) for number, team in shell.teams.items() if number in agent.team_ids),
        ],
        shell=shell,
        **await _built(session, agent, root, known),
    )


async def _built(session: AsyncSession, agent: Agent, root: Node, known: Vocabulary) -> dict[str, Any]:
    """The conditions with the number of tickets they mean, once they hold together."""
    context: dict[str, Any] = {"root": root, "choices": Choices(known), "number": "", "words": ""}
    try:
        wanted = conditions.parse(builder.condition(root, known), known.kinds)
    except BadCondition:
        for node in root.walk():
            node.problem = node.problem if any(each.strip() for each in node.values) else ""
        return context
    context["number"] = await view_counts.number(session, agent, wanted)
    context["words"] = known.describe(wanted)
    return context


async def _kept(
    request: Request[Any, Any, Any], session: AsyncSession, agent: Agent, page: Page, view: SavedView
) -> Response[Any]:
    sent = await request.form()
    known = await vocabulary(session)
    root = builder.read(sent)
    form = _read(sent)
    try:
        offered = {column.name for column in await lists.offered(session)}
        saved_views.keep(
            view,
            agent,
            name=form.name,
            condition=conditions.parse(builder.condition(root, known), known.kinds),
            visibility=Visibility(form.visibility),
            team_id=form.team_id,
            icon=form.icon if form.icon in ICONS else ICONS[0],
            colour=form.colour,
            columns=[name for name in form.columns if name in offered] if form.as_table else [],
            sort=Order(form.sort).value,
            reverse=form.reverse,
            pinned=form.pinned,
        )
    except (HelpdeskError, ValueError) as error:
        old = view if view in session else None
        if old:
            session.expire(old)  # before it is read again: reading would write what was refused
            await session.refresh(old)
        return await _edit(session, agent, page, form, root, known, old, problem=str(error))
    session.add(view)
    await session.flush()
    return _back(request, f"/tickets?saved={view.id}")


def _read(sent: Any) -> Form:
    team = str(sent.get("team", ""))
    return Form(
        str(sent.get("name", "")),
        str(sent.get("icon", "")),
        str(sent.get("colour", ""))[:20],
        str(sent.get("visibility", "me")),
        int(team) if team.isascii() and team.isdigit() and len(team) < 19 else None,
        tuple(dict.fromkeys(str(each) for each in sent.getall("column", [])))[:40],
        sent.get("layout") == "table",
        str(sent.get("sort", "last_message")),
        sent.get("reverse") == "true",
        sent.get("pinned") == "true",
    )


def _back(request: Request[Any, Any, Any], path: str) -> Response[Any]:
    if Page(request.app.state.pages, request).is_partial:
        return Response("", status_code=204, headers={"hx-redirect": path})
    return Redirect(path, status_code=303)
