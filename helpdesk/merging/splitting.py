"""One message of a ticket as a ticket of its own, linked to the first; and back."""

from typing import Any

from sqlalchemy import func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict, NotFound
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import _
from helpdesk.links import LinkKind, TicketLink
from helpdesk.merging import snapshots
from helpdesk.merging.joining import MergedFurther, NotMergeable, locked, pair, restore
from helpdesk.merging.rows import MergeKind, TicketMerge
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.sla import matching
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import Removal, Ticket


class NotSplittable(Conflict):
    message = _(
        "Only what a customer wrote can become a ticket of its own, and something must be left in the old one."
    )


async def split(
    session: AsyncSession, number: int, message_id: int, *, by: Agent, subject: str = ""
) -> TicketMerge:
    """A message (with its attachments and copies) of ticket `number` becomes a new ticket of its author, in the
    same team, whose promises count from when it was written. The new one is `target_id`.

    Raises NotFound, NotSplittable. The caller does not hold the ticket.
    """
    source = next(iter(await locked(session, by, Ticket.number == number)), None)
    if source is None:
        raise NotFound
    if source.removed:
        raise NotMergeable
    message = await _splittable(session, source, message_id)
    before: dict[str, Any] = {"source": snapshots.taken(source)}
    watermark = await session.scalar(select(func.max(Message.id))) or 0
    target = await _opened(session, source, message, subject)
    moved = await _move(session, message, source, target)
    await _without(session, source)
    sla.tell(source, Kind.split_off, now(), by=by)
    made = TicketMerge(
        kind=MergeKind.part,
        source_id=source.id,
        target_id=target.id,
        agent_id=by.id,
        message_ids=moved,
        watermark=watermark,
        before=before,
    )
    session.add_all([made, TicketLink(ticket_id=source.id, other_id=target.id, kind=LinkKind.related)])
    await session.flush()
    facts: dict[str, Any] = {"source": source.number, "target": target.number, "merge": made.id}
    target.events.add(
        Event(Kind.ticket_created, by=by, inbox=target.inbox_id, team=target.team_id, split=True)
    )
    for ticket in (source, target):
        ticket.events.add(Event(Kind.split_off, by=by, **facts))
    await session.flush()
    return made


async def unsplit(session: AsyncSession, split_id: int, *, by: Agent) -> TicketMerge:
    """The message stands in its old ticket again, and with it whatever was said in the new one since; the new
    one's number leads to the old one. Raises NotFound, UndoneAlready, MergedFurther."""
    made = await session.get(TicketMerge, split_id)
    if made is None or made.kind is not MergeKind.part:
        raise NotFound
    source, target = await pair(session, made, by=by)
    if source.removed or target.removed:
        raise MergedFurther
    since = await _brought_back(session, made)
    await restore(session, made, source, made.before["source"])
    if since and target.waiting_since and not target.is_settled:
        source.take_up(by=DESK)
        source.waiting_since = min(source.waiting_since or target.waiting_since, target.waiting_since)
        sla.tell(source, Kind.message_received, now(), by=DESK, since=source.waiting_since)
    target.removed, target.removed_at, target.merged_into_id = Removal.merged, now(), source.id
    sla.tell(target, Kind.merged, target.removed_at, by=by)
    sla.tell(source, Kind.unmerged, now(), by=by)
    made.undone_at = now()
    facts: dict[str, Any] = {
        "source": source.number,
        "target": target.number,
        "merge": made.id,
        "split": True,
    }
    for ticket in (source, target):
        ticket.events.add(Event(Kind.unmerged, by=by, **facts))
    await session.flush()
    return made


async def _splittable(session: AsyncSession, ticket: Ticket, message_id: int) -> Message:
    query = select(Message).where(Message.id == message_id, Message.ticket_id == ticket.id)
    message = await session.scalar(
        query.options(joinedload(Message.contact))
        .with_for_update(of=Message)
        .execution_options(populate_existing=True)
    )
    if message is None:
        raise NotFound
    others = select(Message.id).where(snapshots.public_of(ticket), Message.id != message.id).limit(1)
    is_theirs = message.direction is Direction.inbound and message.contact and not message.side_id
    if not is_theirs or message.copy_of_id or await session.scalar(others) is None:
        raise NotSplittable
    return message


async def _opened(session: AsyncSession, source: Ticket, message: Message, subject: str) -> Ticket:
    known = [] if message.automatic else await matching.policies(session)
    line = " ".join(subject.split()) or source.subject
    ticket = Ticket(
        subject=line[:500],
        contact_id=message.contact_id,
        inbox_id=message.inbox_id,
        team_id=source.team_id,
        category=Category.new,
        status_id=BUILT_IN[Category.new],
        priority=source.priority,
        policy=None,
        clocks=[],
        tags=[],
        participants=[],
        preview=message.line,
        last_direction=message.direction,
        last_message_at=message.created_at,
        waiting_since=None if message.automatic else message.sent_at,
        language=source.language,
    )
    session.add(ticket)
    matching.promise(ticket, known, message.sent_at)
    await session.flush()
    await session.refresh(ticket, ["number", "category", "status_id", "created_at"])
    return ticket


async def _move(session: AsyncSession, message: Message, source: Ticket, target: Ticket) -> list[int]:
    both = or_(Message.id == message.id, Message.copy_of_id == message.id)
    moved = await session.scalars(
        update(Message)
        .where(Message.ticket_id == source.id, both)
        .values(ticket_id=target.id, origin_id=func.coalesce(Message.origin_id, source.id))
        .returning(Message.id)
        .execution_options(synchronize_session=False)
    )
    return list(moved)


async def _without(session: AsyncSession, source: Ticket) -> None:
    """The old ticket, as far as it stood on the message that left it."""
    await snapshots.read_last(session, source)
    if source.waiting_since:
        await snapshots.read_waiting(session, source)


async def _brought_back(session: AsyncSession, made: TicketMerge) -> bool:
    """True where more than the message itself came back."""
    ids = list(
        await session.scalars(
            select(Message.id)
            .where(Message.ticket_id == made.target_id)
            .order_by(Message.id)
            .with_for_update()
        )
    )
    since = [number for number in ids if number not in set(made.message_ids)]
    for condition, origin in (
        (Message.id.in_(since), func.coalesce(Message.origin_id, made.target_id)),
        (Message.id.in_(made.message_ids) & (Message.origin_id == made.source_id), None),
    ):
        await session.execute(
            update(Message)
            .where(Message.ticket_id == made.target_id, condition)
            .values(origin_id=origin, client_id=None)
            .execution_options(synchronize_session=False)
        )
    await session.execute(
        update(Message)
        .where(Message.ticket_id == made.target_id)
        .values(ticket_id=made.source_id, before=null())
        .execution_options(synchronize_session=False)
    )
    return bool(since)
