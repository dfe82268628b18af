"""Nobody hands out more than they have: what may be given by whoever arranges accounts and roles.

An admin gives anything. Whom a role of the desk's own lets arrange accounts or roles gives what leads and agents
have, and beyond that only what they have themselves; and they leave alone their own rights, and every account
and role that has more. The same holds for whoever comes with a token, an admin's included: what a token may do
is all that it can hand out.
"""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import GRANTS, OPEN, Action, granted, reach
from helpdesk.errors import Forbidden
from helpdesk.i18n import _
from helpdesk.people import Agent, CustomRole, Reach, Role

_WIDTH = {Reach.assigned: 0, Reach.teams: 1, Reach.all: 2}


class TooMuch(Forbidden):
    message = _("This has more rights than you may give. Ask an admin.")


class YourOwn(Forbidden):
    message = _("You cannot change your own rights. Ask an admin.")


def is_admin(agent: Agent) -> bool:
    """In person: a token of an admin's is not one, whoever holds it."""
    return agent.scopes is None and agent.active and agent.role is Role.admin and agent.custom_role_id is None


def require_gift(by: Agent, permissions: Iterable[str], wide: Reach = Reach.teams) -> None:
    """Raises TooMuch where `by` may not give these, so far."""
    if is_admin(by):
        return
    most = {action.value for action in granted(by) | GRANTS[Role.lead]}
    known = {action.value for action in Action if action not in OPEN}
    if known.intersection(permissions) - most or _WIDTH[wide] > max(_WIDTH[Reach.teams], _WIDTH[reach(by)]):
        raise TooMuch


async def require_over(
    session: AsyncSession,
    by: Agent,
    role: Role,
    custom_role_id: int | None = None,
    in_teams: Iterable[int | None] = (),
) -> None:
    """Raises TooMuch where an account with these roles is not for `by` to make, change or let in."""
    if is_admin(by):
        return
    if custom_role_id is None and role is Role.admin:
        raise TooMuch
    ids = {number for number in (custom_role_id, *in_teams) if number}
    for custom in await session.scalars(select(CustomRole).where(CustomRole.id.in_(ids))):
        require_gift(by, custom.permissions, custom.reach if custom.id == custom_role_id else Reach.teams)


def require_other(by: Agent, agent_id: int) -> None:
    """Raises YourOwn: nobody but an admin gives rights to themselves."""
    if by.id == agent_id and not is_admin(by):
        raise YourOwn
