"""At a brand's own host there is its help centre, and nothing that tells of the desk behind it.

`help.example.com` serves the brand's pages, the chats and forms of its inboxes, ratings and static files. Console,
API, sign-in and other brands are not there: whatever else is asked for gets the brand's own "nothing here", unknown
addresses and wrong methods alike. The desk's own host, and names that nobody gave to a brand, serve everything.
"""

import re
from itertools import takewhile
from typing import Any, cast
from urllib.parse import urlsplit

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.portal import HelpCentre
from helpdesk.portal.centres import LANGUAGE, OWN, SLUG
from web.failures import framework

EVERYBODYS = ("/help", "/rate", "/assets", "/robots.txt")
HEALTH = "/health/"
"""Asked at any address, and answered above all while the database is away and nobody knows whose host it is."""
OF_AN_INBOX = ("chat", "forms")
HOST = re.compile(rb"(?:[^\s:/?#\[\]]*|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{0,5}))?")
NOWHERE = "404"
"""A page that never is: neither brands nor languages are called so."""


class AtOwnHost:
    """Around the router, so that it sees what has no route as well. Asks nothing at the desk's own host."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not _is_sound(scope):
            await ASGIResponse(body=b"This is no name of a host.", status_code=400)(scope, receive, send)
            return
        if scope["type"] != ScopeType.HTTP or not (others := names(scope) - {desk_name(scope)}):
            await self.app(scope, receive, send)
            return
        desk: Desk = scope["litestar_app"].state.desk
        centre, served = None, False
        try:
            async with desk.beside() as session:
                centre = await session.scalar(select(HelpCentre).where(HelpCentre.host.in_(others)).limit(1))
                served = centre is None or await _serves(session, centre, scope["path"])
        except SQLAlchemyError:  # nothing is shown that may not be theirs
            served = scope["path"].startswith(HEALTH)
        if centre:
            scope["state"]["origin"] = centre.origin(desk.settings.url)
        if centre and centre.active and scope["path"] == "/":
            await Redirect("/help").to_asgi_response(app=None, request=None)(scope, receive, send)  # type: ignore[arg-type]
            return
        await self.app(scope if served else _lost(scope), receive, send)


def _is_sound(scope: Scope) -> bool:
    """RFC 9112, 3.2: who names no host that there could be is refused, before an address is made of it."""
    said = [value for name, value in scope["headers"] if name == b"host"]
    found = [HOST.fullmatch(each) for each in said]
    return all(each and int(each["port"] or 0) < 2**16 for each in found)


def without_page(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """An address below `/help` that no page has, or that takes no such request: the brand's own "nothing here"."""
    path = request.scope["path"]
    if not f"{path}/".startswith("/help/") or "text/html" not in request.headers.get("accept", ""):
        return framework(request, error)
    return _Lost(None)


class _Lost(Response[None]):
    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIResponse:
        return _Again()


class _Again(ASGIResponse):
    """Asked once more, for the page that never is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        again = cast("Scope", {**_lost(scope), "state": {}})
        await scope["litestar_app"].asgi_handler(again, receive, send)


def _lost(scope: Scope) -> Scope:
    """In the brand and the language that the address begins with, as far as it names any."""
    _root, _help, *named = scope["path"].split("/") if scope["path"].startswith("/help/") else ("", "")
    kept = "".join(f"/{each}" for each in takewhile(_is_prefix, named[:2]))
    path = f"/help{kept}/{NOWHERE}"
    asked = {"method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    return {**scope, **asked}  # type: ignore[return-value]


def _is_prefix(name: str) -> bool:
    return name not in OWN and bool(SLUG.fullmatch(name) or LANGUAGE.fullmatch(name))


async def _serves(session: AsyncSession, centre: HelpCentre, path: str) -> bool:
    if not centre.active:
        return False
    if any(path == each or path.startswith(f"{each}/") for each in EVERYBODYS):
        return True
    _root, kind, public_id, *_rest = [*path.split("/"), "", ""]
    if kind not in OF_AN_INBOX or not (public_id.isascii() and public_id.isalnum()):
        return False
    inbox = select(Inbox.id).where(Inbox.public_id == public_id)
    if centre.inbox_ids:
        inbox = inbox.where(
            Inbox.id.in_([*centre.inbox_ids, centre.contact_inbox_id or 0, centre.chat_inbox_id or 0])
        )
    return await session.scalar(inbox) is not None


def names(scope: Scope) -> set[str]:
    """Which hosts the request says it is for: one, unless somebody tries something."""
    said = (value.decode("latin-1") for name, value in scope["headers"] if name == b"host")
    return {each.partition(":")[0].strip().lower().rstrip(".") for each in said} - {""}


def desk_name(scope: Scope) -> str:
    desk: Desk = scope["litestar_app"].state.desk
    return urlsplit(desk.settings.url).hostname or ""


def host_of(request: Request[Any, Any, Any]) -> str:
    """A name that is not the desk's own; to be compared with names that are known, and for nothing else."""
    said = names(request.scope) - {desk_name(request.scope)}
    return said.pop() if len(said) == 1 else ""


def origin(request: Request[Any, Any, Any]) -> str:
    """The address that this request came by: a brand's own host, else the desk's. Never one that nobody named."""
    desk: Desk = request.app.state.desk
    return str(request.scope["state"].get("origin") or desk.settings.url)
