"""One promise on one ticket: since when it runs, when it rested, when it is due, how it ended."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, event, text
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from helpdesk import soon
from helpdesk.database import Choice, Row
from helpdesk.hours import Break
from helpdesk.sla.metrics import Metric

OPEN = "met_at IS NULL AND ended_at IS NULL"
DECIDED = "coalesce(breached_at, met_at)"
"""When it was clear whether it is kept."""


class Clock(Row):
    """At most one of each metric is open on a ticket."""

    __tablename__ = "sla_clock"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    metric: Mapped[Metric] = mapped_column(Choice(Metric))
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("sla_policy.id"))
    """By which it was last reckoned."""
    target: Mapped[int | None]
    """Business minutes; None where the policy promises nothing at this priority."""
    started_at: Mapped[datetime]
    breaks: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[[from, to], …]`, ISO instants; the last one has no end while the clock rests."""
    due_at: Mapped[datetime | None]
    """None while it rests, or where nothing is promised."""
    act_at: Mapped[datetime | None]
    """When somebody is to be warned, or told that it is late, next."""
    met_at: Mapped[datetime | None]
    breached_at: Mapped[datetime | None]
    """When it should have been met and was not."""
    ended_at: Mapped[datetime | None]
    """It was given up: what it waited for does not happen here any more."""
    warned_at: Mapped[datetime | None]
    escalated: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many of the policy's escalations were told."""

    __table_args__ = (
        Index("ix_sla_clock_open", "ticket_id", "metric", unique=True, postgresql_where=text(OPEN)),
        Index("ix_sla_clock_ticket", "ticket_id"),
        Index("ix_sla_clock_running", "due_at", postgresql_where=text(f"{OPEN} AND breached_at IS NULL")),
        Index("ix_sla_clock_late", "ticket_id", postgresql_where=text(f"{OPEN} AND breached_at IS NOT NULL")),
        Index("ix_sla_clock_act", "act_at", postgresql_where=text("act_at IS NOT NULL")),
        Index("ix_sla_clock_decided", text(f"({DECIDED})"), postgresql_where=text(f"{DECIDED} IS NOT NULL")),
    )

    @property
    def is_open(self) -> bool:
        return self.met_at is None and self.ended_at is None

    @property
    def is_running(self) -> bool:
        return self.is_open and self.due_at is not None

    @property
    def is_resting(self) -> bool:
        return bool(self.breaks) and self.breaks[-1][1] is None

    @property
    def was_met(self) -> bool:
        """In time."""
        return self.met_at is not None and self.breached_at is None

    @property
    def pauses(self) -> list[Break]:
        return [
            (datetime.fromisoformat(begin), end and datetime.fromisoformat(end)) for begin, end in self.breaks
        ]

    @property
    def working(self) -> timedelta | None:
        return None if self.target is None else timedelta(minutes=self.target)

    def rest(self, at: datetime) -> None:
        self.breaks = [*self.breaks, [at.isoformat(), None]]

    def go_on(self, at: datetime) -> None:
        begin = self.breaks[-1][0]
        self.breaks = [*self.breaks[:-1], [begin, max(at, datetime.fromisoformat(begin)).isoformat()]]

    def unbreak(self, at: datetime) -> bool:
        """What changed at this very moment is taken back: a rest that began is none, one that ended goes on."""
        moment = at.isoformat()
        kept = [one for one in self.breaks if one[0] != moment]
        if kept and kept[-1][1] == moment:
            kept = [*kept[:-1], [kept[-1][0], None]]
        changed = kept != self.breaks
        self.breaks = kept
        return changed


@event.listens_for(Clock, "after_insert")
@event.listens_for(Clock, "after_update")
def _written(_mapper: Mapper[Any], connection: Connection, clock: Clock) -> None:
    known = clock.__dict__.get  # nothing is loaded in the middle of a flush
    if not known("met_at") and not known("ended_at"):
        soon.tell(connection, known("act_at"), None if known("breached_at") else known("due_at"))
