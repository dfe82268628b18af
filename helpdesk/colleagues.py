"""What admins do to accounts: roles and teams, switching off and on again. A desk always keeps an admin."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from helpdesk import granting, invitations, tokens
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, CustomRole, Membership, Role, Team
from helpdesk.texts import clean
from helpdesk.tickets import Ticket

_ONE_AT_A_TIME = 0x61646D69
AT_ONCE = 200


class LastAdmin(Conflict):
    message = _("This is the last admin of the desk. Make somebody else an admin first.")


class NotYourself(Conflict):
    message = _("You cannot switch off your own account. Ask another admin.")


class NoSuchRole(Invalid):
    message = _("This role or team is not there any more. Reload the page and choose again.")


class Nameless(Invalid):
    message = _("Please say how your colleague is called.")


class AddressTaken(Conflict):
    message = _("Somebody else has this address.")


@dataclass(frozen=True)
class Standing:
    """What somebody may do: a built-in role, or a custom one in its place; and the teams they are in."""

    role: Role
    custom_role_id: int | None
    teams: dict[int, int | None]
    """Team → the custom role that holds there, if any."""

    @property
    def is_admin(self) -> bool:
        return self.role is Role.admin and self.custom_role_id is None


def standing(agent: Agent) -> Standing:
    """`agent.memberships` are loaded."""
    teams = {m.team_id: m.custom_role_id for m in agent.memberships}
    return Standing(agent.role, agent.custom_role_id, teams)


async def place(session: AsyncSession, agent: Agent, wanted: Standing, *, by: Agent) -> bool:
    """Raises LastAdmin, NoSuchRole, or TooMuch where `by` may not give that.

    True where rights have changed: then all their sessions have to end.
    """
    before = standing(agent)
    if before == wanted:
        return False
    granting.require_other(by, agent.id)
    await require_over(session, by, wanted)
    await _must_exist(session, wanted)
    if before.is_admin and not wanted.is_admin:
        await _other_admin(session, agent)
    agent.role, agent.custom_role_id = wanted.role, wanted.custom_role_id
    await session.execute(delete(Membership).where(Membership.agent_id == agent.id))
    session.add_all(
        Membership(team_id=team_id, agent_id=agent.id, custom_role_id=role_id)
        for team_id, role_id in wanted.teams.items()
    )
    session.add(Event(Kind.role_changed, by=by, about=agent, was=_told(before), now=_told(wanted)))
    return True


async def require_over(session: AsyncSession, by: Agent, of: Standing) -> None:
    """Raises TooMuch where this account has more rights than `by` may give."""
    await granting.require_over(session, by, of.role, of.custom_role_id, of.teams.values())


def called(name: str) -> str:
    """Raises Nameless."""
    if not (name := " ".join(clean(name).split())):
        raise Nameless
    return name


async def rename(session: AsyncSession, agent: Agent, *, name: str, email: str, by: Agent) -> None:
    """Raises Nameless, AddressTaken."""
    name, email = called(name), email.strip().lower()
    same = select(Agent.id).where(func.lower(Agent.email) == email, Agent.id != agent.id)
    if await session.scalar(same):
        raise AddressTaken
    changed = [key for key, value in (("name", name), ("email", email)) if getattr(agent, key) != value]
    agent.name, agent.email = name, email
    if changed:
        session.add(Event(Kind.agent_changed, by=by, about=agent, fields=changed))


async def deactivate(session: AsyncSession, agent: Agent, *, by: Agent) -> None:
    """Tokens and links are void, and sessions end in the same transaction (web.sessions), so that none of them
    comes back with the account; open streams end within seconds."""
    if agent.id == by.id:
        raise NotYourself
    if not agent.active:
        return
    await _other_admin(session, agent)
    agent.active = False
    agent.present_at = None
    await tokens.revoke_all(session, agent, by=by)
    await invitations.end_resets(session, agent.id)
    session.add(Event(Kind.agent_deactivated, by=by, about=agent))


async def reactivate(session: AsyncSession, agent: Agent, *, by: Agent) -> None:
    """They sign in anew. What was made in the moment of switching off is ended here, sessions by web.sessions."""
    if not agent.active:
        await tokens.revoke_all(session, agent, by=by)
        agent.active = True
        session.add(Event(Kind.agent_reactivated, by=by, about=agent))


async def open_tickets(session: AsyncSession, agent: Agent) -> int:
    query = select(func.count()).where(Ticket.assignee_id == agent.id, ~Ticket.settled)
    return await session.scalar(query) or 0


async def hand_over(session: AsyncSession, agent: Agent, to: Agent | None, *, by: Agent) -> int:
    """Every ticket of theirs that is not settled, each with its event; returns how many."""
    count = 0
    while True:
        found = await session.scalars(
            select(Ticket)
            .where(Ticket.assignee_id == agent.id, ~Ticket.settled)
            .options(selectinload(Ticket.clocks))
            .order_by(Ticket.id)
            .limit(AT_ONCE)
            .with_for_update(of=Ticket, key_share=True)
        )
        if not (tickets := found.all()):
            return count
        for ticket in tickets:
            ticket.assign(to, by=by)
        await session.flush()
        count += len(tickets)


async def _other_admin(session: AsyncSession, agent: Agent) -> None:
    """Two admins who demote each other at the same moment come one after the other."""
    await session.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    others = select(Agent.id).where(
        Agent.id != agent.id, Agent.active, Agent.role == Role.admin, Agent.custom_role_id.is_(None)
    )
    is_admin = agent.role is Role.admin and agent.custom_role_id is None
    if is_admin and await session.scalar(others.limit(1)) is None:
        raise LastAdmin


async def _must_exist(session: AsyncSession, wanted: Standing) -> None:
    roles = {role for role in (wanted.custom_role_id, *wanted.teams.values()) if role}
    known = set(await session.scalars(select(CustomRole.id).where(CustomRole.id.in_(roles))))
    teams = set(await session.scalars(select(Team.id).where(Team.id.in_(wanted.teams))))
    if roles - known or wanted.teams.keys() - teams:
        raise NoSuchRole


def _told(standing: Standing) -> dict[str, object]:
    return {
        "role": standing.role,
        "custom_role": standing.custom_role_id,
        "teams": {str(team): role for team, role in sorted(standing.teams.items())},
    }
