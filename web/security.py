"""What every answer says to the browser, and what a request must bring before it may change anything."""

from hmac import compare_digest
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import Request
from litestar.types import Message, Scope

from helpdesk.errors import Forbidden
from helpdesk.i18n import _

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    # With `no-referrer` browsers send `Origin: null` along with our own forms, and over plain http nothing else
    # says where a form comes from. Other sites learn as little.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class Headers:
    """A Litestar `before_send` hook: it sees every answer, refusals and unknown addresses included."""

    def __init__(self, *, https: bool) -> None:
        headers = HEADERS | ({"strict-transport-security": "max-age=31536000"} if https else {})
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        given = {name.lower() for name, _ in message["headers"]}
        message["headers"] = [
            *message["headers"],
            *(header for header in self.headers if header[0] not in given),
        ]


class NotFromHere(Forbidden):
    message = _("This request did not come from a page of the desk. Reload the page and try again.")


def refuse_foreign(request: Request[Any, Any, Any], origin: str) -> None:
    """Unsafe requests come from our own pages. `Sec-Fetch-Site` says so where the browser sends it (over https
    and to loopback); elsewhere `Origin` does, which every browser sends with a POST.
    """
    if request.method in SAFE_METHODS:
        return
    if site := request.headers.get("sec-fetch-site"):
        if site != "same-origin":
            raise NotFromHere
        return
    sent = request.headers.get("origin", "")
    if sent != origin and (not (host := _host(sent)) or host != request.headers.get("host")):
        raise NotFromHere


def _host(origin: str) -> str:
    """Empty for `null`, and for what no browser sends."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


async def refuse_forged(request: Request[Any, Any, Any], token: str) -> None:
    """A signed-in request brings its session's token: htmx in a header, a plain form in a field."""
    if request.method in SAFE_METHODS:
        return
    sent = request.headers.get("x-csrf-token")
    if sent is None:
        form = await request.form()
        sent = str(form.get("csrf", ""))
    if not compare_digest(sent.encode(), token.encode()):
        raise NotFromHere
