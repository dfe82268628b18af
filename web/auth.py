"""The gate of every route: each names its permission, and the desk does not start with one that doesn't."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from litestar import Litestar
from litestar.connection import ASGIConnection, Request
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import i18n
from helpdesk.access import Action, require
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Misconfigured
from helpdesk.i18n import _
from helpdesk.people import Agent
from web import sessions
from web.security import refuse_foreign, refuse_forged

PERMISSION = "permission"
CONFIRMED = "confirmed"
MOMENT = "moment"
"""In a request's state: up to when the live line had told of changes before anything was read for it."""
WAY_IN = "way_in"
"""Set on routes that programs call: they bring a token and no cookie, so no browser can be made to call them."""
CUSTOMERS = ("/help", "/chat/", "/forms/", "/rate/")
"""Where strangers are customers, spoken to in their language; elsewhere they are colleagues who have to sign in."""
WayIn = Callable[[Request[Any, Any, Any], Action], Awaitable[Agent | None]]


class SignInNeeded(HelpdeskError):
    status = 401
    message = _("Please sign in first.")


class ConfirmationNeeded(HelpdeskError):
    status = 403
    message = _("Please give your password once more before you change this.")


def permits(action: Action, *, confirmed: bool = False) -> dict[str, Any]:
    """`@get("/…", opt=permits(Action.read))`; `confirmed`: only if the password was given minutes ago."""
    return {PERMISSION: action, CONFIRMED: confirmed}


def permission(request: Request[Any, Any, Any]) -> Action:
    """What the route of this request permits."""
    return cast("Action", request.route_handler.opt[PERMISSION])


async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Loads who is asking and refuses what they may not do, before anything else is loaded."""
    request = cast("Request[Any, Any, Any]", connection)
    desk: Desk = request.app.state.desk
    if request.method == "OPTIONS" and PERMISSION not in handler.opt:
        return  # answered with the methods of an address, and nothing else
    action: Action = handler.opt[PERMISSION]
    if way_in := cast("WayIn | None", handler.opt.get(WAY_IN)):
        if (caller := await way_in(request, action)) is not None:
            request.scope["user"] = caller
            i18n.speak_to_colleague(caller.locale)
            require(caller, action)
        elif action is not Action.public:
            raise SignInNeeded
        return
    refuse_foreign(request, desk.settings.url)
    if action is Action.public:
        language = preferred_language(request)
        speak = i18n.speak if request.url.path.startswith(CUSTOMERS) else i18n.speak_to_colleague
        speak(language)
        return
    request.scope["state"][MOMENT] = request.app.state.live.moment
    token = request.cookies.get(cookie_name(desk))
    session = opened(request)
    found = await sessions.resumed(session, token) if token else None
    if found is None:
        raise SignInNeeded
    request.scope["session"] = found  # type: ignore[typeddict-item]
    request.scope["user"] = found.agent
    i18n.speak_to_colleague(found.agent.locale)
    await refuse_forged(request, csrf_of(request))
    require(found.agent, action)
    if handler.opt.get(CONFIRMED) and not found.is_confirmed:
        raise ConfirmationNeeded


def opened(request: Request[Any, Any, Any]) -> AsyncSession:
    """The request's one database session; web/dependencies.py commits it, `Closing` closes it."""
    if "database" not in request.scope["state"]:
        request.scope["state"]["database"] = cast("Desk", request.app.state.desk).sessions()
    return cast("AsyncSession", request.scope["state"]["database"])


def csrf_of(request: Request[Any, Any, Any]) -> str:
    """The token for this session's forms; empty where nobody is signed in."""
    if not (found := current_session(request)):
        return ""
    return sessions.csrf_token(request.app.state.csrf_key, found.id)


def current_session(request: Request[Any, Any, Any]) -> sessions.WebSession | None:
    found: object = request.scope.get("session")
    return found if isinstance(found, sessions.WebSession) else None


def signed_in(request: Request[Any, Any, Any]) -> Agent | None:
    return cast("Agent | None", request.scope.get("user"))


def cookie_name(desk: Desk) -> str:
    """Over plain http, as on loopback, Safari keeps no Secure cookie, and so none named `__Host-`."""
    return "__Host-desk" if is_https(desk) else "desk"


def is_https(desk: Desk) -> bool:
    return desk.settings.url.startswith("https:")


def preferred_language(request: Request[Any, Any, Any]) -> str:
    first = request.headers.get("accept-language", "en").split(",")[0].split(";")[0].strip()
    return first.replace("-", "_") if first.replace("-", "").isalnum() else "en"


def check_permissions(app: Litestar) -> None:
    """Raises Misconfigured for a route that names no permission."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            automatic = isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}
            if not automatic and not isinstance(handler.opt.get(PERMISSION), Action):
                raise Misconfigured(f"The route {route.path} ({handler}) names no permission.")
