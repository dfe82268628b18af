"""Accounts of colleagues: invited, changed, switched off. A token hands out no more than it may do itself."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import colleagues, granting, invitations
from helpdesk.access import Action
from helpdesk.colleagues import Standing
from helpdesk.errors import NotFound
from helpdesk.events import Event, Kind
from helpdesk.invitations import Invitation
from helpdesk.people import Agent, CustomRole, Role, with_access
from web import sessions
from web.api import choices
from web.api.answers import Answer, Listed
from web.api.choices import Named
from web.api.given import Given, Id, Patch, PathId, Sent
from web.api.me import AgentView
from web.api.openapi import PREFIX
from web.api.shapes import Address, At, Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session

MANAGES = permits(Action.manage_agents)
MAIL = r"^\s*[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\s*$"
Mail = Annotated[str, Meta(max_length=320, pattern=MAIL, examples=["liam@desk.example"])]
PersonName = Annotated[str, Meta(min_length=1, max_length=120, examples=["Liam Moore"])]


class NewMembership(Sent):
    team: Id
    custom_role: Id | None = None
    """Holds for this team's tickets, in place of the agent's own role."""


Teams = Annotated[list[NewMembership], Meta(max_length=500, examples=[[]])]


class NewInvitation(Sent):
    email: Mail
    name: PersonName
    role: Role = Role.agent
    custom_role: Named | None = None
    """Takes the place of what `role` allows."""
    teams: Annotated[list[Id], Meta(max_length=500, examples=[[]])] = field(default_factory=list)


class InvitationView(Shape):
    """Never the link: it goes to the address alone."""

    id: int
    email: Address
    name: PersonName
    role: Role
    custom_role: Ref | None
    teams: list[int]
    expires_at: At
    mailed_at: At | None
    trouble: Annotated[str, Meta(examples=[""])]
    """Why the mail has not left, in words."""

    @classmethod
    def of(cls, found: Invitation, custom: CustomRole | None) -> "InvitationView":
        return cls(
            id=found.id,
            email=found.email,
            name=found.name,
            role=found.role,
            custom_role=Ref(id=custom.id, name=custom.name) if custom else None,
            teams=found.team_ids,
            expires_at=found.expires_at,
            mailed_at=found.mailed_at,
            trouble=found.trouble,
        )


class AgentPatch(Patch):
    name: PersonName | UnsetType = UNSET
    email: Mail | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    custom_role: Named | UnsetType | None = UNSET
    teams: Teams | UnsetType = UNSET
    """All of them: a team that is left out is left."""


class HandOver(Sent):
    to: Named | None = None
    """A colleague by id, address or `me`; null for nobody."""


class HandedOver(Shape):
    tickets: int


class Invitations(Controller):
    path = "/invitations"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=MANAGES, summary="List open invitations")
    async def list(self, session: Session) -> Listed[InvitationView]:
        found = await invitations.open_invitations(session)
        return Listed(items=[await _invited(session, each) for each in found])

    @post(opt=MANAGES, summary="Invite a colleague")
    async def create(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, given: Given[NewInvitation]
    ) -> Answer[InvitationView]:
        """A mail with a link that holds for a day; the account is made when they follow it."""
        custom = await choices.custom_role(session, given.custom_role)
        wanted = Standing(given.role, custom.id if custom else None, dict.fromkeys(given.teams))
        await colleagues.require_over(session, agent, wanted)
        made = await invitations.invite(
            session,
            desk.keys,
            email=given.email.strip(),
            name=colleagues.called(given.name),
            role=wanted.role,
            custom_role_id=wanted.custom_role_id,
            team_ids=given.teams,
            by=agent,
        )
        headers = {"location": f"{PREFIX}/invitations"}
        return Answer(InvitationView.of(made, custom), status_code=201, headers=headers)

    @post("/{invitation_id:int}/again", opt=MANAGES, summary="Send an invitation again", status_code=200)
    async def again(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, invitation_id: PathId
    ) -> InvitationView:
        """With another link: the one before is worth nothing from then on."""
        found = await _invitation(session, invitation_id)
        await granting.require_over(session, agent, found.role, found.custom_role_id)
        session.add(invitations.resend(found, desk.keys, by=agent))
        return await _invited(session, found)

    @delete("/{invitation_id:int}", opt=MANAGES, summary="Take an invitation back")
    async def revoke(self, session: Session, agent: CurrentAgent, invitation_id: PathId) -> None:
        found = await _invitation(session, invitation_id)
        found.revoke()
        session.add(Event(Kind.invitation_revoked, by=agent, about=found))


class Accounts(Controller):
    path = "/agents/{agent_id:int}"
    opt = {"resource": "agents"}  # noqa: RUF012

    @patch(opt=MANAGES, summary="Change a colleague")
    async def change(
        self, session: Session, agent: CurrentAgent, agent_id: PathId, given: Given[AgentPatch]
    ) -> AgentView:
        """Name, address, role and teams; who has other rights than before signs in again. No token changes an
        account that may do more than the token itself."""
        found = await _found(session, agent_id)
        values = given.given()
        if not values:
            return await _view(session, agent_id)
        await colleagues.require_over(session, agent, colleagues.standing(found))
        wanted = await _wanted(session, found, values)
        name, email = values.get("name", found.name), values.get("email", found.email)
        await colleagues.rename(session, found, name=name, email=email, by=agent)
        if await colleagues.place(session, found, wanted, by=agent):
            await sessions.end_all(session, found.id)
        return await _view(session, agent_id)

    @post("/deactivation", opt=MANAGES, summary="Switch an account off", status_code=200)
    async def deactivate(self, session: Session, agent: CurrentAgent, agent_id: PathId) -> AgentView:
        """Sessions end and tokens are revoked for good; tickets stay where they are until they are handed over."""
        if agent_id == agent.id:
            raise colleagues.NotYourself
        found = await _found(session, agent_id)
        await colleagues.require_over(session, agent, colleagues.standing(found))
        await colleagues.deactivate(session, found, by=agent)
        await sessions.end_all(session, found.id)
        return await _view(session, agent_id)

    @delete("/deactivation", opt=MANAGES, summary="Switch an account on again", status_code=200)
    async def reactivate(self, session: Session, agent: CurrentAgent, agent_id: PathId) -> AgentView:
        found = await _found(session, agent_id)
        if not found.active:
            await colleagues.require_over(session, agent, colleagues.standing(found))
            await colleagues.reactivate(session, found, by=agent)
            await sessions.end_all(session, found.id)
        return await _view(session, agent_id)

    @post("/handover", opt=MANAGES, summary="Hand a colleague's open tickets over", status_code=200)
    async def hand_over(
        self, session: Session, agent: CurrentAgent, agent_id: PathId, given: Given[HandOver]
    ) -> HandedOver:
        """Every ticket of theirs that is not settled, each with its event."""
        found = await _found(session, agent_id)
        to = await choices.colleague(session, given.to, agent, field="to")
        if to and to.id == found.id:
            raise choices.unknown("to", given.to)
        return HandedOver(tickets=await colleagues.hand_over(session, found, to, by=agent))


async def _wanted(session: AsyncSession, agent: Agent, values: dict[str, Any]) -> Standing:
    """What is left out stays; naming a built-in role alone takes a custom one away."""
    now = colleagues.standing(agent)
    custom = now.custom_role_id if "role" not in values else None
    if "custom_role" in values:
        named = await choices.custom_role(session, values["custom_role"])
        custom = named.id if named else None
    teams = now.teams
    if "teams" in values:
        teams = {each.team: each.custom_role for each in values["teams"]}
    return Standing(values.get("role", now.role), custom, teams)


async def _found(session: AsyncSession, agent_id: int) -> Agent:
    query = select(Agent).where(Agent.id == agent_id).options(*with_access())
    rows = await session.scalars(query.execution_options(populate_existing=True))
    if (found := rows.unique().one_or_none()) is None:
        raise NotFound
    return found


async def _view(session: AsyncSession, agent_id: int) -> AgentView:
    await session.flush()
    query = select(Agent).where(Agent.id == agent_id).options(*with_access(), joinedload(Agent.teams))
    rows = await session.scalars(query.execution_options(populate_existing=True))
    return AgentView.of(rows.unique().one())


async def _invitation(session: AsyncSession, invitation_id: int) -> Invitation:
    found = await session.get(Invitation, invitation_id, with_for_update=True)
    if found is None or found.accepted_at or found.revoked_at:
        raise NotFound
    return found


async def _invited(session: AsyncSession, found: Invitation) -> InvitationView:
    custom = await session.get(CustomRole, found.custom_role_id) if found.custom_role_id else None
    return InvitationView.of(found, custom)
