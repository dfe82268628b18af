"""What went wrong, as RFC 9457 has it: `application/problem+json`, with the same words that people read."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import gettext
from web.api import once
from web.auth import SignInNeeded

log = structlog.get_logger(__name__)
MEDIA_TYPE = "application/problem+json"
WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Mistake(msgspec.Struct, kw_only=True):
    """One thing that is wrong with what was sent."""

    field: str
    """Where it stands, e.g. `subject` or `cc[1]`; empty for the request as a whole."""
    message: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """RFC 9457. `type` names the error and never changes; `detail` says what happened and what to do."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[Mistake] = []


class Unreadable(Invalid):
    """A body or parameters that are not what the operation takes."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{m.field}: {m.message}" if m.field else m.message for m in mistakes))
        self.mistakes = mistakes


def problem(
    request: Request[Any, Any, Any],
    status: int,
    detail: str,
    *,
    name: str,
    mistakes: list[Mistake] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[Problem]:
    told = Problem(
        type=f"urn:helpdesk:{name}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        request_id=request.scope["state"].get("request_id", ""),
        errors=mistakes or [],
    )
    if status == 401:
        headers = {"www-authenticate": 'Bearer realm="helpdesk"'} | (headers or {})
    if status == 429 and (rate := request.scope["state"].get("rate")):
        headers = {"retry-after": str(rate.reset)} | (headers or {})
    return Response(told, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def refused(request: Request[Any, Any, Any], error: HelpdeskError) -> Response[Problem]:
    mistakes = error.mistakes if isinstance(error, Unreadable) else None
    return problem(request, error.status, str(error), name=_kebab(type(error).__name__), mistakes=mistakes)


def framework(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What Litestar refuses by itself: unknown addresses, wrong methods, parameters that cannot be read."""
    words = {
        400: gettext("The desk could not read this request."),
        404: gettext("There is nothing here, or you may not see it."),
        405: gettext("This address does not take that method."),
        413: gettext("This is more than the desk takes at once."),
    }
    status = error.status_code
    extra = error.extra if isinstance(error.extra, list) else []
    mistakes = [Mistake(field=str(e.get("key", "")), message=str(e.get("message", ""))) for e in extra]
    name = _kebab(HTTPStatus(status).phrase.replace(" ", ""))
    headers = {k: v for k, v in (error.headers or {}).items() if k.lower() == "allow"}
    detail = words.get(status, HTTPStatus(status).phrase)
    return problem(request, status, detail, name=name, mistakes=mistakes, headers=headers)


def impossible(request: Request[Any, Any, Any], _: DataError) -> Response[Problem]:
    """A number or a character that no column can hold."""
    return problem(
        request, 400, gettext("A value is larger than anything the desk can keep."), name="invalid"
    )


def beaten(request: Request[Any, Any, Any], _: IntegrityError) -> Response[Problem]:
    """Somebody else made the same thing, or removed what this one needs, at the same moment."""
    words = gettext("Somebody changed the same at the same moment. Look again, then try again.")
    return problem(request, 409, words, name="conflict")


def unreachable(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    original = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(original, LockNotAvailable | DeadlockDetected | SerializationFailure):
        words = gettext("Another request is changing the same. Nothing was changed; try again in a moment.")
        return problem(request, 409, words, name="busy", headers={"retry-after": "1"})
    log.warning("request without database", path=request.url.path, error=type(error).__name__)
    words = gettext("The desk cannot reach its database at the moment. Nothing was changed; try again.")
    return problem(request, 503, words, name="unavailable", headers={"retry-after": "5"})


def broken(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    request_id = request.scope["state"].get("request_id")
    log.error("request failed", path=request.url.path, request_id=request_id, exc_info=error)
    words = gettext("Something went wrong on our side. Nothing was changed; please try again.")
    return problem(request, 500, words, name="broken")


def _kebab(name: str) -> str:
    return WORDS.sub("-", name).lower()


HANDLERS: dict[Any, Any] = {
    once.Repeated: once.again,
    SignInNeeded: refused,
    HelpdeskError: refused,
    HTTPException: framework,
    DataError: impossible,
    IntegrityError: beaten,
    OperationalError: unreachable,
    InterfaceError: unreachable,
    PoolTimeout: unreachable,
    500: broken,
}
