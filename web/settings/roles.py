"""Roles of a desk's own: which permissions, and how far they reach."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import roles
from helpdesk.access import GRANTS, Action
from helpdesk.errors import NotFound
from helpdesk.people import Agent, CustomRole, Reach, Role
from web import sessions
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import ThisSettings, confirmed, done
from web.settings.permissions import grouped

HOME = "/settings/roles"
SEES = permits(Action.manage_roles)
CHANGES = permits(Action.manage_roles, confirmed=True)


class RoleForm(Fields):
    name: Annotated[str, Meta(max_length=80)]
    reach: Reach


class RemovalForm(Fields):
    confirmation: str


class Roles(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        holders = (
            select(func.count())
            .select_from(Agent)
            .where(Agent.custom_role_id == CustomRole.id)
            .correlate(CustomRole)
            .scalar_subquery()
        )
        rows = await session.execute(select(CustomRole, holders.label("holders")).order_by(CustomRole.name))
        return await settings(
            "settings/roles/index.html", rows=rows.all(), groups=grouped(), grants=GRANTS, built_in=list(Role)
        )

    @get("/new", opt=CHANGES)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings("settings/roles/edit.html", role=None, groups=grouped(), reaches=list(Reach))

    @post(opt=CHANGES)
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await _save(session, CustomRole(), request, by=agent)
        return done(request, HOME, "added")

    @get("/{role_id:int}", opt=CHANGES)
    async def show(self, role_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        role = await _found(session, role_id)
        return await settings("settings/roles/edit.html", role=role, groups=grouped(), reaches=list(Reach))

    @post("/{role_id:int}", opt=CHANGES)
    async def save(
        self, role_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """Whoever has it signs in again: rights changed."""
        role = await _found(session, role_id)
        if await _save(session, role, request, by=agent):
            for holder in await roles.holders(session, role):
                if holder != agent.id:
                    await sessions.end_all(session, holder)
        return done(request, HOME)

    @post("/{role_id:int}/removal", opt=CHANGES)
    async def remove(
        self, role_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        role = await _found(session, role_id)
        confirmed((await read(request, RemovalForm)).confirmation, role.name)
        await roles.remove(session, role, by=agent)
        return done(request, HOME, "removed")


async def _save(
    session: AsyncSession, role: CustomRole, request: Request[Any, Any, Any], *, by: Agent
) -> bool:
    """Each permission that is ticked comes as a field of its name, `ticket:reply`."""
    given = await read(request, RoleForm, besides=roles.GIVEN)
    ticked = list(await request.form())
    return await roles.save(session, role, name=given.name, permissions=ticked, reach=given.reach, by=by)


async def _found(session: AsyncSession, role_id: int) -> CustomRole:
    if (role := await session.get(CustomRole, role_id, with_for_update=True)) is None:
        raise NotFound
    return role
