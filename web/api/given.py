"""What callers send: bodies as closed schemas, and cursors that only the desk writes."""

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request
from litestar.params import PathParameter, QueryParameter, SkipValidation
from msgspec import UNSET, Meta, UnsetType

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from web.api.problems import Mistake, Unreadable

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Given = SkipValidation[T]
"""The request's body: `given: Given[NewTicket]`."""

LARGEST = 1024 * 1024  # bytes of a JSON body
PAGE, MOST = 50, 100
WHERE = re.compile(r"^(.*?) - at `\$(.*)`$", re.DOTALL)
BIG = 2**63 - 1

Id = Annotated[int, Meta(ge=1, le=BIG)]
Line = Annotated[str, Meta(max_length=500)]
Word = Annotated[str, Meta(max_length=200)]
Body = Annotated[str, Meta(min_length=1, max_length=200_000)]
Limit = Annotated[int, QueryParameter(ge=1, le=MOST)]
After = Annotated[str, QueryParameter(max_length=2_000)]
PathId = Annotated[int, PathParameter(ge=1, le=BIG)]


class Sent(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What callers send: a field that nobody asked for is refused."""


class Patch(Sent, omit_defaults=True):
    """What is left out stays as it is."""

    def given(self) -> dict[str, Any]:
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in found.items() if value is not UNSET}


class BadCursor(Invalid):
    message = _("`after` is not what a page said under `next`. Start again from the first page.")


async def body(request: Request[Any, Any, Any]) -> Any:
    """The dependency behind `given`: its type is what the handler's signature says."""
    return read(await request.body(), wanted(request.route_handler), request.headers.get("content-type", ""))


def wanted(handler: Any) -> Any:
    """The type of a handler's body; None where it takes none."""
    found = handler.parsed_fn_signature.parameters.get("given")
    return found.annotation if found else None


def read(raw: bytes, into: type[T], content_type: str = "application/json") -> T:
    """Raises Unreadable naming the field."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        raise NoJson
    try:
        return msgspec.json.decode(raw or b"{}", type=into)
    except msgspec.ValidationError as error:
        raise Unreadable([mistake(error)]) from None
    except RecursionError:
        raise Unreadable([Mistake(field="", message=gettext("This is nested too deeply."))]) from None
    except ValueError as error:
        words = gettext("This is no JSON: %(why)s") % {"why": error}
        raise Unreadable([Mistake(field="", message=words)]) from None


def mistake(error: msgspec.ValidationError) -> Mistake:
    if found := WHERE.match(str(error)):
        return Mistake(field=found[2].removeprefix("."), message=found[1])
    return Mistake(field="", message=str(error))


class NoJson(Invalid):
    status = 415
    message = _("Send JSON, and say so: `Content-Type: application/json`.")


def cursor(*values: Any) -> str:
    """Where a page ended, for `next`."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def resume(text: str, *kinds: type[Any]) -> tuple[Any, ...] | None:
    """What `cursor` was made of, checked; None for the first page. Raises BadCursor."""
    if not text:
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=tuple[kinds])  # type: ignore[valid-type]
    except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError):
        raise BadCursor from None


def instant(text: datetime) -> datetime:
    """Times without a zone would mean something else to everybody."""
    if text.tzinfo is None:
        raise Unreadable(
            [Mistake(field="", message=gettext("A time needs its zone, e.g. 2026-01-31T09:00:00Z."))]
        )
    return text


Unset = UnsetType
