"""A ticket that the assistant holds: from its first answer until a person takes over or the matter is settled.

That a person writes ends it in that person's own transaction, by a trigger on events (revision 0036): console, API,
bulk changes, macros and rules alike. Whoever wants to speak for the assistant locks the ticket first and then looks
here, so either its words were queued before the person's, or they are not queued at all.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import ASSISTANT, Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.tickets import Ticket


class Hold(StrEnum):
    active = "active"
    handed_over = "handed_over"  # by the assistant itself; `reason` says why
    stopped = "stopped"  # a person took over; `reason` is the kind of what they did
    done = "done"  # settled


class Engagement(Row):
    __tablename__ = "engagement"

    ticket_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"))
    state: Mapped[Hold] = mapped_column(Choice(Hold), default=Hold.active)
    reason: Mapped[str | None]
    turns: Mapped[int] = mapped_column(default=0, server_default="0")
    """What it has said so far."""
    tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    cost: Mapped[float] = mapped_column(default=0.0, server_default="0")
    asked_back: Mapped[int] = mapped_column(default=0, server_default="0")
    confirmed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """The customer said that it helped."""
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_engagement_ticket_id", "ticket_id", "id"),
        Index("uq_engagement_active", "ticket_id", unique=True, postgresql_where=text("state = 'active'")),
        Index(None, "created_at"),
    )

    @property
    def is_active(self) -> bool:
        return self.state is Hold.active

    def end(self, state: Hold, reason: str) -> None:
        self.state, self.reason, self.ended_at = state, reason, now()


async def latest(session: AsyncSession, ticket: Ticket) -> Engagement | None:
    """As the database has it at this moment; the caller holds the ticket if it is going to speak."""
    return await session.scalar(
        select(Engagement)
        .where(Engagement.ticket_id == ticket.id)
        .order_by(Engagement.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


async def is_free(session: AsyncSession, ticket: Ticket) -> bool:
    """Whether the assistant may begin here: nobody holds the ticket, and no colleague has answered it."""
    if ticket.assignee_id or ticket.removed or ticket.is_settled:
        return False
    before = await latest(session, ticket)
    if before and before.state in {Hold.handed_over, Hold.stopped}:
        return False
    return not await session.scalar(
        select(
            exists().where(
                Message.ticket_id == ticket.id,
                Message.direction == Direction.outbound,
                Message.author == ActorKind.agent,
                Message.withdrawn_at.is_(None),
                Message.created_at > (before.created_at if before else ticket.created_at),
            )
        )
    )


async def begin(session: AsyncSession, ticket: Ticket, *, by: Actor = ASSISTANT) -> Engagement:
    """The ticket is locked and nobody else's."""
    engagement = Engagement(ticket_id=ticket.id, state=Hold.active, turns=0, tokens=0, cost=0.0, asked_back=0)
    session.add(engagement)
    ticket.events.add(Event(Kind.assistant_engaged, by=by))
    await session.flush()
    ticket.with_assistant = True
    return engagement


async def take_over(session: AsyncSession, ticket: Ticket, *, by: Actor) -> int:
    """A colleague says that they go on from here. What the assistant wrote and has not left is taken back;
    returns how many messages that were."""
    engagement = await latest(session, ticket)
    if engagement is None or not engagement.is_active:
        raise NotWithAssistant
    engagement.end(Hold.stopped, "taken_over")
    ticket.with_assistant = False
    ticket.events.add(Event(Kind.assistant_stopped, by=by))
    waiting = await session.scalars(
        select(Message).where(
            Message.ticket_id == ticket.id,
            Message.author == ActorKind.assistant,
            Message.delivery == Delivery.queued,
            Message.before.is_not(None),
        )
    )
    taken_back = 0
    for message in waiting:
        ticket.withdraw(message, by=by)
        taken_back += 1
    return taken_back


async def hand_back(session: AsyncSession, ticket: Ticket, *, by: Actor) -> Engagement:
    """A colleague gives the ticket to the assistant, which answers what the customer asked last."""
    engagement = await latest(session, ticket)
    if engagement and engagement.is_active:
        raise WithAssistant
    if ticket.is_settled or ticket.removed:
        raise NotOpen
    if ticket.assignee_id:
        ticket.assign(None, by=by)
    return await begin(session, ticket, by=by)


class NotWithAssistant(Conflict):
    message = _("The assistant does not hold this ticket any more.")


class WithAssistant(Conflict):
    message = _("The assistant holds this ticket already.")


class NotOpen(Conflict):
    message = _("This ticket is settled or put away. Open it first.")
