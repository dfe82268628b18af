"""Where something said in Slack goes: the one place that changes tickets for it. Each command is one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from channels.slack.people import Me, Person, agent
from channels.slack.reading import external_id
from helpdesk import clock, intake, threads
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.merging.chains import root_id
from helpdesk.messages import Delivery, Direction, InboundMessage, Match, Message, dedup_key
from helpdesk.people import Contact
from helpdesk.sla import Policy
from helpdesk.slack import Customers, SlackChannel, SlackThread
from helpdesk.texts import clean
from helpdesk.tickets import Ticket

LAST = "last/"
"""How it begins what the newest known state of a message is remembered under."""
TAKEN_BACK = "taken back"
"""Sorts behind every time: nothing comes after it."""
DIRECT = timedelta(days=7)
"""In a direct message people write on without a thread: what is open so long is gone on with."""

RECENT = 20  # threads of one person that are looked at


@dataclass(frozen=True)
class Spot:
    """A thread in a channel, and who began it."""

    channel: str
    ts: str
    author: str
    at: datetime


async def customers_in(desk: Desk, inbox: Inbox, channel: str) -> Customers:
    async with desk.sessions() as session:
        found = await session.scalar(
            select(SlackChannel.customers).where(
                SlackChannel.inbox_id == inbox.id, SlackChannel.channel_id == channel
            )
        )
    return found or Customers.outsiders


async def ticket_at(desk: Desk, inbox: Inbox, channel: str, thread_ts: str) -> int | None:
    async with desk.sessions() as session:
        row = await _row(session, inbox.id, channel, thread_ts)
        return row.ticket_id if row else None


async def is_settled(desk: Desk, ticket_id: int) -> bool:
    async with desk.sessions() as session:
        ticket = await session.get(Ticket, await root_id(session, ticket_id))
        return ticket is not None and ticket.is_settled


async def just_wrote(desk: Desk, inbox: Inbox, spot: Spot, *, minutes: int, direct: bool) -> int | None:
    """The open ticket that this person was writing to outside of threads a moment ago, or what it was merged into."""
    window = DIRECT if direct else timedelta(minutes=max(minutes, 0))
    newest = (
        select(SlackThread.ticket_id)
        .where(
            SlackThread.inbox_id == inbox.id,
            SlackThread.channel_id == spot.channel,
            SlackThread.author == spot.author,
            SlackThread.wrote_at >= spot.at - window,
            SlackThread.wrote_at <= spot.at + window,
        )
        .order_by(SlackThread.wrote_at.desc())
        .limit(RECENT)
    )
    async with desk.sessions() as session:
        for ticket_id in dict.fromkeys(await session.scalars(newest)):
            ticket = await session.get(Ticket, await root_id(session, ticket_id))
            if ticket and not ticket.is_settled and ticket.removed is None:
                return ticket_id
    return None


async def receive(
    desk: Desk, inbox: Inbox, inbound: InboundMessage, spot: Spot, *, into: int | None = None
) -> Message:
    """The customer's words in the ticket of this thread; `into` where the thread has none yet."""
    async with committed(desk.sessions) as session:
        own = await session.get_one(Inbox, inbox.id, options=[joinedload(Inbox.team)])
        row = await _row(session, inbox.id, spot.channel, spot.ts)
        ticket_id = row.ticket_id if row else into
        found = await threads.again(session, ticket_id, Match.reference) if ticket_id else None
        message = await intake.receive(desk, session, own, inbound, found=found)
        stayed = ticket_id if found and message.ticket_id == found.ticket.id else None
        # Where tickets were merged, the thread stays its own's: the merge may be undone.
        await _belongs(session, inbox.id, spot, stayed or message.ticket_id, row)
        return message


async def record(
    desk: Desk, inbox: Inbox, inbound: InboundMessage, me: Me, person: Person, ticket_id: int
) -> Message | None:
    """What one of ours said to the customer in Slack itself: our answer, sent already. None where it is there."""
    async with committed(desk.sessions) as session:
        key = dedup_key(inbound.storable())
        if await session.scalar(
            select(Message.id).where(Message.inbox_id == inbox.id, Message.dedup_key == key)
        ):
            return None
        ticket = await loaded(session, ticket_id)
        if ticket is None:
            return None
        by = await agent(session, me, person)
        text = clean(inbound.text)
        if by is None:
            text = gettext("{name} in Slack: {text}").format(name=person.name, text=text)
        message = Message.written(Direction.outbound, text, by=by or DESK, inbox_id=inbox.id)
        message.external_id, message.dedup_key = inbound.external_id, key
        message.sent_at, message.marked = inbound.received_at, inbound.marked
        ticket.messages.add(message)
        ticket.send(message, by=by or DESK)
        message.delivery, message.delivered_at = Delivery.sent, clock.now()
        message.send_after = message.before = None
        message.attachments = await intake.stored(desk, inbound)
        return message


async def change(desk: Desk, inbox: Inbox, ids: list[str], text: str | None) -> str:
    """What the customer changed afterwards, or took back (None); what they said first is kept beside it."""
    which = (
        func.md5(Message.external_id).in_([func.md5(one) for one in ids]),
        Message.external_id.in_(ids),
        Message.inbox_id == inbox.id,
    )
    async with committed(desk.sessions) as session:
        its = select(Message.ticket_id).where(*which).limit(1).scalar_subquery()
        await session.execute(select(Ticket.id).where(Ticket.id == its).with_for_update(key_share=True))
        message = await session.scalar(
            select(Message)
            .options(joinedload(Message.ticket))
            .where(*which)
            .limit(1)
            .with_for_update(of=Message)
        )
        if message is None:
            return "unknown"
        now_says = gettext("(taken back in Slack)") if text is None else clean(text)
        if message.text == now_says or not now_says.strip():
            return "the same"
        was_last = message.ticket.preview == message.line
        if message.original is None:
            message.original = message.text
        message.text, message.edited_at = now_says, clock.now()
        if was_last:
            message.ticket.preview = message.line
        by = await session.get(Contact, message.contact_id) if message.contact_id else DESK
        message.ticket.events.add(
            Event(Kind.message_edited, by=by or DESK, message=message, taken_back=text is None)
        )
        return "changed"


async def is_newest(desk: Desk, inbox: Inbox, channel: str, ts: str, stamp: str) -> bool:
    """Whether nothing later is known of this message than `stamp`, which is remembered: payloads come in any order.

    As ids and times only, beside what arrived and as long: Slack sends again for an hour at most.
    """
    values = {"inbox_id": inbox.id, "source": f"{LAST}{channel}/{ts}"[:300], "outcome": stamp}
    row = insert(Kept).values(**values, raw=b"", digest="", state=KeptState.settled)
    newer = row.on_conflict_do_update(
        index_elements=[Kept.inbox_id, Kept.source],
        set_={"outcome": stamp},
        where=Kept.outcome <= stamp,
    ).returning(Kept.id)
    async with committed(desk.sessions) as session:
        return await session.scalar(newer) is not None


async def was_taken_back(desk: Desk, inbox: Inbox, channel: str, ts: str) -> bool:
    async with desk.sessions() as session:
        known = select(Kept.id).where(
            Kept.inbox_id == inbox.id,
            Kept.source == f"{LAST}{channel}/{ts}"[:300],
            Kept.outcome == TAKEN_BACK,
        )
        return await session.scalar(known) is not None


async def loaded(session: AsyncSession, ticket_id: int) -> Ticket | None:
    """Locked, with what its verbs need; the one that it was merged into, where it was."""
    found = await threads.again(session, ticket_id, Match.reference)
    if found is None:
        return None
    return await session.scalar(
        select(Ticket)
        .where(Ticket.id == found.ticket.id)
        .options(
            selectinload(Ticket.clocks),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
            joinedload(Ticket.team),
            joinedload(Ticket.contact),
            joinedload(Ticket.status),
            joinedload(Ticket.inbox),
        )
        .execution_options(populate_existing=True)
    )


def ids_of(channel: str, ts: str, thread_ts: str) -> list[str]:
    """What a message may be called: not every payload about it says which thread it stands in."""
    return list(dict.fromkeys([external_id(channel, ts, thread_ts), external_id(channel, ts)]))


async def _row(session: AsyncSession, inbox_id: int, channel: str, ts: str) -> SlackThread | None:
    return await session.scalar(
        select(SlackThread).where(
            SlackThread.inbox_id == inbox_id,
            SlackThread.channel_id == channel,
            SlackThread.thread_ts == ts,
        )
    )


async def _belongs(
    session: AsyncSession, inbox_id: int, spot: Spot, ticket_id: int, row: SlackThread | None
) -> None:
    if row:
        row.ticket_id = ticket_id
        return
    session.add(
        SlackThread(
            inbox_id=inbox_id,
            channel_id=spot.channel,
            thread_ts=spot.ts,
            author=spot.author,
            wrote_at=spot.at,
            ticket_id=ticket_id,
        )
    )
