"""Answers to what went wrong: a page that says what to do, or a toast where only a part was asked for."""

from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from sqlalchemy import inspect
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import gettext
from web.auth import CUSTOMERS, ConfirmationNeeded, SignInNeeded
from web.dependencies import Moved
from web.pages import Page

Refuses = Callable[[int, str], Response[Any] | None]
"""In a request's state, where its pages have a look of their own: a refusal in that; None where it cannot be drawn."""

log = structlog.get_logger(__name__)


def refused(request: Request[Any, Any, Any], error: HelpdeskError) -> Response[Any]:
    """An expected refusal: no traceback, and its own words."""
    return answer(request, error.status, str(error))


def moved(request: Request[Any, Any, Any], error: Moved) -> Response[Any]:
    """To the ticket that it is part of now; whoever is writing stays where their words are, and is told."""
    if request.method != "GET":
        return refused(request, error)
    if "x-by-itself" in request.headers:
        return Response("", status_code=204)
    old, new = f"/tickets/{error.number}", f"/tickets/{error.now}"
    target = request.url.path.replace(old, new, 1)
    if "hx-request" in request.headers and request.url.path == old:
        return Response("", status_code=200, headers={"hx-redirect": target})
    return Redirect(target, status_code=303)


def to_sign_in(request: Request[Any, Any, Any], _: SignInNeeded) -> Response[Any]:
    """Back to the page where the person was: a part of a page is no place to come back to."""
    part = "hx-request" in request.headers
    page = _address(request.headers.get("hx-current-url", "") if part else str(request.url))
    wanted = page.path + (f"?{page.query}" if page.query else "")
    known = part or (request.method == "GET" and wanted != "/live")
    target = f"/sign-in?next={quote(wanted)}" if known and wanted not in {"", "/"} else "/sign-in"
    if part:
        by_itself = (
            "x-by-itself" in request.headers
        )  # the page asked, not the person; static/js/htmx-setup.js
        return Response("", status_code=401, headers={} if by_itself else {"hx-redirect": target})
    if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
        return Redirect(target, status_code=303)
    return answer(request, 401, gettext("Please sign in first."))


def to_confirm(request: Request[Any, Any, Any], error: ConfirmationNeeded) -> Response[Any]:
    """To the password and back to the page; what a form held is lost, so pages ask before they show one."""
    part = "hx-request" in request.headers
    page = _address(request.headers.get("hx-current-url", "") if part else str(request.url))
    wanted = page.path + (f"?{page.query}" if page.query else "")
    if not part and request.method != "GET":
        wanted = _address(request.headers.get("referer", "")).path or "/settings"
    target = f"/confirm?next={quote(wanted)}"
    if part:
        return Response("", status_code=403, headers={"hx-redirect": target})
    if "text/html" in request.headers.get("accept", ""):
        return Redirect(target, status_code=303)
    return answer(request, error.status, str(error))


def _address(said: str) -> SplitResult:
    """An empty one for what no browser says."""
    try:
        return urlsplit(said)
    except ValueError:
        return urlsplit("")


def framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """What Litestar refuses by itself: unknown addresses, wrong methods, fields that cannot be read."""
    words = {
        400: gettext("The desk could not read this request. Reload the page and try again."),
        404: gettext("There is nothing here, or you may not see it."),
        405: gettext("This address does not take that kind of request."),
        413: gettext("This is more than the desk takes at once. Send a smaller file."),
    }
    return answer(request, error.status_code, words.get(error.status_code, gettext("Something went wrong.")))


def impossible(request: Request[Any, Any, Any], _: DataError) -> Response[Any]:
    """A number or a character that no column can hold names nothing that there could be."""
    return answer(request, 404, gettext("There is nothing here, or you may not see it."))


def beaten(request: Request[Any, Any, Any], _: IntegrityError) -> Response[Any]:
    """Somebody else made the same thing, or removed what this one needs, at the same moment."""
    words = gettext("Somebody changed the same at the same moment. Look again, then try again.")
    return answer(request, 409, words)


def unreachable(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.warning("request without database", path=_route(request), error=type(error).__name__)
    words = gettext(
        "The desk cannot reach its database at the moment. Nothing was changed; try again in a moment."
    )
    response = answer(request, 503, words)
    response.headers["retry-after"] = "5"
    return response


def broken(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    log.error("request failed", path=_route(request), method=request.method, exc_info=error)
    return answer(
        request, 500, gettext("Something went wrong on our side. Nothing was changed; please try again.")
    )


def _route(request: Request[Any, Any, Any]) -> str:
    """As it was declared: what stands in an address may be a secret, such as an invitation."""
    return str(request.scope.get("path_template") or "unknown")


def answer(request: Request[Any, Any, Any], status: int, words: str) -> Response[Any]:
    _forget_expired(request)
    accepts = request.headers.get("accept", "")
    in_own_look: Refuses | None = getattr(request.state, "refuses", None)
    if in_own_look and "text/html" in accepts and (shown := in_own_look(status, words)):
        return shown
    page = Page(request.app.state.pages, request)
    if page.is_partial:
        return page("_refusal.html", status=status, words=words)
    console = not request.url.path.startswith(CUSTOMERS)
    if "text/html" in accepts and not request.url.path.startswith("/api/"):
        return page("error.html", status=status, code=status, words=words, console=console)
    problem = {"type": "about:blank", "status": status, "title": words}
    return Response(problem, status_code=status, media_type="application/problem+json")


def _forget_expired(request: Request[Any, Any, Any]) -> None:
    """A transaction that failed takes along what was loaded in it, who asks included; a refusal can do without."""
    for key in ("user", "session"):
        state: Any = inspect(request.scope.get(key), raiseerr=False)
        if state is not None and state.expired_attributes:
            request.scope[key] = None


HANDLERS: dict[Any, Any] = {
    Moved: moved,
    SignInNeeded: to_sign_in,
    ConfirmationNeeded: to_confirm,
    HelpdeskError: refused,
    HTTPException: framework,
    DataError: impossible,
    IntegrityError: beaten,
    OperationalError: unreachable,
    InterfaceError: unreachable,
    PoolTimeout: unreachable,
    500: broken,
}
