"""HEAD is GET without the body (RFC 9110, 9.3.2): monitors and programs that check links ask so."""

import re
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

ENDLESS = re.compile(r"/live|/chat/[^/]+/live")
"""The addresses of streams. Who asks for the head of one is refused: the answer would never be over, and a proxy that
takes it for over would hand the same connection, on which nobody listens, to somebody else."""

OF_HEAD = "of_head"
"""In a request's state: whoever asked reads no body."""


class Heads:
    """Around the router, which sees a GET. The server knows what was asked and leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == ScopeType.HTTP
            and scope["method"] == "HEAD"
            and not ENDLESS.fullmatch(scope["path"])
        ):
            scope["state"][OF_HEAD] = True
            scope = cast("Scope", {**scope, "method": "GET"})
        await self.app(scope, receive, send)
