"""One chat, opened for a request: its inbox, its settings, who asks, and how often they may."""

import re
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import msgspec
from litestar import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat.settings import ChatSettings
from helpdesk import chat, i18n
from helpdesk.chat import Visitor
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
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


async def opened(desk: Desk, public_id: str, session: AsyncSession | None = None) -> OpenChat:
    """Raises NotFound for a chat that there is not, or that is switched off. What very many ask for is looked for in
    the request's own transaction."""
    query = select(Inbox).where(Inbox.public_id == public_id, Inbox.active, Inbox.channel == "chat")
    if session:
        inbox = await session.scalar(query)
    else:
        async with desk.sessions() as own:
            inbox = await own.scalar(query)
    if inbox is None:
        raise NotFound
    return OpenChat(inbox, settings_of(desk, inbox))


def settings_of(desk: Desk, inbox: Inbox) -> ChatSettings:
    return msgspec.convert(cast("dict[str, Any]", desk.keys.unseal(inbox.sealed_settings)), ChatSettings)


async def asking(request: Request[Any, Any, Any], session: AsyncSession, found: OpenChat) -> Visitor:
    """Whose token the request brings. Raises NotYours; guessing is counted, and stops being answered. Whoever is
    known is let in all the same: many people may come from one address."""
    given = request.headers.get("authorization", "")
    wrong = f"chat wrong {address_of(request)}"
    rates: Rates = request.app.state.rates
    visitor = await chat.known_by(session, found.inbox.id, given.removeprefix(BEARER).strip())
    if visitor is None or not given.startswith(BEARER) or not allowed(visitor, found.settings):
        raise NotYours if rates.take(wrong, 30)[1] else TooMany
    if visitor.language:
        i18n.speak(visitor.language)
    return visitor


def allowed(visitor: Visitor, settings: ChatSettings) -> bool:
    """A chat that was closed to people unknown is closed to those who came before, too."""
    return settings.anonymous or (visitor.is_vouched and visitor.proved_at is None)


def slow_down(request: Request[Any, Any, Any], what: str, of: object, most: int) -> None:
    """So many a minute; raises TooMany."""
    if not request.app.state.rates.take(f"chat {what} {of}", most)[1]:
        raise TooMany


def address_of(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


async def body(request: Request[Any, Any, Any], into: type[T]) -> T:
    """Raises Invalid, naming what is wrong. No connection to the database is held while it comes: who sends a body
    slowly, or never, would hold one for minutes."""
    await session_of(request).commit()
    try:
        return msgspec.json.decode(await request.body(), type=into)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(gettext("This request can't be read: {why}.").format(why=error)) from None
