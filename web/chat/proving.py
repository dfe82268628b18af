"""Whoever is unknown proves an address by six digits that are mailed to it."""

from typing import Annotated, Any

from litestar import Controller, Request, post
from litestar.params import FromPath
from msgspec import Meta, Struct

from helpdesk.access import Action
from helpdesk.chat import proving
from helpdesk.chat.proving import WrongCode
from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _, gettext
from helpdesk.identities import IdentityKind, NoIdentity, normal
from web.addresses import counted_as
from web.auth import permits
from web.chat.inbox import asked, body, slow_down
from web.dependencies import CurrentDesk, Session

PUBLIC = permits(Action.public)
ASKS, ASKS_OF_ADDRESS, ANSWERS = 3, 6, 10  # a minute


class NoCodes(Conflict):
    message = _("This chat mails nothing, so it can't prove an address.")


class Asking(Struct, forbid_unknown_fields=True):
    email: Annotated[str, Meta(max_length=254)]


class Answering(Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(max_length=20)]


class Proving(Controller):
    path = "/chat/{public_id:str}/visitors/me"

    @post("/code", opt=PUBLIC, status_code=202)
    async def ask(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """Answered alike whether the desk knows the address or not."""
        found, visitor = await asked(request, public_id, "code", ASKS)
        slow_down(request, "code", f"{found.inbox.id} {counted_as(request)}", ASKS_OF_ADDRESS)
        if not found.settings.mail_through:
            raise NoCodes
        given = await body(request, Asking)
        try:
            address = normal(IdentityKind.email, given.email)
        except NoIdentity:
            raise Invalid(gettext("This is no e-mail address.")) from None
        await proving.ask(session, desk.keys, visitor, address, origin=counted_as(request))
        return {"address": address}

    @post("/proof", opt=PUBLIC, status_code=200)
    async def prove(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, session: Session, public_id: FromPath[str]
    ) -> dict[str, Any]:
        """The token that the browser keeps from now on: the one before opens nothing any more."""
        _found, visitor = await asked(request, public_id, "proof", ANSWERS)
        given = await body(request, Answering)
        digits = "".join(str(int(each)) for each in given.code if each.isdecimal())
        token = await proving.prove(session, desk.keys, visitor, digits)
        if token is None:
            await session.commit()  # a wrong one counts
            raise WrongCode
        return {"token": token}
