"""A ticket as callers read it."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from ai.predictions import Classification, Kind, Sentiment, Urgency
from ai.triage.keeping import BY_AGENT
from helpdesk.events import Event
from helpdesk.messages import Direction, Message
from helpdesk.people import Contact
from helpdesk.statements import as_list
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from helpdesk.topics import Topic
from web.api.shapes import AgentRef, At, ContactRef, Ref, Shape, StatusRef


class ReadingView(Shape):
    """What was read in the customer's newest message that says something of the kind."""

    kind: Kind
    label: Annotated[str | None, Meta(examples=["urgent"])]
    """A mood, `calm` or `frustrated`, an urgency, a language's code, a priority; of a topic, team and tag its id.
    `null` where a colleague said that it is none of them."""
    confidence: Annotated[float, Meta(ge=0, le=1, examples=[0.93])]
    """Calibrated chance that the label is right; 1 where a colleague said so. What is on the ticket itself was sure
    enough for the desk's settings."""
    source: Literal["model", "agent"]
    """`agent`: a colleague corrected or confirmed it."""
    message: int
    """The id of the message that says so."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> "ReadingView":
        source: Literal["model", "agent"] = "agent" if row["model"] == BY_AGENT else "model"
        return cls(
            kind=Kind(row["kind"]),
            label=row["label"],
            confidence=min(max(row["confidence"], 0.0), 1.0),
            source=source,
            message=row["message_id"],
        )


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
    language: Annotated[str | None, Meta(examples=["en"])]
    """Code of the language that the customer writes in."""
    sentiment: Sentiment | None
    """The mood of what the customer wrote last."""
    urgency: Urgency | None
    """How soon something has to happen, whatever the mood."""
    topic: Ref | None
    """What it is about, of the desk's own topics."""
    readings: list[ReadingView]
    """How sure these are and who says so, with what else was read: one of a kind at most."""
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
    def of(
        cls,
        ticket: Ticket,
        version: int | None,
        merged_into: int | None,
        topic: str | None,
        readings: Sequence[dict[str, Any]],
    ) -> "TicketView":
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
            sentiment=Sentiment(ticket.sentiment) if ticket.sentiment else None,
            urgency=Urgency(ticket.urgency) if ticket.urgency else None,
            topic=Ref(id=ticket.topic_id, name=topic) if ticket.topic_id and topic else None,
            readings=[ReadingView.of(row) for row in readings],
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
    """Tickets, their versions, the numbers of what they were merged into, their topics' names and readings."""
    into = aliased(Ticket)
    version = select(func.max(Event.id)).where(Event.ticket_id == Ticket.id).scalar_subquery()
    merged_into = select(into.number).where(into.id == Ticket.merged_into_id).scalar_subquery()
    topic = select(Topic.name).where(Topic.id == Ticket.topic_id).scalar_subquery()
    every = select(Ticket, version, merged_into, topic, _readings())
    return every.options(*loads()).execution_options(populate_existing=True)


def _readings() -> ColumnElement[Any]:
    """Of the tickets of the statement around it: of each kind the newest that says something."""
    said = (
        select(
            *(
                getattr(Classification, name)
                for name in ("kind", "label", "confidence", "model", "message_id")
            )
        )
        .join(Message, Message.id == Classification.message_id)
        .where(
            Message.ticket_id == Ticket.id,
            Message.direction == Direction.inbound,
            Message.side_id.is_(None),
            or_(Classification.label.is_not(None), Classification.model == BY_AGENT),
        )
        .distinct(Classification.kind)
        .order_by(Classification.kind, Classification.message_id.desc())
        .correlate(Ticket)
    )
    return as_list(said, "reading")


def views(rows: Sequence[Any]) -> list[TicketView]:
    return [TicketView.of(*row) for row in rows]


async def view(session: AsyncSession, ticket: Ticket) -> TicketView:
    """As it is now, with what this request has changed."""
    await session.flush()
    rows = await session.execute(viewed().where(Ticket.id == ticket.id))
    return TicketView.of(*rows.one())
