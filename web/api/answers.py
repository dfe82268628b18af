"""How the API answers: JSON with a tag of its content, the caller's limits, and a name for the request."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar
from uuid import uuid4

import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures import MutableScopeHeaders
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from web.api import once
from web.auth import opened

T = TypeVar("T")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
KEPT = {"location", "etag", "content-type"}
"""Headers that a repeated request is answered with as well."""


class Changed(HelpdeskError):
    status = 412
    message = _("This was changed since you read it. Read it again, then decide again.")


class Listed(msgspec.Struct, Generic[T], kw_only=True):
    """One page of a list."""

    items: list[T]
    next: str | None = None
    """The value of `after` for the next page; null on the last."""


class Answer(Response[T]):
    """A GET is tagged and not sent again to who has it already; any other is kept for a repeated request."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **options: Any) -> Any:
        made = super().to_asgi_response(app, request, **options)
        media_type = made.headers.get("content-type", "")
        if request.method != "GET":
            kept = {name: value for name, value in made.headers.items() if name.lower() in KEPT}
            request.scope["state"]["answer"] = (made.status_code, bytes(made.body), kept)
        elif made.status_code == 200 and media_type.startswith("application/json"):
            made.headers["etag"] = tag = etag(bytes(made.body))
            if _has(request.headers.get("if-none-match", ""), tag):
                return ASGIResponse(status_code=304, headers={"etag": tag})
        return made


def etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def expect(request: Request[Any, Any, Any], now: msgspec.Struct) -> None:
    """`If-Match`: raises Changed where what the caller read is not what is there."""
    wanted = request.headers.get("if-match", "*")
    if wanted.strip() != "*" and not _has(wanted, etag(msgspec.json.encode(now))):
        raise Changed


def _has(header: str, tag: str) -> bool:
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return tag in given or given == ["*"]


async def database_session(request: Request[Any, Any, Any]) -> AsyncIterator[AsyncSession]:
    """One transaction, the answer to a repeated request included."""
    session = opened(request)
    yield session
    await once.keep(request, session)
    await session.commit()


class Signs:
    """Middleware: what every answer carries, refusals included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
        scope["state"]["request_id"] = request_id

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["x-request-id"] = request_id
                if rate := scope["state"].get("rate"):
                    for name, value in rate.headers.items():
                        headers[name] = value
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, signed)
