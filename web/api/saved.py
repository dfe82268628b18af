"""Views that people keep."""

from typing import Annotated, Any

from litestar import Controller, delete, get, post, put
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, saved_views
from helpdesk.access import Action
from helpdesk.ordering import Order
from helpdesk.people import Agent
from helpdesk.saved_views import SavedView
from helpdesk.search.values import vocabulary
from helpdesk.sharing import Visibility
from web.api.answers import Listed
from web.api.given import Given, Id, PathId, Sent
from web.api.listing import EXAMPLE
from web.api.shapes import Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

ViewName = Annotated[str, Meta(min_length=1, max_length=saved_views.LONGEST_NAME, examples=["Urgent"])]
Tree = Annotated[dict[str, Any], Meta(examples=[EXAMPLE])]


class SavedViewView(Shape):
    id: int
    name: ViewName
    condition: Tree
    visibility: Visibility
    team_id: int | None
    owner_id: int
    sort: str
    reverse: bool

    @classmethod
    def of(cls, saved: SavedView) -> "SavedViewView":
        return cls(**{name: getattr(saved, name) for name in cls.__struct_fields__})


class SavedViewGiven(Sent):
    name: ViewName
    condition: Tree
    visibility: Visibility = Visibility.me
    team_id: Id | None = None
    sort: Order = Order.last_message
    reverse: bool = False


class SavedViews(Controller):
    path = "/saved-views"
    opt = {"resource": "saved views"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List saved views")
    async def list(self, session: Session, agent: CurrentAgent) -> Listed[SavedViewView]:
        """One's own and those that are shared; `GET /tickets?saved_view=…` lists what is in one."""
        return Listed(items=[SavedViewView.of(v) for v in await saved_views.seen_by(session, agent)])

    @post(opt=permits(Action.read), summary="Save a view")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[SavedViewGiven]
    ) -> SavedViewView:
        """Sharing it needs `view:share`."""
        await saved_views.room_for_one_more(session, agent)
        made = SavedView(owner_id=agent.id, columns=[])
        await _keep(session, agent, made, given)
        session.add(made)
        await session.flush()
        return SavedViewView.of(made)

    @get("/{view_id:int}", opt=permits(Action.read), summary="Show a saved view")
    async def show(self, session: Session, agent: CurrentAgent, view_id: PathId) -> SavedViewView:
        return SavedViewView.of(await saved_views.one(session, agent, view_id))

    @put("/{view_id:int}", opt=permits(Action.read), summary="Change a saved view")
    async def change(
        self, session: Session, agent: CurrentAgent, view_id: PathId, given: Given[SavedViewGiven]
    ) -> SavedViewView:
        found = await saved_views.one(session, agent, view_id, to_change=True)
        await _keep(session, agent, found, given)
        await session.flush()
        return SavedViewView.of(found)

    @delete("/{view_id:int}", opt=permits(Action.read), summary="Delete a saved view")
    async def remove(self, session: Session, agent: CurrentAgent, view_id: PathId) -> None:
        await session.delete(await saved_views.one(session, agent, view_id, to_change=True))


async def _keep(session: AsyncSession, agent: Agent, saved: SavedView, given: SavedViewGiven) -> None:
    known = await vocabulary(session)
    saved_views.keep(
        saved,
        agent,
        name=given.name,
        condition=conditions.parse(given.condition, known.kinds),
        visibility=given.visibility,
        team_id=given.team_id,
        sort=given.sort,
        reverse=given.reverse,
    )
