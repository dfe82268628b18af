"""What the desk remembers of imports: each run, and what became of each thing of the other product."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Base, Choice, Row
from helpdesk.i18n import Text as Words
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent


class State(StrEnum):
    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"
    reverting = "reverting"
    reverted = "reverted"

    @property
    def is_over(self) -> bool:
        return self in {State.done, State.failed, State.reverted}


STATES: dict[State, Words] = {
    State.waiting: _("Waits for a worker"),
    State.running: _("Running"),
    State.done: _("Done"),
    State.failed: _("Stopped"),
    State.reverting: _("Being taken back"),
    State.reverted: _("Taken back"),
}


class ImportRun(Row):
    """One import of another product, which may be interrupted, continued and taken back."""

    __tablename__ = "import_run"

    vendor: Mapped[str]
    """The module's name in `helpdesk/imports/vendors/`."""
    source: Mapped[str]
    """Which installation of it, such as `zendesk:acme`: ids are unique within."""
    place: Mapped[str]
    """A folder or ZIP on this machine, or the API's address."""
    sealed_access: Mapped[bytes | None]
    """Name and key for the API, sealed; removed when the run is done."""
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    """Where its tickets go, and answers to them leave from."""
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    dry: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Counts only, changes nothing."""
    state: Mapped[State] = mapped_column(Choice(State), default=State.waiting)
    report: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`helpdesk.imports.reports.Report`, written down with every batch."""
    trouble: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    inbox: Mapped[Inbox] = relationship(lazy="raise")
    agent: Mapped[Agent | None] = relationship(lazy="raise")

    @property
    def label(self) -> str:
        return str(STATES[self.state])


class Imported(Base):
    """One thing of the other product, and the row of ours that it is."""

    __tablename__ = "imported"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    source_id: Mapped[str] = mapped_column(Text, primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger)
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    made: Mapped[bool]
    """False where the row was there before: taking the import back leaves it."""

    __table_args__ = (
        Index("ix_imported_run", "run_id", "kind"),
        Index("ix_imported_row", "kind", "row_id"),
    )
