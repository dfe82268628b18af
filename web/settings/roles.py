"""Roles of a desk's own: which permissions, and how far they reach."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import granting
from helpdesk.access import GRANTS, OPEN, Action
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.invitations import Invitation
from helpdesk.people import Agent, CustomRole, Membership, Reach, Role
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


class RoleInUse(Conflict):
    message = _("Somebody still has this role. Give them another one first.")


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
        role = CustomRole()
        await _fill(session, role, request)
        granting.require_gift(agent, role.permissions, role.reach)
        session.add(role)
        await session.flush()
        session.add(_changed(role, agent, was=[]))
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
        if _is_own(agent, role):
            granting.require_other(agent, agent.id)
        granting.require_gift(agent, role.permissions, role.reach)
        was = role.permissions
        await _fill(session, role, request)
        granting.require_gift(agent, role.permissions, role.reach)
        session.add(_changed(role, agent, was=was))
        await session.flush()
        if was != role.permissions:
            for holder in await session.scalars(select(Agent.id).where(Agent.custom_role_id == role.id)):
                if holder != agent.id:
                    await sessions.end_all(session, holder)
        return done(request, HOME)

    @post("/{role_id:int}/removal", opt=CHANGES)
    async def remove(
        self, role_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        """Never while somebody has it: without it they would fall back to more than they were given."""
        role = await _found(session, role_id)
        confirmed((await read(request, RemovalForm)).confirmation, role.name)
        for holds in (
            select(Agent.id).where(Agent.custom_role_id == role.id),
            select(Membership.agent_id).where(Membership.custom_role_id == role.id),
            select(Invitation.id).where(
                Invitation.custom_role_id == role.id,
                Invitation.accepted_at.is_(None),
                Invitation.revoked_at.is_(None),
            ),
        ):
            if await session.scalar(holds.limit(1)):
                raise RoleInUse
        session.add(Event(Kind.custom_role_removed, by=agent, about=role))
        await session.flush()
        await session.execute(delete(CustomRole).where(CustomRole.id == role.id))
        return done(request, HOME, "removed")


async def _fill(session: AsyncSession, role: CustomRole, request: Request[Any, Any, Any]) -> None:
    """Each permission that is ticked comes as a field of its name, `ticket:reply`."""
    names = {action.value for action in Action if action not in OPEN}
    given = await read(request, RoleForm, besides=tuple(names))
    if not (name := " ".join(given.name.split())):
        raise Invalid(gettext("A role needs a name."))
    if name.casefold() in {role.value.replace("_", " ") for role in Role}:
        raise Conflict(gettext("A built-in role has this name."))
    with session.no_autoflush:
        taken = select(CustomRole.id).where(
            func.lower(CustomRole.name) == name.lower(), CustomRole.id.is_distinct_from(role.id)
        )
        if await session.scalar(taken):
            raise Conflict(gettext("There is a role with this name already."))
    form = await request.form()
    role.name, role.reach = name, given.reach
    role.permissions = sorted(names & set(form))


def _is_own(agent: Agent, role: CustomRole) -> bool:
    return role.id in {agent.custom_role_id, *(each.custom_role_id for each in agent.memberships)}


def _changed(role: CustomRole, agent: Agent, *, was: list[str]) -> Event:
    return Event(
        Kind.custom_role_changed, by=agent, about=role, was=was, now=role.permissions, reach=role.reach
    )


async def _found(session: AsyncSession, role_id: int) -> CustomRole:
    if (role := await session.get(CustomRole, role_id, with_for_update=True)) is None:
        raise NotFound
    return role
