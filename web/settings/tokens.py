"""API tokens: which programs act for whom, and for how long. A secret is shown once, when it is made."""

from datetime import timedelta
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import tokens
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.i18n import Text, _
from helpdesk.people import Agent, Role, with_access
from helpdesk.tokens import GRANTABLE, LASTS, LONGEST, ApiToken
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done
from web.settings.permissions import grouped

DONE |= {"token-revoked": _("The token is revoked. Requests with it are refused from now on.")}
HOME = "/settings/tokens"
SEES = permits(Action.manage_tokens)
CHANGES = permits(Action.manage_tokens, confirmed=True)
FIRST = {Action.read, Action.note, Action.reply, Action.read_contacts}
"""Ticked when the page opens: what most programs need."""
LASTING: dict[str, tuple[Text, timedelta | None]] = {
    "30": (_("30 days"), timedelta(days=30)),
    "90": (_("90 days"), LASTS),
    "365": (_("One year"), LONGEST),
    "never": (_("For ever, until somebody revokes it"), None),
}


class TokenForm(Fields):
    name: Annotated[str, Meta(max_length=tokens.LONGEST_NAME)]
    agent: int = 0
    lasts: str = "90"
    addresses: Annotated[str, Meta(max_length=2_000)] = ""


class Tokens(Controller):
    path = HOME

    @get(opt=SEES)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        rows = await session.scalars(
            select(ApiToken).options(joinedload(ApiToken.agent)).order_by(ApiToken.created_at.desc())
        )
        words = {action.value: label for _title, actions in grouped() for action, label in actions}
        return await settings("settings/tokens/index.html", tokens=rows.all(), words=words)

    @get("/new", opt=CHANGES)
    async def new(self, session: Session, agent: CurrentAgent, settings: ThisSettings) -> Html:
        groups = [(title, [a for a in actions if a[0] in GRANTABLE]) for title, actions in grouped()]
        return await settings(
            "settings/tokens/new.html",
            groups=[group for group in groups if group[1]],
            first=FIRST,
            lasting=[(key, label) for key, (label, _lasts) in LASTING.items()],
            colleagues=await _colleagues(session, agent),
        )

    @post(opt=CHANGES, status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        settings: ThisSettings,
    ) -> Html:
        """Each permission that is ticked comes as a field of its name, `ticket:reply`."""
        names = {action.value for action in GRANTABLE}
        given = await read(request, TokenForm, besides=tuple(names))
        owner = await _owner(session, agent, given.agent)
        token, secret = await tokens.issue(
            session,
            given.name,
            agent=owner,
            by=agent,
            scopes=names & set(await request.form()),
            lasts=LASTING.get(given.lasts, LASTING["90"])[1],
            addresses=given.addresses.replace(",", "\n").splitlines(),
        )
        context: dict[str, Any] = {"token": token, "secret": secret, "url": desk.settings.url}
        if page.is_partial:
            return page("settings/tokens/_made.html", **context)
        return await settings("settings/tokens/made.html", **context)

    @post("/{token_id:int}/revocation", opt=SEES)
    async def revoke(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, token_id: FromPath[int]
    ) -> Response[Any]:
        token = await session.get(ApiToken, token_id, with_for_update=True)
        if token is None:
            raise NotFound
        token.revoke(session, by=agent)
        return done(request, HOME, "token-revoked")


async def _colleagues(session: AsyncSession, agent: Agent) -> list[tuple[str, str]]:
    """For whom this agent can make tokens."""
    if agent.role is not Role.admin or agent.custom_role:
        return []
    found = await session.scalars(select(Agent).where(Agent.active).order_by(Agent.name))
    return [(str(each.id), each.name) for each in found]


async def _owner(session: AsyncSession, agent: Agent, chosen: int) -> Agent:
    rows = await session.scalars(
        select(Agent).where(Agent.id == (chosen or agent.id), Agent.active).options(*with_access())
    )
    if (owner := rows.unique().one_or_none()) is None:
        raise NotFound
    tokens.require_maker(agent, owner)
    return owner
