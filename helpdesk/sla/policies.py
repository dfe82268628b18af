"""What a desk promises: to which tickets, how fast, in which hours, and when a promise rests."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Integer, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.calendars import Calendar
from helpdesk.database import Row
from helpdesk.sla.metrics import RESPONSES, Metric

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket

SNOOZED = "snoozed"
"""Stands among the categories during which a metric may rest."""
PAUSES: dict[str, list[str]] = {
    Metric.next_response: ["on_hold"],
    Metric.update: ["on_hold"],
    Metric.resolution: ["waiting", "on_hold"],
}
"""What a new policy starts with."""
WARN = 15  # minutes


class Policy(Row):
    __tablename__ = "sla_policy"

    name: Mapped[str] = mapped_column(unique=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id"))
    position: Mapped[int] = mapped_column(default=0)
    """Of those that fit a ticket, the first holds."""
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    condition: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """Which tickets, as `helpdesk/conditions` writes it; empty for every ticket."""
    targets: Mapped[dict[str, Any]]
    """`{"high": {"first_response": 60, "resolution": 480}, …}`: business minutes by priority and metric."""
    pauses: Mapped[dict[str, Any]] = mapped_column(
        default=lambda: {metric: list(rests) for metric, rests in PAUSES.items()}, server_default="{}"
    )
    """`{"resolution": ["waiting", "on_hold"], …}`: categories, and `snoozed`, during which a metric rests."""
    warn_minutes: Mapped[int | None] = mapped_column(Integer().evaluates_none(), default=WARN)
    """How long before the end somebody is told; None for not at all."""
    escalations: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """`[{"after": 60, "agent": 3}, {"after": 120, "team": 2}]`: who else is told so many minutes after a breach."""

    calendar: Mapped[Calendar] = relationship(lazy="raise")

    @property
    def is_for_all(self) -> bool:
        return not self.condition or self.condition == {"kind": "all", "of": []}

    def promises(self, metric: Metric) -> bool:
        """At any priority."""
        return any(metric in by_metric for by_metric in self.targets.values())

    def target(self, priority: str, metric: Metric) -> timedelta | None:
        minutes = self.targets.get(priority, {}).get(metric)
        return None if minutes is None else timedelta(minutes=minutes)

    def rests(self, metric: Metric, ticket: "Ticket") -> bool:
        """Whether nobody can be expected to keep this promise now."""
        if ticket.removed or (ticket.is_settled and metric in RESPONSES):
            return True
        resting = self.pauses.get(metric, ())
        return ticket.category in resting or (ticket.snoozed_until is not None and SNOOZED in resting)

    @property
    def warning(self) -> timedelta | None:
        return None if self.warn_minutes is None else timedelta(minutes=self.warn_minutes)
