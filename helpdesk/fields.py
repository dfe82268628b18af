"""Custom fields: a typed registry over one JSONB column, so that a new field never changes a table."""

from enum import StrEnum

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row


class Subject(StrEnum):
    ticket = "ticket"
    contact = "contact"
    company = "company"


class FieldKind(StrEnum):
    text = "text"
    number = "number"
    boolean = "boolean"
    date = "date"
    choice = "choice"
    choices = "choices"  # several of them
    link = "link"
    pattern = "pattern"  # text that matches a regular expression


class CustomField(Row):
    __tablename__ = "custom_field"

    subject: Mapped[Subject] = mapped_column(Choice(Subject))
    key: Mapped[str]
    """Its name in `fields`, in the API and in search; never changes."""
    name: Mapped[str]
    kind: Mapped[FieldKind] = mapped_column(Choice(FieldKind))
    choices: Mapped[list[str]] = mapped_column(server_default="{}")
    pattern: Mapped[str] = mapped_column(server_default="")
    hint: Mapped[str] = mapped_column(server_default="")
    required: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Needed before a ticket can be resolved."""
    customer_can_see: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (UniqueConstraint("subject", "key"),)
