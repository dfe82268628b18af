"""How long an inbox waits for its customers."""

from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.calendars import Calendar
from helpdesk.database import Row

PACE = 120  # reminders and answers to silence an hour, unless somebody chose otherwise


class Patience(Row):
    """What is None does not happen; an inbox without a row does none of it, and always opens tickets again."""

    __tablename__ = "patience"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id", ondelete="CASCADE"), unique=True)
    remind_days: Mapped[int | None]
    """Of silence, after which the customer is reminded, once."""
    remind_text: Mapped[str] = mapped_column(default="", server_default="")
    resolve_days: Mapped[int | None]
    """After the reminder, or of silence where there is none."""
    resolve_text: Mapped[str] = mapped_column(default="", server_default="")
    """What the customer is told then; empty: nothing."""
    close_days: Mapped[int | None]
    """After a ticket was resolved, by whomever."""
    reopen_days: Mapped[int | None]
    """After it was resolved, in which the customer's mail opens it again; later it opens a new one. None: always."""
    since: Mapped[datetime | None]
    """Only silences that began after this, and tickets resolved after it; None: all."""
    per_hour: Mapped[int] = mapped_column(default=PACE, server_default=text(str(PACE)))
    """How many tickets at most are reminded or resolved, so that an inbox that starts late floods nobody."""
    calendar_id: Mapped[int | None] = mapped_column(ForeignKey("business_calendar.id"))
    """Nothing is written to customers outside these hours."""
    paced_at: Mapped[datetime | None]
    """Up to when the pace is used up."""

    calendar: Mapped[Calendar | None] = relationship(lazy="raise")

    @property
    def acts(self) -> bool:
        """Whether it does anything by itself."""
        return any(days is not None for days in (self.remind_days, self.resolve_days, self.close_days))

    @property
    def beat(self) -> timedelta:
        """The time between two of its steps."""
        return timedelta(hours=1) / self.per_hour
