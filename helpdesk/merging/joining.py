"""One ticket into another, and back."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk import sla
from helpdesk.access import Action, visible_tickets
from helpdesk.clock import now
from helpdesk.errors import Conflict, NotFound
from helpdesk.events import DESK, UNDONE, ActorKind, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.merging import snapshots
from helpdesk.merging.chains import merged_in
from helpdesk.merging.rows import MergeKind, TicketMerge
from helpdesk.messages import Delivery, Message
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent
from helpdesk.sla import Policy
from helpdesk.statuses import Category
from helpdesk.tickets import Removal, Ticket

STATE_KINDS = [
    Kind.replied,
    Kind.reply_withdrawn,
    Kind.status_changed,
    Kind.resolved,
    Kind.reopened,
    Kind.snoozed,
    Kind.woken,
    Kind.removed,
    Kind.restored,
]
"""What somebody did since stands, and is not undone with the merge."""


class SameTicket(Conflict):
    message = _("A ticket cannot be merged with itself.")


class NotMergeable(Conflict):
    message = _("One of these tickets was merged or put away in the meantime.")


class UndoneAlready(Conflict):
    message = _("This was undone already.")


class MergedFurther(Conflict):
    message = _("The ticket was merged further since. Undo that first.")


class Changed(Conflict):
    message = _("This has changed in the meantime, so it cannot be undone any more.")


async def merge(
    session: AsyncSession, source: int, target: int, *, by: Agent, copy_requester: bool = False
) -> TicketMerge:
    """`source` and `target` are numbers of tickets that `by` may merge; everything of `source` goes to `target`.

    `copy_requester`: the source's requester is in copy of the target's replies from now on.
    Raises NotFound, SameTicket, NotMergeable. Both are locked here, in the order of their ids: the caller holds
    neither of them, or two that merge at once wait for each other for ever.
    """
    if source == target:
        raise SameTicket
    found = {t.number: t for t in await locked(session, by, Ticket.number.in_([source, target]))}
    if len(found) < 2:
        raise NotFound
    return await join(session, found[source], found[target], by=by, copy_requester=copy_requester)


async def join(
    session: AsyncSession, source: Ticket, target: Ticket, *, by: Agent, copy_requester: bool = False
) -> TicketMerge:
    """Both come from `locked`."""
    for ticket in (source, target):
        if ticket.removed:
            raise NotMergeable(_why_not(ticket))
    before: dict[str, Any] = {"source": snapshots.taken(source), "target": snapshots.taken(target)}
    watermark = await session.scalar(select(func.max(Message.id))) or 0
    moved = await _move(session, source, target, before)
    before["tags"] = _add_tags(source, target)
    added = _add_participants(source, target, copy_requester)
    _take_over(source, target)
    source.removed, source.removed_at, source.merged_into_id = Removal.merged, now(), target.id
    sla.tell(source, Kind.merged, source.removed_at, by=by)
    made = TicketMerge(
        kind=MergeKind.merge,
        source_id=source.id,
        target_id=target.id,
        agent_id=by.id,
        message_ids=moved,
        watermark=watermark,
        before=before,
    )
    session.add(made)
    await session.flush()
    made.before = before | {"participants": [participant.id for participant in added]}
    facts: dict[str, Any] = {"source": source.number, "target": target.number, "merge": made.id}
    for ticket in (source, target):
        ticket.events.add(Event(Kind.merged, by=by, **facts, messages=len(moved)))
    await session.flush()
    return made


async def unmerge(session: AsyncSession, merge_id: int, *, by: Agent) -> TicketMerge:
    """Both tickets as they were; what came in between stands in the ticket it was written to, and wakes it.

    What an agent changed on the target since, stays. Raises NotFound, UndoneAlready, MergedFurther.
    """
    made = await session.get(TicketMerge, merge_id)
    if made is None or made.kind is not MergeKind.merge:
        raise NotFound
    source, target = await pair(session, made, by=by)
    if target.merged_into_id:
        raise MergedFurther
    back = await _coming_back(session, made)
    await _move_back(session, made, back)
    _remove_tags(made, target)
    _remove_participants(made, target)
    await restore(session, made, target, made.before["target"])
    snapshots.restore_state(source, made.before["source"], by=DESK, **{UNDONE: made.id})
    snapshots.restore_last(source, made.before["source"])
    source.removed = source.removed_at = source.merged_into_id = None
    made.undone_at = now()
    for ticket in (source, target):
        sla.tell(ticket, Kind.unmerged, made.undone_at, by=by)
    await _arrive(session, source, [number for number in back if number not in set(made.message_ids)])
    facts: dict[str, Any] = {"source": source.number, "target": target.number, "merge": made.id}
    for ticket in (source, target):
        ticket.events.add(Event(Kind.unmerged, by=by, **facts))
    await session.flush()
    return made


async def locked(session: AsyncSession, agent: Agent, condition: Any) -> Sequence[Ticket]:
    """Tickets that the agent may merge, locked in the order of their ids, as they are now.

    Their keys are not: who moves messages that were written to one of them refers to it, out of that order.
    """
    found = await session.scalars(
        visible_tickets(agent, Action.merge)
        .where(condition)
        .order_by(Ticket.id)
        .with_for_update(of=Ticket, key_share=True)
        .options(
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            selectinload(Ticket.clocks),
            selectinload(Ticket.tags),
            selectinload(Ticket.participants),
        )
        .execution_options(populate_existing=True)
    )
    return found.all()


async def pair(session: AsyncSession, made: TicketMerge, *, by: Agent) -> tuple[Ticket, Ticket]:
    """Source and target of what is to be undone, both locked."""
    both = {t.id: t for t in await locked(session, by, Ticket.id.in_([made.source_id, made.target_id]))}
    if len(both) < 2:
        raise NotFound
    await session.refresh(made, with_for_update=True)
    if made.undone_at:
        raise UndoneAlready
    return both[made.source_id], both[made.target_id]


async def restore(session: AsyncSession, made: TicketMerge, ticket: Ticket, was: dict[str, Any]) -> None:
    """The ticket that stays, as it was before; where others have worked on it since, what they did stands."""
    await session.flush()
    said = await session.scalar(
        select(Message.id).where(snapshots.public_of(ticket), Message.id > made.watermark).limit(1)
    )
    between = or_(  # what was merged or split since and still is, or was before and no more is
        and_(TicketMerge.created_at > made.created_at, TicketMerge.undone_at.is_(None)),
        and_(TicketMerge.created_at < made.created_at, TicketMerge.undone_at > made.created_at),
    )
    either = or_(TicketMerge.target_id == ticket.id, TicketMerge.source_id == ticket.id)
    joined = select(TicketMerge.id).where(TicketMerge.id != made.id, either, between)
    alone = said is None and await session.scalar(joined.limit(1)) is None
    if alone:
        snapshots.restore_last(ticket, was)
    else:
        await snapshots.read_last(session, ticket)
    if alone and not await _worked_on(session, made, ticket):
        snapshots.restore_state(ticket, was, by=DESK, **{UNDONE: made.id})
    elif not ticket.is_settled:
        await snapshots.read_waiting(session, ticket)


async def _worked_on(session: AsyncSession, made: TicketMerge, ticket: Ticket) -> bool:
    done = select(Event.id).where(
        Event.ticket_id == ticket.id,
        Event.kind.in_(STATE_KINDS),
        Event.actor.not_in([ActorKind.contact, ActorKind.desk]),
        Event.id > _marked(made),
    )
    return await session.scalar(done.limit(1)) is not None


def _marked(made: TicketMerge) -> Any:
    """The id of the event that told of it; ids of one ticket's events grow as they happen."""
    kinds = [Kind.merged, Kind.split_off]
    return (
        select(func.coalesce(func.max(Event.id), 0))
        .where(
            Event.ticket_id.in_([made.source_id, made.target_id]),
            Event.kind.in_(kinds),
            Event.data["merge"].as_integer() == made.id,
        )
        .scalar_subquery()
    )


async def _move(session: AsyncSession, source: Ticket, target: Ticket, before: dict[str, Any]) -> list[int]:
    """Remembers what a message of the target may not carry: the form it came from, and the state before it."""
    rows = (
        await session.execute(
            select(Message.id, Message.client_id, Message.origin_id, Message.before)
            .where(Message.ticket_id == source.id)
            .order_by(Message.id)
            .with_for_update()
        )
    ).all()
    queued = await session.execute(
        select(Message.id, Message.before).where(
            Message.ticket_id == target.id, Message.delivery == Delivery.queued, Message.before.is_not(None)
        )
    )
    before["clients"] = {str(row.id): row.client_id for row in rows if row.client_id}
    before["origins"] = [row.id for row in rows if row.origin_id]
    before["befores"] = {str(row.id): row.before for row in [*rows, *queued] if row.before}
    await session.execute(
        update(Message)
        .where(Message.ticket_id == source.id)
        .values(
            ticket_id=target.id,
            origin_id=func.coalesce(Message.origin_id, source.id),
            client_id=None,
            before=null(),
        )
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Message)
        .where(Message.ticket_id == target.id, Message.before.is_not(None))
        .values(before=null())
        .execution_options(synchronize_session=False)
    )
    return [row.id for row in rows]


async def _coming_back(session: AsyncSession, made: TicketMerge) -> list[int]:
    """What was moved and is still there, and what was written to the source since."""
    below = await merged_in(session, made.source_id)
    since = (Message.id > made.watermark) & Message.origin_id.in_(below)
    query = select(Message.id).where(
        Message.ticket_id == made.target_id, or_(Message.id.in_(made.message_ids), since)
    )
    return list(await session.scalars(query.order_by(Message.id).with_for_update()))


async def _move_back(session: AsyncSession, made: TicketMerge, back: list[int]) -> None:
    own = [number for number in back if number not in set(made.before["origins"])]
    await session.execute(
        update(Message)
        .where(Message.id.in_(own), Message.origin_id == made.source_id)
        .values(origin_id=None)
        .execution_options(synchronize_session=False)
    )
    await session.execute(
        update(Message)
        .where(Message.id.in_(back))
        .values(ticket_id=made.source_id)
        .execution_options(synchronize_session=False)
    )
    clients = made.before["clients"]
    befores = made.before["befores"]
    for message in await session.scalars(
        select(Message)
        .where(Message.id.in_([int(number) for number in {*clients, *befores}]))
        .where(Message.ticket_id.in_([made.source_id, made.target_id]))
        .execution_options(populate_existing=True)
    ):
        message.client_id = clients.get(str(message.id), message.client_id)
        if message.delivery is Delivery.queued and not message.attempts:
            message.before = befores.get(str(message.id))


async def _arrive(session: AsyncSession, ticket: Ticket, ids: list[int]) -> None:
    """What was written to the ticket while it was part of another, as if it came now."""
    arrived = await session.scalars(
        select(Message)
        .where(Message.id.in_(ids), Message.side_id.is_(None), Message.copy_of_id.is_(None))
        .options(joinedload(Message.contact))
        .order_by(Message.id)
        .execution_options(populate_existing=True)
    )
    for message in arrived:
        if message.contact:
            ticket.arrive(message, message.contact)


def _take_over(source: Ticket, target: Ticket) -> None:
    """Whoever waits for an answer in the source waits for it in the target."""
    if source.last_direction and (
        source.last_message_at > target.last_message_at or not target.last_direction
    ):
        target.preview, target.last_direction = source.preview, source.last_direction
        target.last_message_at = source.last_message_at
    if source.waiting_since is None or source.is_settled:
        return
    waiting = min(source.waiting_since, target.waiting_since or source.waiting_since)
    target.has_suggestion = False
    if target.snoozed_until:
        target.wake(by=DESK, because="merge")
    if target.is_settled:
        target.reopen(by=DESK)
    elif target.category in {Category.waiting, Category.on_hold}:
        target.take_up(by=DESK)
    target.waiting_since = waiting
    sla.tell(target, Kind.message_received, now(), by=DESK, since=waiting)


def _add_tags(source: Ticket, target: Ticket) -> list[int]:
    known = {tag.id for tag in target.tags}
    new = [tag for tag in source.tags if tag.id not in known]
    target.tags.extend(new)
    if new:
        sla.reconsider(target, "tags")
    return [tag.id for tag in new]


def _remove_tags(made: TicketMerge, target: Ticket) -> None:
    for tag in [tag for tag in target.tags if tag.id in made.before["tags"]]:
        target.tags.remove(tag)
        sla.reconsider(target, "tags")


def _add_participants(source: Ticket, target: Ticket, copy_requester: bool) -> list[Participant]:
    """Those in copy come along with their requester: they must not read answers to a customer of another firm."""
    contacts = {target.contact_id} | {p.contact_id for p in target.participants}
    agents = {p.agent_id for p in target.participants}
    copied = copy_requester or source.contact_id == target.contact_id
    wanted = [(p.contact_id, p.agent_id, p.part) for p in source.participants if copied or p.agent_id]
    if copy_requester:
        wanted.append((source.contact_id, None, Part.copy))
    added = []
    for contact_id, agent_id, part in wanted:
        if (contact_id and contact_id in contacts) or (agent_id and agent_id in agents):
            continue
        added.append(Participant(contact_id=contact_id, agent_id=agent_id, part=part))
        contacts.add(contact_id)
    target.participants.extend(added)
    return added


def _remove_participants(made: TicketMerge, target: Ticket) -> None:
    for participant in [p for p in target.participants if p.id in made.before["participants"]]:
        target.participants.remove(participant)


def _why_not(ticket: Ticket) -> str:
    if ticket.removed is Removal.merged:
        return gettext("#%(number)s was merged into another ticket in the meantime.") % {
            "number": ticket.number
        }
    return gettext("#%(number)s is in spam or trash. Restore it first.") % {"number": ticket.number}
