"""A ticket as callers read it."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from helpdesk.events import Event
from helpdesk.people import Contact
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from web.api.shapes import AgentRef, At, ContactRef, Ref, Shape, StatusRef


class TicketView(Shape):
    number: Annotated[int, Meta(examples=[42])]
    subject: Annotated[str, Meta(examples=["Lost parcel"])]
    status: StatusRef
    priority: Priority
    type: Ref | None
    tags: Annotated[list[str], Meta(examples=[["invoice", "refund"]])]
    fields: Annotated[dict[str, Any], Meta(examples=[{"order_number": "A-17"}])]
    """Custom fields by key."""
    requester: ContactRef
    company: Ref | None
    inbox: Ref
    team: Ref | None
    assignee: AgentRef | None
    snoozed_until: At | None
    """Out of sight until then."""
    snoozed_for_reply: bool
    """Out of sight until the customer writes."""
    removed: Removal | None
    merged_into: Annotated[int | None, Meta(examples=[None])]
    """The number of the ticket that has its messages now."""
    language: str | None
    sentiment: str | None
    preview: str
    created_at: At
    last_message_at: At
    waiting_since: At | None
    """Since when the customer has waited for an answer."""
    first_replied_at: At | None
    resolved_at: At | None
    next_due_at: At | None
    """When the next promise has to be kept."""
    version: int
    """Grows with everything that happens to the ticket."""

    @classmethod
    def of(cls, ticket: Ticket, version: int | None, merged_into: int | None) -> "TicketView":
        inbox = ticket.inbox
        on_reply = ticket.snoozed_until == NEXT_REPLY
        return cls(
            number=ticket.number,
            subject=ticket.subject,
            status=StatusRef.of(ticket.status),
            priority=ticket.priority,
            type=Ref(id=ticket.type.id, name=ticket.type.name) if ticket.type else None,
            tags=[tag.name for tag in ticket.tags],
            fields=ticket.fields,
            requester=ContactRef.of(ticket.contact),
            company=Ref.of(ticket.contact.company),
            inbox=Ref(id=inbox.id, name=inbox.name),
            team=Ref.of(ticket.team),
            assignee=AgentRef.of(ticket.assignee),
            snoozed_until=None if on_reply else ticket.snoozed_until,
            snoozed_for_reply=on_reply,
            removed=ticket.removed,
            merged_into=merged_into,
            language=ticket.language,
            sentiment=ticket.sentiment,
            preview=ticket.preview,
            created_at=ticket.created_at,
            last_message_at=ticket.last_message_at,
            waiting_since=ticket.waiting_since,
            first_replied_at=ticket.first_replied_at,
            resolved_at=ticket.resolved_at,
            next_due_at=ticket.next_due_at,
            version=version or 0,
        )


def loads() -> tuple[ExecutableOption, ...]:
    """What a view needs: one statement, and one each for addresses and tags."""
    return (
        joinedload(Ticket.contact).options(joinedload(Contact.company), selectinload(Contact.identities)),
        joinedload(Ticket.inbox),
        joinedload(Ticket.team),
        joinedload(Ticket.assignee),
        joinedload(Ticket.status),
        joinedload(Ticket.type),
        selectinload(Ticket.tags),
    )


def viewed() -> Select[Any]:
    """Tickets, their versions, and the numbers of what they were merged into."""
    into = aliased(Ticket)
    version = select(func.max(Event.id)).where(Event.ticket_id == Ticket.id).scalar_subquery()
    merged_into = select(into.number).where(into.id == Ticket.merged_into_id).scalar_subquery()
    return select(Ticket, version, merged_into).options(*loads()).execution_options(populate_existing=True)


def views(rows: Sequence[Any]) -> list[TicketView]:
    return [TicketView.of(*row) for row in rows]


async def view(session: AsyncSession, ticket: Ticket) -> TicketView:
    """As it is now, with what this request has changed."""
    await session.flush()
    rows = await session.execute(viewed().where(Ticket.id == ticket.id))
    return TicketView.of(*rows.unique().one())
