"""A ticket's thread: what was said and what happened, in order."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    ScalarSelect,
    Text,
    and_,
    any_,
    bindparam,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.chat import Visitor
from helpdesk.clock import now
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.messages import Attachment, Direction, Message
from helpdesk.people import Agent, Contact
from helpdesk.reading import Asked, rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket
from helpdesk.tokens import ApiToken

AnyRow = Row[*tuple[Any, ...]]
MESSAGES = 50
"""The newest that a page shows at once; the rest is one click away."""
WHOLE = 2**31
"""Messages, more than any ticket has."""
FRESH = timedelta(seconds=6)
WRITTEN = (Kind.ticket_created, Kind.replied, Kind.reply_scheduled, Kind.noted, Kind.forwarded)
"""What a message itself tells, but not that a program wrote it for somebody."""
RULES = (Kind.rule_applied, Kind.rule_undone, Kind.rule_stopped, Kind.triage_undone)
ABOUT_CONTACTS = (Kind.participant_added, Kind.participant_removed)


@dataclass(frozen=True)
class Entry:
    at: datetime
    message: AnyRow | None = None
    event: AnyRow | None = None


@dataclass(frozen=True)
class Thread:
    entries: list[Entry]
    files: dict[int, list[dict[str, Any]]]
    """By message: id, name, size, content_type."""
    earlier: int
    messages: Sequence[AnyRow] = field(default=())
    via: dict[int, str] = field(default_factory=dict)
    """By message: the API token through which it was written."""

    @property
    def seen(self) -> int:
        """The last thing said in public: what the author of a reply has read."""
        return max((m.id for m in self.messages if m.direction is not Direction.note), default=0)

    @property
    def assignment(self) -> AnyRow | None:
        """The last time that the ticket was given to somebody, or taken."""
        events = (entry.event for entry in reversed(self.entries) if entry.event)
        return next((event for event in events if event.kind == Kind.assigned), None)

    def latest_of(self, agent: Agent) -> int:
        return max((m.id for m in self.messages if m.agent_id == agent.id), default=0)

    @property
    def last_outbound(self) -> int | None:
        """The number of our last answer that was not taken back."""
        ours = (m.id for m in self.messages if m.direction is Direction.outbound and not m.withdrawn_at)
        return max(ours, default=None)

    @property
    def last_inbound(self) -> AnyRow | None:
        return next((m for m in reversed(self.messages) if m.direction is Direction.inbound), None)

    def is_fresh(self, message: AnyRow) -> bool:
        return bool(message.created_at > now() - FRESH)


def asked(ticket: Ticket, kinds: Collection[Kind], *, whole: bool = False) -> list[Asked]:
    """What `read` needs the rows of. `kinds` of events are told between the messages."""
    most = WHOLE if whole else MESSAGES
    return [
        (_said(), {"ticket": ticket.id, "most": most}),
        (_happened(), {"ticket": ticket.id, "kinds": [kind.value for kind in kinds], "before": most - 1}),
    ]


async def read(
    session: AsyncSession, ticket: Ticket, said: Sequence[AnyRow], events: Sequence[AnyRow], *, whole: bool
) -> Thread:
    messages = list(reversed(said))
    shown = [m for m in messages if m.withdrawn_at is None]
    # That a ticket went to its inbox's own team is no news.
    told = [
        e for e in events if e.kind not in WRITTEN and e.data.get("because") != "inbox" and not _is_part(e)
    ]
    via = {e.message_id: e.token for e in events if e.kind in WRITTEN}
    entries = [Entry(m.created_at, message=m) for m in shown] + [Entry(e.created_at, event=e) for e in told]
    entries.sort(key=lambda entry: entry.at)
    cut = not whole and len(messages) == MESSAGES
    earlier = await _count(session, ticket) - len(messages) if cut else 0
    return Thread(entries, {m.id: m.files for m in shown if m.files}, earlier, messages, via)


def _is_part(event: AnyRow) -> bool:
    """Of what a rule did, or of taking it back: one line tells all of it."""
    part_of_run = event.actor is ActorKind.rule and "run" in event.data and event.kind not in RULES
    return part_of_run or ("undone" in event.data and event.kind not in RULES)


async def newer_public(session: AsyncSession, ticket: Ticket, seen: int, agent: Agent) -> list[AnyRow]:
    """What was said in public since; what this author has just sent is no news to them."""
    return (await rows(session, news(ticket, seen, agent)))[0]


def news(ticket: Ticket, seen: int, agent: Agent) -> Asked:
    """What `newer_public` finds, to be asked for with other things."""
    return _newer(), {"ticket": ticket.id, "seen": seen, "author": agent.id}


@once
def _newer() -> AnySelect:
    return (
        select(
            Message.id,
            Message.direction,
            Message.author,
            Message.automatic,
            Message.marked,
            Message.text,
            Agent.name.label("agent"),
            Contact.name.label("contact"),
        )
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(
            Message.ticket_id == bindparam("ticket"),
            Message.side_id.is_(None),
            Message.id > bindparam("seen"),
            Message.direction != Direction.note,
            Message.withdrawn_at.is_(None),
            Message.copy_of_id.is_(None),
            or_(Message.agent_id.is_(None), Message.agent_id != bindparam("author")),
        )
        .order_by(Message.id)
    )


@once
def _said() -> AnySelect:
    written_in = Ticket.__table__.alias("written_in")
    return (
        select(
            Message.id,
            Message.direction,
            Message.author,
            Message.agent_id,
            Message.text,
            Message.quoted,
            Message.html.is_not(None).label("has_html"),
            Message.sent_at,
            Message.created_at,
            Message.sender,
            Message.copies,
            Message.automatic,
            Message.marked,
            Message.proof,
            Message.matched,
            Message.delivery,
            Message.send_after,
            Message.trouble,
            Message.contact_id,
            Message.withdrawn_at,
            Message.recipients,
            Message.original,
            Message.edited_at,
            case((Message.origin_id != Message.ticket_id, written_in.c.number)).label("origin"),
            Agent.name.label("agent"),
            Contact.name.label("contact"),
            _files().label("files"),
        )
        .outerjoin(Agent, Agent.id == Message.agent_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .outerjoin(written_in, written_in.c.id == Message.origin_id)
        .where(
            Message.ticket_id == bindparam("ticket"), Message.copy_of_id.is_(None), Message.side_id.is_(None)
        )
        .order_by(Message.id.desc())
        .limit(bindparam("most", type_=BigInteger))
    )


def _files() -> ScalarSelect[Any]:
    file = func.json_build_object(
        "id", Attachment.id, "name", Attachment.name, "size", Attachment.size,
        "content_type", Attachment.content_type,
    )  # fmt: skip
    return (
        select(func.json_agg(aggregate_order_by(file, Attachment.id)))
        .where(Attachment.message_id == Message.id, ~Attachment.inline)
        .scalar_subquery()
    )


async def _count(session: AsyncSession, ticket: Ticket) -> int:
    counted = select(func.count()).where(
        Message.ticket_id == ticket.id, Message.copy_of_id.is_(None), Message.side_id.is_(None)
    )
    return await session.scalar(counted) or 0


@once
def _happened() -> AnySelect:
    """Since the oldest message that is shown, with the names of whoever did it, and of the contact it was about."""
    wrote, whom = Contact.__table__.alias("wrote"), Contact.__table__.alias("whom")
    about = case(
        (Event.kind == Kind.requester_changed, Event.data["now"].astext.cast(BigInteger)),
        (Event.kind.in_(ABOUT_CONTACTS), Event.data["contact"].astext.cast(BigInteger)),
    )
    reached = (
        select(case((Visitor.kind == "email", Visitor.address), else_=func.nullif(Visitor.email, "")))
        .where(
            Event.kind == Kind.mailed_after_leaving,
            Visitor.id == Event.data["visitor"].astext.cast(BigInteger),
        )
        .scalar_subquery()
    )
    oldest = (
        select(Message.created_at)
        .where(
            Message.ticket_id == bindparam("ticket"), Message.copy_of_id.is_(None), Message.side_id.is_(None)
        )
        .order_by(Message.id.desc())
        .offset(bindparam("before", type_=BigInteger))
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Event.kind,
            Event.actor,
            Event.actor_id,
            Event.data,
            Event.message_id,
            Event.created_at,
            Agent.name.label("agent"),
            wrote.c.name.label("wrote"),
            whom.c.name.label("whom"),
            reached.label("reached"),
            ApiToken.name.label("token"),
        )
        .outerjoin(Agent, and_(Event.actor == ActorKind.agent, Agent.id == Event.actor_id))
        .outerjoin(wrote, and_(Event.actor == ActorKind.contact, wrote.c.id == Event.actor_id))
        .outerjoin(whom, whom.c.id == about)
        .outerjoin(ApiToken, ApiToken.id == Event.token_id)
        .where(
            Event.ticket_id == bindparam("ticket"),
            or_(
                Event.kind == any_(bindparam("kinds", type_=ARRAY(Text))),
                and_(Event.kind.in_(WRITTEN), Event.message_id.is_not(None), Event.token_id.is_not(None)),
            ),
            or_(oldest.is_(None), Event.created_at >= oldest),
        )
        .order_by(Event.id)
    )
