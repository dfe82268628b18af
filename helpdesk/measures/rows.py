"""What is measured of each ticket, kept beside it: one row a ticket, one a stretch of open work, one a reply.

Nothing here is written by hand. Triggers copy what a ticket is sorted by the moment it changes; all else is told
from its messages and events by `recounting.py`, from scratch, whenever something happened to it.
"""

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Choice
from helpdesk.measures.words import Began
from helpdesk.tickets import Priority, Removal

Big = Annotated[int, mapped_column(BigInteger)]


class TicketFact(Base):
    """Durations are whole seconds. `…_hours` counts the calendar's working time alone."""

    __tablename__ = "ticket_fact"

    id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    """The ticket's own."""
    created_at: Mapped[datetime]
    inbox_id: Mapped[Big]
    team_id: Mapped[Big | None]
    assignee_id: Mapped[Big | None]
    contact_id: Mapped[Big]
    type_id: Mapped[Big | None]
    priority: Mapped[Priority] = mapped_column(Choice(Priority))
    removed: Mapped[Removal | None] = mapped_column(Choice(Removal))
    """Up to here a copy of the ticket, kept by a trigger."""

    asked_at: Mapped[datetime | None]
    """The customer's first words; None where we wrote first."""
    answered_at: Mapped[datetime | None]
    """The first answer by a person."""
    responder_id: Mapped[Big | None]
    resolved_at: Mapped[datetime | None]
    """The last resolution, while it holds."""
    resolver_id: Mapped[Big | None]
    """None where a rule, the desk or the customer resolved it."""
    resolution: Mapped[Big | None]
    resolution_hours: Mapped[Big | None]
    replies: Mapped[int] = mapped_column(default=0, server_default="0")
    """By people."""
    customer_messages: Mapped[int] = mapped_column(default=0, server_default="0")
    reopens: Mapped[int] = mapped_column(default=0, server_default="0")
    one_touch: Mapped[bool | None]
    """Resolved by one reply and never opened again; None where it is not resolved or nobody replied."""
    calendar_id: Mapped[Big | None]
    """Whose working time was counted; None: the desk has no calendar, and every hour counted."""
    counted_at: Mapped[datetime | None]
    """None: it waits to be counted."""

    __table_args__ = (
        Index("ix_ticket_fact_created_at", "created_at"),
        Index("ix_ticket_fact_resolved_at", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
        Index(
            "ix_ticket_fact_open",  # what is not resolved now is split by these
            "id",
            postgresql_include=[
                "created_at",
                "inbox_id",
                "team_id",
                "assignee_id",
                "contact_id",
                "type_id",
                "priority",
            ],
            postgresql_where=text("resolved_at IS NULL AND removed IS NULL"),
        ),
        Index("ix_ticket_fact_removed", "id", postgresql_where=text("removed IS NOT NULL")),
        Index("ix_ticket_fact_waiting", "id", postgresql_where=text("counted_at IS NULL")),
    )


class TicketSpell(Base):
    """A stretch in which a ticket was open work: from its creation or reopening to its resolution."""

    __tablename__ = "ticket_spell"

    ticket_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ticket_fact.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    began: Mapped[Began] = mapped_column(Choice(Began))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    resolver_id: Mapped[Big | None]
    reopened: Mapped[bool] = mapped_column(default=False, server_default="false")
    """After this resolution it was opened again."""

    __table_args__ = (
        Index("ix_ticket_spell_began_at", "began_at"),
        Index("ix_ticket_spell_ended_at", "ended_at"),
    )


class TicketReply(Base):
    """A reply by a person, and the customer's wait that it ended, if anybody waited."""

    __tablename__ = "ticket_reply"

    ticket_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ticket_fact.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[Big]
    agent_id: Mapped[Big | None]
    asked_at: Mapped[datetime | None]
    """The first of the customer's words that it answered; None where nobody waited."""
    replied_at: Mapped[datetime]
    first: Mapped[bool] = mapped_column(default=False, server_default="false")
    """The first reply by a person, to who had asked first."""
    wait: Mapped[Big | None]
    wait_hours: Mapped[Big | None]

    __table_args__ = (Index("ix_ticket_reply_replied_at", "replied_at"),)


class FactWalk(Base):
    """How far the tickets that are older than these tables have been counted, newest first. One row."""

    __tablename__ = "fact_walk"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    upto: Mapped[Big]
    """Tickets up to this id are still to be counted; 0 when all are."""
    version: Mapped[int] = mapped_column(default=1, server_default="1")
