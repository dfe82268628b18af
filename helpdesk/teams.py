"""Teams: who works together, on what, and which words of customers lead there."""

from collections.abc import Collection, Iterable

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import granting
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.labels import COLOURS
from helpdesk.people import Agent, Membership, Team
from helpdesk.texts import clean
from helpdesk.tickets import Ticket

PHRASES, PHRASE = 100, 300


class Nameless(Invalid):
    message = _("A team needs a name.")


class NoColour(Invalid):
    message = _("Choose a colour from the list.")


class NameTaken(Conflict):
    message = _("There is a team with this name already.")


class TeamInUse(Conflict):
    message = _("Tickets or inboxes still belong to this team. Move them to another one first.")


async def fill(
    session: AsyncSession,
    team: Team,
    *,
    name: str,
    colour: str,
    description: str,
    examples: Iterable[str],
) -> None:
    """`examples` are phrases of customers. Raises Nameless, NoColour, NameTaken."""
    if not (name := " ".join(clean(name).split())):
        raise Nameless
    if colour not in COLOURS:
        raise NoColour
    with session.no_autoflush:
        same = func.lower(Team.name) == name.lower()
        if await session.scalar(select(Team.id).where(same, Team.id.is_distinct_from(team.id))):
            raise NameTaken
    phrases = [words for each in examples if (words := " ".join(clean(each).split())[:PHRASE])]
    team.name, team.colour, team.description = name, colour, clean(description).strip()
    team.examples = phrases[:PHRASES]


async def gather(session: AsyncSession, team: Team, wanted: Collection[int], *, by: Agent) -> None:
    """These agents are its members; a role that a membership carries stays. Unknown ids count for nothing."""
    known = set(await session.scalars(select(Agent.id).where(Agent.id.in_(wanted))))
    present = await members(session, team)
    if by.id in known - present:
        granting.require_other(by, by.id)
    await session.execute(
        delete(Membership).where(Membership.team_id == team.id, Membership.agent_id.in_(present - known))
    )
    session.add_all(Membership(team_id=team.id, agent_id=agent_id) for agent_id in sorted(known - present))
    await session.flush()


async def members(session: AsyncSession, team: Team) -> set[int]:
    return set(await session.scalars(select(Membership.agent_id).where(Membership.team_id == team.id)))


async def remove(session: AsyncSession, team: Team, *, by: Agent) -> None:
    """Raises TeamInUse."""
    for used in (Ticket, Inbox):
        if await session.scalar(select(used.id).where(used.team_id == team.id).limit(1)):
            raise TeamInUse
    session.add(Event(Kind.team_removed, by=by, about=team))
    await session.flush()
    await session.execute(delete(Team).where(Team.id == team.id))
