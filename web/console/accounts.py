"""Ways in beside the password: an invitation that is accepted, a password that was lost, one that is asked again."""

import asyncio
from time import monotonic
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from helpdesk import invitations
from helpdesk.access import Action
from helpdesk.errors import HelpdeskError
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from web import attempts, passwords, sessions
from web.addresses import counted_as
from web.auth import ConfirmationNeeded, current_session, permits
from web.console.signing_in import inside, signed_in_as
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html

SAME_TIME = 0.4
"""Seconds that asking for a new password takes, whether there is such an account or not."""
ASKED_FREELY = 30  # times within a quarter of an hour from one address
LONGEST_NAME = 120


class ForgottenForm(Fields):
    email: str


class NewPasswordForm(Fields):
    password: str


class AcceptForm(Fields):
    name: str
    password: str


class ConfirmForm(Fields):
    password: str
    next: str = "/settings"


class Forgotten(Controller):
    path = "/password"

    @get(opt=permits(Action.public))
    async def form(self, page: ThisPage) -> Html:
        return page("account/forgotten.html", sent=False)

    @post(opt=permits(Action.public))
    async def ask(
        self, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, page: ThisPage
    ) -> Html:
        """One answer, after the same time, whether there is such an account or not."""
        began = monotonic()
        given = await read(request, ForgottenForm)
        keys = {f"reset {counted_as(request)}": ASKED_FREELY}
        if not await attempts.must_wait(session, keys):
            await attempts.failed(session, keys)
            agent = await invitations.agent_of(session, given.email[:320])
            if agent and agent.active:
                await invitations.ask_for_reset(session, desk.keys, agent)
        await session.commit()
        await asyncio.sleep(max(0.0, SAME_TIME - (monotonic() - began)))
        return page("account/forgotten.html", sent=True)

    @get("/{token:str}", opt=permits(Action.public))
    async def choose(self, token: FromPath[str], session: Session, page: ThisPage) -> Html:
        await invitations.reset_of(session, token)
        return page("account/new-password.html", token=token, problem="")

    @post("/{token:str}", opt=permits(Action.public))
    async def change(
        self, token: FromPath[str], request: Request[Any, Any, Any], session: Session, page: ThisPage
    ) -> Response[Any]:
        """Ends every session of the account: whoever knew the old password is out."""
        found = await invitations.reset_of(session, token)
        agent = await invitations.owner_of(session, found)
        given = await read(request, NewPasswordForm)
        try:
            passwords.refuse_weak(given.password, about=(agent.name, agent.email))
        except passwords.Weak as weak:
            return page("account/new-password.html", status=422, token=token, problem=str(weak))
        agent.password_hash = await passwords.made(given.password)
        await invitations.use_up(session, found)
        await sessions.end_all(session, agent.id)
        session.add(Event(Kind.password_changed, by=agent, about=agent, because="reset"))
        return Redirect("/sign-in?changed=1", status_code=303)


class Invitations(Controller):
    path = "/invitation/{token:str}"

    @get(opt=permits(Action.public))
    async def show(self, token: FromPath[str], session: Session, page: ThisPage) -> Html:
        found = await invitations.invitation_of(session, token)
        return page("account/invitation.html", token=token, invitation=found, name=found.name, problem="")

    @post(opt=permits(Action.public))
    async def accept(
        self,
        token: FromPath[str],
        request: Request[Any, Any, Any],
        session: Session,
        desk: CurrentDesk,
        page: ThisPage,
    ) -> Response[Any]:
        found = await invitations.invitation_of(session, token)
        given = await read(request, AcceptForm)
        name = " ".join(given.name.split())[:LONGEST_NAME]
        try:
            if not name:
                raise passwords.Weak(gettext("Please say how you are called."))
            passwords.refuse_weak(given.password, about=(name, found.email))
        except HelpdeskError as error:
            return page(
                "account/invitation.html",
                status=422,
                token=token,
                invitation=found,
                name=name,
                problem=str(error),
            )
        agent = await found.accept(session, name=name, password_hash=await passwords.made(given.password))
        return await signed_in_as(request, session, desk, agent, "/")


class Confirmation(Controller):
    path = "/confirm"

    @get(opt=permits(Action.signed_in))
    async def form(self, request: Request[Any, Any, Any], page: ThisPage) -> Html:
        return page("account/confirm.html", next=inside(request.query_params.get("next", "/")), refused=False)

    @post(opt=permits(Action.signed_in))
    async def confirm(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, page: ThisPage
    ) -> Response[Any]:
        given = await read(request, ConfirmForm)
        if (found := current_session(request)) is None:
            raise ConfirmationNeeded
        keys = attempts.keys(agent.email, counted_as(request))
        right = await passwords.matches(agent.password_hash, given.password)
        if not right or await attempts.must_wait(session, keys):
            await attempts.failed(session, keys)
            session.add(Event(Kind.sign_in_failed, by=DESK, about=agent, again=True))
            return page("account/confirm.html", status=422, next=inside(given.next), refused=True)
        await sessions.confirm(session, found)
        session.add(Event(Kind.identity_confirmed, by=agent))
        return Redirect(inside(given.next), status_code=303)
