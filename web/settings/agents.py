"""Colleagues: who they are, what they may do, and who is invited."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import colleagues, granting, invitations
from helpdesk.access import Action
from helpdesk.colleagues import Standing
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.invitations import Invitation
from helpdesk.people import Agent, CustomRole, Role, Team, with_access
from web import sessions
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

DONE |= {
    "invited": _("The invitation is on its way."),
    "invited-again": _("A new invitation is on its way; the link before it is worth nothing now."),
    "revoked": _("The invitation is taken back."),
    "off": _("The account is switched off, and its sessions have ended."),
    "on": _("The account is switched on again."),
    "link": _("A link to choose a new password is on its way."),
    "handed-over": _("The open tickets have changed hands."),
}
HOME = "/settings/agents"
TEAMS = ("team-", "role-")
MANAGES = permits(Action.manage_agents)
CHANGES = permits(Action.manage_agents, confirmed=True)


class InviteForm(Fields):
    email: Annotated[
        str, Meta(max_length=320, pattern=r"^\s*[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\.?\s*$")
    ]
    name: Annotated[str, Meta(max_length=120)]
    role: str
    next: Literal["", "first-day"] = ""


class NamesForm(Fields):
    role: str
    name: Annotated[str, Meta(max_length=120)]
    email: Annotated[
        str, Meta(max_length=320, pattern=r"^\s*[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\.?\s*$")
    ]


class HandOverForm(Fields):
    agent: str
    """An agent's number, or empty for nobody."""


class Agents(Controller):
    path = HOME

    @get(opt=MANAGES)
    async def index(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, settings: ThisSettings
    ) -> Html:
        """A link lets anybody in who has it: shown to whoever could have sent it."""
        agents = await session.scalars(
            select(Agent).options(*with_access(), joinedload(Agent.teams)).order_by(~Agent.active, Agent.name)
        )
        invited = await invitations.open_invitations(session)
        links = {
            i.id: f"{desk.settings.url}/invitation/{i.token(desk.keys)}"
            for i in invited
            if not i.is_over and await _may_send(session, agent, i)
        }
        return await settings(
            "settings/agents/index.html", agents=agents.unique().all(), invited=invited, links=links
        )

    @get("/new", opt=CHANGES)
    async def new(self, session: Session, settings: ThisSettings) -> Html:
        return await settings("settings/agents/new.html", **await _choices(session))

    @post("/invitations", opt=CHANGES)
    async def invite(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, desk: CurrentDesk
    ) -> Response[Any]:
        chosen = await _wanted(request)
        given = await read(request, InviteForm, besides=TEAMS)
        await colleagues.require_over(session, agent, chosen)
        await invitations.invite(
            session,
            desk.keys,
            email=given.email.strip(),
            name=colleagues.called(given.name),
            role=chosen.role,
            custom_role_id=chosen.custom_role_id,
            team_ids=list(chosen.teams),
            by=agent,
        )
        return done(request, "/first-day" if given.next else HOME, "invited")

    @get("/{agent_id:int}", opt=CHANGES)
    async def show(self, agent_id: FromPath[int], session: Session, settings: ThisSettings) -> Html:
        found = await _found(session, agent_id)
        others = await session.scalars(
            select(Agent).where(Agent.active, Agent.id != agent_id).order_by(Agent.name)
        )
        return await settings(
            "settings/agents/show.html",
            colleague=found,
            standing=colleagues.standing(found),
            others_choices=[(str(each.id), each.name) for each in others],
            open_tickets=await colleagues.open_tickets(session, found),
            **await _choices(session),
        )

    @post("/{agent_id:int}", opt=CHANGES)
    async def save(
        self, agent_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        found = await _arranged(session, agent_id, by=agent)
        wanted = await _wanted(request)
        given = await read(request, NamesForm, besides=TEAMS)
        await colleagues.rename(session, found, name=given.name, email=given.email, by=agent)
        if await colleagues.place(session, found, wanted, by=agent):
            await sessions.end_all(session, found.id)
        return done(request, HOME)


class Accounts(Controller):
    """Switched off and on, and what becomes of their tickets."""

    path = f"{HOME}/{{agent_id:int}}"

    @post("/deactivation", opt=CHANGES)
    async def off(
        self, agent_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        found = await _arranged(session, agent_id, by=agent)
        await colleagues.deactivate(session, found, by=agent)
        await sessions.end_all(session, found.id)
        target = f"{HOME}/{agent_id}" if await colleagues.open_tickets(session, found) else HOME
        return done(request, target, "off")

    @post("/reactivation", opt=CHANGES)
    async def on(
        self, agent_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        found = await _arranged(session, agent_id, by=agent)
        await colleagues.reactivate(session, found, by=agent)
        await sessions.end_all(session, found.id)
        return done(request, f"{HOME}/{agent_id}", "on")

    @post("/tickets", opt=CHANGES)
    async def hand_over(
        self, agent_id: FromPath[int], request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        found = await _found(session, agent_id)
        given = (await read(request, HandOverForm)).agent
        to = await session.get(Agent, int(given)) if given.isascii() and given.isdigit() else None
        if (given and to is None) or (to and (not to.active or to.id == found.id)):
            raise Invalid(gettext("Choose a colleague who can sign in."))
        await colleagues.hand_over(session, found, to, by=agent)
        return done(request, f"{HOME}/{agent_id}", "handed-over")

    @post("/password", opt=CHANGES)
    async def link(
        self,
        agent_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
    ) -> Response[Any]:
        found = await _arranged(session, agent_id, by=agent)
        await invitations.ask_for_reset(session, desk.keys, found)
        return done(request, f"{HOME}/{agent_id}", "link")


class OpenInvitations(Controller):
    path = f"{HOME}/invitations/{{invitation_id:int}}"

    @post("/again", opt=CHANGES)
    async def again(
        self,
        invitation_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
    ) -> Response[Any]:
        found = await _invitation(session, invitation_id)
        await granting.require_over(session, agent, found.role, found.custom_role_id)
        session.add(invitations.resend(found, desk.keys, by=agent))
        return done(request, HOME, "invited-again")

    @post("/revocation", opt=CHANGES)
    async def revoke(
        self,
        invitation_id: FromPath[int],
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
    ) -> Response[Any]:
        found = await _invitation(session, invitation_id)
        found.revoke()
        session.add(Event(Kind.invitation_revoked, by=agent, about=found))
        return done(request, HOME, "revoked")


async def _found(session: AsyncSession, agent_id: int) -> Agent:
    rows = await session.scalars(
        select(Agent)
        .where(Agent.id == agent_id)
        .options(*with_access())
        .execution_options(populate_existing=True)
    )
    if (found := rows.unique().one_or_none()) is None:
        raise NotFound
    return found


async def _arranged(session: AsyncSession, agent_id: int, *, by: Agent) -> Agent:
    """To be changed, switched or let in again: not an account that has more rights than `by` may give."""
    found = await _found(session, agent_id)
    await colleagues.require_over(session, by, colleagues.standing(found))
    return found


async def _may_send(session: AsyncSession, agent: Agent, invitation: Invitation) -> bool:
    try:
        await granting.require_over(session, agent, invitation.role, invitation.custom_role_id)
    except granting.TooMuch:
        return False
    return True


async def _invitation(session: AsyncSession, invitation_id: int) -> Invitation:
    found = await session.get(Invitation, invitation_id, with_for_update=True)
    if found is None or found.accepted_at or found.revoked_at:
        raise NotFound
    return found


async def _choices(session: AsyncSession) -> dict[str, Any]:
    return {
        "teams": list(await session.scalars(select(Team).order_by(Team.name))),
        "roles": list(Role),
        "custom_roles": list(await session.scalars(select(CustomRole).order_by(CustomRole.name))),
    }


async def _wanted(request: Request[Any, Any, Any]) -> Standing:
    """`role` is a built-in one or `custom-7`; `team-3` is ticked, and `role-3` may name what holds there."""
    form = await request.form()
    teams: dict[int, int | None] = {}
    for key in list(form):
        kind, _dash, number = key.partition("-")
        if kind == "team" and _number(number):
            teams[int(number)] = _number(str(form.get(f"role-{number}", "")))
    role = str(form.get("role", ""))
    custom = _number(role.removeprefix("custom-")) if role.startswith("custom-") else None
    if custom is None and role not in set(Role):
        raise Invalid(gettext("Choose a role."))
    return Standing(Role(role) if custom is None else Role.agent, custom, teams)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
