"""An import of contacts: its file, what its columns mean, how far it is, and what it changed."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Choice, Row
from helpdesk.people import Agent


class State(StrEnum):
    uploaded = "uploaded"  # nobody has said yet what its columns mean
    check_wanted = "check_wanted"
    checked = "checked"
    run_wanted = "run_wanted"
    done = "done"
    revert_wanted = "revert_wanted"
    reverted = "reverted"
    failed = "failed"

    @property
    def is_waiting(self) -> bool:
        return self in {State.check_wanted, State.run_wanted, State.revert_wanted}


class ContactImport(Row):
    __tablename__ = "contact_import"

    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    name: Mapped[str]
    """Of the file, as it was called where it came from."""
    key: Mapped[str]
    """Where `Files` keeps it."""
    size: Mapped[int] = mapped_column(BigInteger)
    encoding: Mapped[str]
    delimiter: Mapped[str]
    columns: Mapped[list[str]]
    mapping: Mapped[list[str]]
    """For each column what it means, a key of `columns.meanings`, or empty to leave it out."""
    state: Mapped[State] = mapped_column(Choice(State), default=State.uploaded)
    done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Rows read so far, while a worker is at it."""
    report: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """new, changed, unchanged, bad; after a revert also removed, restored, kept."""
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    finished_at: Mapped[datetime | None]

    agent: Mapped[Agent | None] = relationship(lazy="raise")


class RefusedRow(Row):
    """A row that was not taken, with the reason."""

    __tablename__ = "contact_import_error"

    import_id: Mapped[int] = mapped_column(ForeignKey("contact_import.id", ondelete="CASCADE"), index=True)
    line: Mapped[int] = mapped_column(BigInteger)
    cells: Mapped[list[str]]
    error: Mapped[str]


class ImportChange(Row):
    """What an import did to one contact, as far as it has to be known to take it back."""

    __tablename__ = "contact_import_change"

    import_id: Mapped[int] = mapped_column(ForeignKey("contact_import.id", ondelete="CASCADE"), index=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    made: Mapped[bool]
    was: Mapped[dict[str, Any]]
    became: Mapped[dict[str, Any]]
    identities: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
