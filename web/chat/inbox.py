"""One chat, opened for a request: its inbox, its settings, who asks, and how often they may."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from sqlalchemy import bindparam, select

from channels.chat.settings import ChatSettings
from helpdesk import chat, i18n
from helpdesk.chat import Visitor
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.keys import Keys
from helpdesk.reading import known, rows
from helpdesk.statements import AnySelect, once
from web.addresses import counted_as
from web.api.rates import Rates, TooMany
from web.auth import opened as session_of

BEARER = "Bearer "
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
T = TypeVar("T")


class NotYours(HelpdeskError):
    status = 401
    message = _("This chat does not know you any more. It begins anew.")


@dataclass(frozen=True)
class OpenChat:
    inbox: Inbox
    settings: ChatSettings

    @property
    def title(self) -> str:
        return self.settings.title or self.inbox.name

    @property
    def policy(self) -> str:
        """What the frame may do, and which sites may show it; the settings' own page may always."""
        sites = " ".join(["'self'", *self.settings.sites])
        return "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' data: blob:",
                "connect-src 'self'",
                "form-action 'none'",
                "base-uri 'none'",
                f"frame-ancestors {sites}",
            )
        )


async def asked(
    request: Request[Any, Any, Any], public_id: str, what: str, most: int
) -> tuple[OpenChat, Visitor]:
    """The chat, and who asks, as often as they may: so many a minute. Raises NotFound, NotYours, TooMany.

    Guessing tokens is counted, and stops being answered. Whoever is known is let in all the same: many people may
    come from one address.
    """
    session, given = session_of(request), request.headers.get("authorization", "")
    token = given.removeprefix(BEARER).strip()
    inboxes, holders = await rows(session, (_inbox(), {"public_id": public_id}), chat.holder_of(token))
    found = _open(request, inboxes)
    visitor = await chat.known_by(session, found.inbox.id, holders)
    if visitor is None or not given.startswith(BEARER) or not allowed(visitor, found.settings):
        rates: Rates = request.app.state.rates
        raise NotYours if rates.take(f"chat wrong {counted_as(request)}", 30)[1] else TooMany
    if visitor.language:
        i18n.speak(visitor.language)
    slow_down(request, what, visitor.id, most)
    return found, visitor


async def opened(request: Request[Any, Any, Any], public_id: str) -> OpenChat:
    """For anybody. Raises NotFound for a chat that there is not, or that is switched off."""
    (inboxes,) = await rows(session_of(request), (_inbox(), {"public_id": public_id}))
    return _open(request, inboxes)


def _open(request: Request[Any, Any, Any], inboxes: Sequence[Any]) -> OpenChat:
    if not inboxes:
        raise NotFound
    inbox = known(session_of(request), Inbox, inboxes[0]._asdict())
    return OpenChat(inbox, settings_of(request.app.state.desk, inbox))


@once
def _inbox() -> AnySelect:
    here = Inbox.public_id == bindparam("public_id")
    return select(*Inbox.__table__.c).where(here, Inbox.active, Inbox.channel == "chat")


def settings_of(desk: Desk, inbox: Inbox) -> ChatSettings:
    return _unsealed(desk.keys, inbox.sealed_settings)


@lru_cache(maxsize=200)
def _unsealed(keys: Keys, sealed: bytes) -> ChatSettings:
    """Sealed anew whenever they are changed, so that what was read once stays right."""
    return msgspec.convert(cast("dict[str, Any]", keys.unseal(sealed)), ChatSettings)


def allowed(visitor: Visitor, settings: ChatSettings) -> bool:
    """A chat that was closed to people unknown is closed to those who came before, too."""
    return settings.anonymous or (visitor.is_vouched and visitor.proved_at is None)


def slow_down(request: Request[Any, Any, Any], what: str, of: object, most: int) -> None:
    """So many a minute; raises TooMany."""
    if not request.app.state.rates.take(f"chat {what} {of}", most)[1]:
        raise TooMany


async def body(request: Request[Any, Any, Any], into: type[T]) -> T:
    """Raises Invalid, naming what is wrong. No connection to the database is held while it comes: who sends a body
    slowly, or never, would hold one for minutes."""
    await session_of(request).commit()
    try:
        return msgspec.json.decode(await request.body(), type=into)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(gettext("This request can't be read: {why}.").format(why=error)) from None
