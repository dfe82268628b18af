"""What triage does to a new ticket by itself, where a team allows it: once a kind, before any person, undoable."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Classification, Kind
from ai.triage.policy import DEEDS, Policy
from ai.triage.rows import Deed
from helpdesk.changes import Change, TooLate, Verb, change_of
from helpdesk.clock import now
from helpdesk.errors import HelpdeskError, NotFound
from helpdesk.events import ASSISTANT, UNDONE, Actor, ActorKind, Event, marked
from helpdesk.events import Kind as Happened
from helpdesk.labels import Tag
from helpdesk.messages import Direction, Message
from helpdesk.people import Agent
from helpdesk.rules.doing import locked
from helpdesk.sla import matching
from helpdesk.tickets import Ticket

UNDO_FOR = timedelta(hours=24)
MARK = "triage"
"""In the data of events: which deed they come from."""


async def act(
    session: AsyncSession, messages: Sequence[Message], rows: Sequence[Classification], rules: Policy
) -> list[Deed]:
    done = []
    for message in messages:
        wanted = [
            row
            for row in rows
            if row.message_id == message.id
            and row.kind in DEEDS
            and row.label
            and rules.of(row.kind, message.ticket.team_id).allows(row.confidence)
        ]
        if wanted and await _is_first(session, message):
            done += [deed for row in wanted if (deed := await _do(session, message, row))]
    return done


async def _is_first(session: AsyncSession, message: Message) -> bool:
    """Later letters belong to a ticket that people know already."""
    first = await session.scalar(
        select(func.min(Message.id)).where(
            Message.ticket_id == message.ticket_id, Message.direction == Direction.inbound
        )
    )
    return first == message.id


async def _do(session: AsyncSession, message: Message, row: Classification) -> Deed | None:
    await session.flush()
    ticket = await locked(session, message.ticket_id)
    change = await _change(session, row)
    if ticket is None or change is None or ticket.is_settled or ticket.removed:
        return None
    if change.is_so(ticket) or await _is_decided(session, ticket, change, row.kind):
        return None
    deed = Deed(
        ticket_id=ticket.id,
        message_id=message.id,
        kind=row.kind,
        label=str(row.label),
        confidence=row.confidence,
        verb=change.verb.value,
        given=dict(change.given),
        back=change.before(ticket),
    )
    session.add(deed)
    await session.flush()
    with marked(session, MARK, deed.id) as events:
        change.apply(ticket, by=ASSISTANT)
        await session.flush()
        await matching.decide(session)
        await session.flush()
    deed.last_event_id = max((event.id for event in events if event in session), default=None)
    return deed


async def _change(session: AsyncSession, row: Classification) -> Change | None:
    """None where what was read is not there any more."""
    label = str(row.label)
    given: dict[str, Any] = {"priority": label}
    verb = Verb.priority
    if row.kind is Kind.team:
        verb, given = Verb.team, {"team": int(label)}
    elif row.kind is Kind.tag:
        tag = await session.get(Tag, int(label))
        verb, given = Verb.tag, {"tags": [tag.name] if tag else []}
    change = change_of(verb, given)
    try:
        await change.load(session, by=ASSISTANT)
    except HelpdeskError:
        return None
    return change


async def _is_decided(session: AsyncSession, ticket: Ticket, change: Change, kind: Kind) -> bool:
    """By a person, by a rule, or by triage before: it never argues."""
    by_others = exists().where(
        Event.ticket_id == ticket.id, Event.kind.in_(change.kinds), Event.actor != ActorKind.desk
    )
    before = exists().where(Deed.ticket_id == ticket.id, Deed.kind == kind)
    return bool(await session.scalar(select(by_others | before)))


def can_be_undone(deed: Deed) -> bool:
    return deed.undone_at is None and deed.created_at + UNDO_FOR > now()


async def undo(session: AsyncSession, deed: Deed, *, by: Agent) -> bool:
    """Whether it was given back: what somebody has changed since stays as it is. Raises TooLate."""
    ticket = await locked(session, deed.ticket_id)
    if ticket is None:
        raise NotFound
    await session.refresh(deed)
    if not can_be_undone(deed):
        raise TooLate
    with marked(session, UNDONE, deed.id):
        given_back = await _given_back(session, deed, ticket, by)
        deed.undone_at, deed.undone_by_id = now(), by.id
        ticket.events.add(Event(Happened.triage_undone, by=by, deed=deed.id, given_back=given_back))
        await session.flush()
        await matching.decide(session)
        await session.flush()
    return given_back


async def _given_back(session: AsyncSession, deed: Deed, ticket: Ticket, by: Actor) -> bool:
    change = change_of(Verb(deed.verb), deed.given)
    later = await session.execute(
        select(Event.kind, Event.data).where(
            Event.ticket_id == ticket.id, Event.id > (deed.last_event_id or 0), Event.kind.in_(change.kinds)
        )
    )
    try:
        await change.load(session, by=by)
        if any(change.concerns(event.data, deed.back) for event in later):
            return False
        async with session.begin_nested():
            await change.restore(session, ticket, deed.back, by=by)
            await session.flush()
    except HelpdeskError:
        await locked(session, ticket.id)
        return False
    return True
