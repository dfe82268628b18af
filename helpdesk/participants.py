"""Who takes part in a ticket beside its requester: contacts in copy, colleagues who follow."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Choice, Row
from helpdesk.people import Agent, Contact

MOST = 50  # of one ticket


class Part(StrEnum):
    copy = "cc"
    follower = "follower"


class Participant(Row):
    """A contact in copy, whom replies go to as well, or a colleague who hears of what happens."""

    __tablename__ = "ticket_participant"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    part: Mapped[Part] = mapped_column(Choice(Part))

    contact: Mapped[Contact | None] = relationship(lazy="raise")
    agent: Mapped[Agent | None] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("ticket_id", "contact_id"),
        UniqueConstraint("ticket_id", "agent_id", name="uq_ticket_participant_agent_id"),
        CheckConstraint("(contact_id IS NULL) <> (agent_id IS NULL)", name="one"),
    )
