"""What every product has in one way or another, as the writer takes it. Ids are the product's own, as text."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from helpdesk.values import FieldKind

T = TypeVar("T")
Raw = dict[str, Any]
UNREADABLE = "_unreadable"
"""In an object that stands for a line that is none: why."""


@dataclass(frozen=True, kw_only=True)
class Company:
    id: str
    name: str
    domains: tuple[str, ...] = ()
    notes: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Person:
    """A customer, or a colleague where `is_agent`."""

    id: str
    name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    is_agent: bool = False
    title: str = ""
    notes: str = ""
    language: str = ""
    company_id: str | None = None
    company_name: str = ""
    """Where the product knows companies by name only."""
    fields: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Field:
    """A custom field of tickets."""

    key: str
    name: str
    kind: FieldKind = FieldKind.text
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class File:
    id: str
    name: str
    content_type: str = "application/octet-stream"
    url: str = ""
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, kw_only=True)
class Message:
    id: str
    at: datetime
    text: str = ""
    html: str | None = None
    author_id: str | None = None
    author_address: str = ""
    """Where the product names no person, or one that it does not list."""
    author_name: str = ""
    by_agent: bool = False
    by_desk: bool = False
    """Written by the product itself: bots, automatic answers."""
    public: bool = True
    external_id: str | None = None
    """The mail's Message-ID, without angle brackets."""
    recipients: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ticket:
    id: str
    number: str
    subject: str
    category: Category
    created_at: datetime
    requester_id: str | None = None
    requester_address: str = ""
    requester_name: str = ""
    priority: Priority = Priority.normal
    assignee_id: str | None = None
    team: str = ""
    type: str = ""
    tags: tuple[str, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)
    copies: tuple[str, ...] = ()
    removed: str | None = None
    """`spam` or `trash`."""
    resolved_at: datetime | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Broken:
    """Something that cannot be read, and why."""

    kind: str
    id: str
    why: str


def each(kind: str, rows: Iterable[Raw], read: Callable[[Raw], T | None]) -> Iterator[T | Broken]:
    """What `read` makes of each row; one that it cannot read does not hold up the others."""
    for row in rows:
        if why := row.get(UNREADABLE):
            yield Broken(kind=kind, id=str(row["id"]), why=why[:300])
            continue
        try:
            if (made := read(row)) is not None:
                yield made
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            source_id = str(row.get("id", "?")) if isinstance(row, dict) else "?"
            why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            yield Broken(kind=kind, id=source_id[:100], why=why[:300])


def moment(value: object) -> datetime:
    """An ISO 8601 time or seconds since 1970; raises ValueError."""
    if isinstance(value, bool) or value in (None, ""):
        raise ValueError("a time is missing")
    if isinstance(value, int | float) or (isinstance(value, str) and value.isdigit()):
        return datetime.fromtimestamp(float(value), UTC)
    found = datetime.fromisoformat(str(value).replace(" UTC", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def moment_or_none(value: object) -> datetime | None:
    return moment(value) if value not in (None, "") else None


def text_of(value: object) -> str:
    return "" if value is None else str(value)


def id_of(value: object) -> str | None:
    return None if value in (None, "", 0, "0") else str(value)


def bare(message_id: object) -> str | None:
    """`<x@y>` → `x@y`."""
    found = text_of(message_id).strip().strip("<>").strip()
    return found or None


def many(value: object) -> tuple[str, ...]:
    """A list of texts, or one with commas."""
    if isinstance(value, str):
        value = value.split(",")
    return tuple(str(one).strip() for one in value if str(one).strip()) if isinstance(value, list) else ()


def field_key(given: str) -> str:
    """A product's name of a custom field as a key of ours."""
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in given.lower()).strip("_")
    return kept[:40] or "field"
