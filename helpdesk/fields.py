"""Custom fields: a typed registry over one JSONB column, so that a new field never changes a table.

registry = await fields.load(session, Subject.ticket)
ticket.fields = registry.changed(ticket.fields, {"order_number": "A-17"})
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from helpdesk import values
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.labels import named
from helpdesk.texts import clean
from helpdesk.values import FieldKind, Value

MOST = 100  # fields of one subject, archived ones among them: every page reads them all
MOST_CHOICES = 200  # of one field

__all__ = ["CustomField", "FieldKind", "Registry", "Subject", "load"]


class Subject(StrEnum):
    ticket = "ticket"
    contact = "contact"
    company = "company"


class CustomField(Row):
    __tablename__ = "custom_field"

    subject: Mapped[Subject] = mapped_column(Choice(Subject))
    key: Mapped[str]
    """Its name in `fields`, in the API and in search; never changes."""
    name: Mapped[str]
    kind: Mapped[FieldKind] = mapped_column(Choice(FieldKind))
    """Never changes either: values would be left that no longer fit."""
    choices: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    pattern: Mapped[str] = mapped_column(default="", server_default="")
    hint: Mapped[str] = mapped_column(default="", server_default="")
    required: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Needed before a ticket can be resolved."""
    customer_can_see: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")
    """No longer offered; what has a value keeps it."""

    __table_args__ = (UniqueConstraint("subject", "key"),)

    def read(self, given: object) -> Value:
        """The value as it is kept, from a form, a file or JSON; raises BadValue naming the field."""
        try:
            return values.read(self, given)
        except values.Wrong as wrong:
            raise BadValue(self, str(wrong)) from None

    def show(self, value: Any) -> str:
        return values.show(self.kind, value)

    def equals(self, column: InstrumentedAttribute[dict[str, Any]], value: Value) -> ColumnElement[bool]:
        """Rows whose field has this value, of several choices among them; answered by the column's index."""
        if self.kind is FieldKind.choices and isinstance(value, str):
            value = [value]
        return column.contains({self.key: value})


@dataclass(frozen=True)
class Filled:
    """A field with what it says of one ticket, contact or company."""

    field: CustomField
    value: Any

    @property
    def text(self) -> str:
        return self.field.show(self.value)


class Registry:
    """The fields of one subject, in their order."""

    def __init__(self, subject: Subject, fields: Sequence[CustomField]) -> None:
        self.subject = subject
        self.all = tuple(sorted(fields, key=lambda field: (field.position, field.id or 0)))
        self._by_key = {field.key: field for field in self.all}

    def __iter__(self) -> Iterator[CustomField]:
        """Those that can be filled in."""
        return (field for field in self.all if not field.archived)

    def __bool__(self) -> bool:
        return any(not field.archived for field in self.all)

    def get(self, key: str) -> CustomField | None:
        """Archived ones too."""
        return self._by_key.get(key)

    def __getitem__(self, key: str) -> CustomField:
        """Raises UnknownField, also for an archived one."""
        field = self._by_key.get(key)
        if field is None or field.archived:
            raise UnknownField(key, [field.key for field in self])
        return field

    def read(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """Values as they are kept, None where one is to be emptied; raises UnknownField or BadValue."""
        return {key: self[key].read(value) for key, value in given.items()}

    def changed(self, stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """What to store when some are changed: the others stay, archived ones included."""
        after = {**stored, **self.read(given)}
        return {key: value for key, value in after.items() if value is not None}

    def missing(self, stored: Mapping[str, Any]) -> list[CustomField]:
        """Required, and empty. A yes-or-no is answered by either."""
        return [field for field in self if field.required and stored.get(field.key) is None]

    def filled(self, stored: Mapping[str, Any], *, for_customer: bool = False) -> list[Filled]:
        """What has a value, in order; archived fields too, unless a customer reads it."""
        return [
            Filled(field, stored[field.key])
            for field in self.all
            if field.key in stored and (not for_customer or (field.customer_can_see and not field.archived))
        ]


async def load(session: AsyncSession, subject: Subject) -> Registry:
    rows = await session.scalars(select(CustomField).where(CustomField.subject == subject))
    return Registry(subject, rows.all())


async def add(session: AsyncSession, subject: Subject, given: "Description", *, by: Actor) -> CustomField:
    """Raises Invalid or Conflict."""
    registry = await load(session, subject)
    if len(registry.all) >= MOST:
        raise TooMany
    key = await free_key(session, subject, given.name)
    last = max((field.position for field in registry.all), default=0)
    field = CustomField(subject=subject, key=key, kind=given.kind, position=last + 10, archived=False)
    _describe(field, given)
    session.add(field)
    await session.flush()
    session.add(Event(Kind.custom_field_edited, by=by, about=field, what="added"))
    return field


def change(session: AsyncSession, field: CustomField, given: "Description", *, by: Actor) -> None:
    """Its key and its kind stay as they are. Raises Invalid."""
    _describe(field, given)
    session.add(Event(Kind.custom_field_edited, by=by, about=field, what="changed"))


def _describe(field: CustomField, given: "Description") -> None:
    given = given.checked(field.kind)
    field.name, field.hint = given.name, given.hint
    field.choices, field.pattern = list(given.choices), given.pattern
    field.required, field.customer_can_see = given.required, given.customer_can_see


def archive(session: AsyncSession, field: CustomField, archived: bool, *, by: Actor) -> None:
    if field.archived != archived:
        field.archived = archived
        what = "archived" if archived else "offered"
        session.add(Event(Kind.custom_field_edited, by=by, about=field, what=what))


@dataclass(frozen=True, kw_only=True)
class Description:
    """What an administrator says of a field."""

    name: str
    kind: FieldKind = FieldKind.text
    hint: str = ""
    choices: Sequence[str] = ()
    pattern: str = ""
    required: bool = False
    customer_can_see: bool = False

    def checked(self, kind: FieldKind) -> "Description":
        """As it is kept; raises Invalid."""
        choices = tuple(dict.fromkeys(named(one, longest=100) for one in self.choices if one.strip()))
        if kind in {FieldKind.choice, FieldKind.choices}:
            if not 1 <= len(choices) <= MOST_CHOICES:
                raise NoChoices
        else:
            choices = ()
        pattern = self.pattern.strip() if kind is FieldKind.pattern else ""
        if kind is FieldKind.pattern:
            if not pattern:
                raise NoPattern
            try:
                values.compiled(pattern)
            except values.Wrong as wrong:
                raise Invalid(str(wrong)) from None
        hint = " ".join(clean(self.hint).split())[:200]
        return replace(self, name=named(self.name), kind=kind, hint=hint, choices=choices, pattern=pattern)


async def free_key(session: AsyncSession, subject: Subject, name: str) -> str:
    """A key made of the name that no field of the subject has or had."""
    ascii_words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40].strip("_")
    base = ascii_words if ascii_words[:1].isalpha() else f"field_{ascii_words}".strip("_")
    taken = set(await session.scalars(select(CustomField.key).where(CustomField.subject == subject)))
    if base not in taken:
        return base
    return next(key for n in range(2, len(taken) + 3) if (key := f"{base}_{n}") not in taken)


async def uses(
    session: AsyncSession, field: CustomField, column: InstrumentedAttribute[dict[str, Any]]
) -> int:
    """How many rows have a value for it. Reads them all: for a page of the settings, not for a list."""
    return await session.scalar(select(func.count()).where(column.has_key(field.key))) or 0


class TooMany(Conflict):
    message = _("There is room for 100 fields, archived ones among them.")


class NoChoices(Invalid):
    message = _("A field to choose from needs between 1 and 200 choices, one a line.")


class NoPattern(Invalid):
    message = _("Say which form the text has: a pattern such as [A-Z]{2}-[0-9]+.")


class BadValue(Invalid):
    def __init__(self, field: CustomField, why: str) -> None:
        super().__init__(gettext("%(field)s cannot be this: %(why)s.") % {"field": field.name, "why": why})
        self.key = field.key


class UnknownField(Invalid):
    def __init__(self, key: str, known: Sequence[str]) -> None:
        names = ", ".join(known) or gettext("none")
        super().__init__(
            gettext("There is no field called %(key)s. Known are: %(known)s.")
            % {"key": key[:60], "known": names}
        )
        self.key = key


class Unfilled(Conflict):
    """What has to be filled in before the ticket can be resolved."""

    message = _("Something has to be filled in before this ticket can be resolved.")

    def __init__(self, fields: Sequence[CustomField]) -> None:
        names = ", ".join(field.name for field in fields)
        super().__init__(
            gettext("This ticket cannot be resolved before this is filled in: %(fields)s.")
            % {"fields": names}
        )
        self.keys = [field.key for field in fields]
