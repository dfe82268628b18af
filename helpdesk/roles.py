"""Roles of a desk's own: which permissions, and how far they reach."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import granting
from helpdesk.access import OPEN, Action
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.invitations import Invitation
from helpdesk.people import Agent, CustomRole, Membership, Reach, Role
from helpdesk.texts import clean

GIVEN = tuple(action.value for action in Action if action not in OPEN)
"""The permissions that a role can have."""


class Nameless(Invalid):
    message = _("A role needs a name.")


class BuiltInName(Conflict):
    message = _("A built-in role has this name.")


class NameTaken(Conflict):
    message = _("There is a role with this name already.")


class RoleInUse(Conflict):
    message = _("Somebody still has this role. Give them another one first.")


async def save(
    session: AsyncSession,
    role: CustomRole,
    *,
    name: str,
    permissions: Iterable[str],
    reach: Reach,
    by: Agent,
) -> bool:
    """A new or changed one; names that are no permission count for nothing.

    True where it allows something else now: then the sessions of `holders` have to end. Raises TooMuch or YourOwn
    where `by` may not give that, Nameless, BuiltInName, NameTaken.
    """
    was = role.permissions or []
    if role.id:
        if role.id in {by.custom_role_id, *(each.custom_role_id for each in by.memberships)}:
            granting.require_other(by, by.id)
        granting.require_gift(by, role.permissions, role.reach)
    wanted = sorted(set(GIVEN).intersection(permissions))
    granting.require_gift(by, wanted, reach)
    role.name, role.permissions, role.reach = await _free(session, role, name), wanted, reach
    session.add(role)
    await session.flush()
    session.add(Event(Kind.custom_role_changed, by=by, about=role, was=was, now=wanted, reach=reach))
    return was != wanted


async def holders(session: AsyncSession, role: CustomRole) -> Sequence[int]:
    return (await session.scalars(select(Agent.id).where(Agent.custom_role_id == role.id))).all()


async def remove(session: AsyncSession, role: CustomRole, *, by: Agent) -> None:
    """Never while somebody has it: without it they would fall back to more than they were given."""
    invited = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))
    for held in (
        select(Agent.id).where(Agent.custom_role_id == role.id),
        select(Membership.agent_id).where(Membership.custom_role_id == role.id),
        select(Invitation.id).where(Invitation.custom_role_id == role.id, *invited),
    ):
        if await session.scalar(held.limit(1)):
            raise RoleInUse
    session.add(Event(Kind.custom_role_removed, by=by, about=role))
    await session.flush()
    await session.execute(delete(CustomRole).where(CustomRole.id == role.id))


async def _free(session: AsyncSession, role: CustomRole, given: str) -> str:
    if not (name := " ".join(clean(given).split())):
        raise Nameless
    if name.casefold() in {built_in.value.replace("_", " ") for built_in in Role}:
        raise BuiltInName
    with session.no_autoflush:
        same = func.lower(CustomRole.name) == name.lower()
        if await session.scalar(select(CustomRole.id).where(same, CustomRole.id.is_distinct_from(role.id))):
            raise NameTaken
    return name
