"""What happened to every promise, step by step: rows are added and never changed.

The application's role may not even try; a ticket that is deleted leaves its entries, which hold no personal text.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Choice, Row
from helpdesk.events import ActorKind, Kind
from helpdesk.sla.clocks import Clock
from helpdesk.sla.later import Fact
from helpdesk.sla.metrics import Metric, Step

if TYPE_CHECKING:
    from helpdesk.tickets import Ticket
    from helpdesk.tickets.row import TicketRow


class Entry(Row):
    __tablename__ = "sla_entry"

    ticket_id: Mapped[int] = mapped_column(BigInteger)
    clock_id: Mapped[int] = mapped_column(BigInteger)
    metric: Mapped[Metric] = mapped_column(Choice(Metric))
    step: Mapped[Step] = mapped_column(Choice(Step))
    at: Mapped[datetime]
    """When it was so, which may be before it was written down."""
    due_at: Mapped[datetime | None]
    """As it stood after this step."""
    cause: Mapped[Kind] = mapped_column(Choice(Kind))
    """What kind of event brought it about."""
    actor: Mapped[ActorKind] = mapped_column(Choice(ActorKind))
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """What the step is about: the target, the category, what was due before."""

    ticket: Mapped["Ticket"] = relationship(
        back_populates="ledger", lazy="raise", primaryjoin="foreign(Entry.ticket_id) == Ticket.id"
    )
    clock: Mapped[Clock] = relationship(lazy="raise", primaryjoin="foreign(Entry.clock_id) == Clock.id")

    __table_args__ = (Index("ix_sla_entry_ticket", "ticket_id", "id"),)


def note(ticket: "TicketRow", clock: Clock, step: Step, at: datetime, fact: Fact, **data: Any) -> None:
    """`at` may lie before the fact: what ran out is written down by whatever comes next."""
    if step is Step.start and clock.target is None:
        return  # nothing is promised at this priority: the clock only runs along
    ticket.ledger.add(
        Entry(
            clock=clock,
            metric=clock.metric,
            step=step,
            at=at,
            due_at=clock.due_at,
            cause=fact.kind,
            actor=fact.by.actor,
            actor_id=fact.by.id,
            data=data,
        )
    )
