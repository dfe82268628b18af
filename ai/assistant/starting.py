"""A message came: whether it is the assistant's to answer, and until when somebody has to have begun with it.

This runs beside the mail and needs no model, so that a customer who wants a person gets one, and a run that nobody
takes up is missed, while the models are down.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant import policies
from ai.assistant.decisions import Reason
from ai.assistant.ending import hand_over
from ai.assistant.phrases import wants_person
from ai.assistant.rows import Mode, Policy, Run, State
from helpdesk.clock import now
from helpdesk.engagements import Engagement, Hold, is_free, latest
from helpdesk.holding import held
from helpdesk.messages import Direction, Match, Message
from helpdesk.people import Contact
from helpdesk.tickets import Ticket

BEGIN = timedelta(seconds=8)
"""How long a run may wait for somebody to take it up; the sweeper looks every two seconds."""


@dataclass(frozen=True)
class Held:
    ticket: Ticket
    engagement: Engagement | None
    policies: list[Policy]


async def is_at_work(session: AsyncSession) -> bool:
    """Whether any policy lets it do anything, or it holds any ticket still."""
    found = await session.scalar(
        select(
            exists(select(Policy.id).where(Policy.mode != Mode.off))
            | exists(select(Engagement.id).where(Engagement.state == Hold.active))
        )
    )
    return bool(found)


async def consider(session: AsyncSession, message_id: int) -> Run | None:
    """The run that waits to be taken up, if there is one to be made. Asked twice, it makes one."""
    message = await session.get(Message, message_id)
    if message is None or message.direction is not Direction.inbound or message.automatic:
        return None
    if message.copy_of_id or message.side_id:
        return None
    ticket = await held(session, message.ticket_id)
    if ticket is None or ticket.removed or ticket.is_settled:
        return None
    every = list(await policies.of_inbox(session, ticket.inbox_id))
    engagement = await latest(session, ticket)
    active = engagement if engagement and engagement.is_active else None
    mode = policies.strongest(every)
    general = policies.holding(every, "")
    if await _is_known(session, message):
        return None
    if mode is Mode.off and not active:
        return None
    if why := await _not_ours(session, ticket, message, active, mode):
        if active:
            await hand_over(session, ticket, why, policy=general, engagement=active, message=message)
        return None
    if not active and not await is_free(session, ticket):
        return None
    return await waiting(session, ticket, message, mode, active)


async def waiting(
    session: AsyncSession, ticket: Ticket, message: Message, mode: Mode, engagement: Engagement | None
) -> Run:
    attempt = await session.scalar(select(func.count()).where(Run.message_id == message.id))
    run = Run(
        ticket_id=ticket.id,
        message_id=message.id,
        attempt=attempt or 0,
        engagement_id=engagement.id if engagement else None,
        inbox_id=ticket.inbox_id,
        mode=mode,
        state=State.waiting,
        due_at=now() + BEGIN,
    )
    session.add(run)
    await session.flush()
    return run


async def again(
    session: AsyncSession, ticket: Ticket, message: Message, engagement: Engagement
) -> Run | None:
    """A colleague handed it back: the last question once more, or for the first time."""
    mode = policies.strongest(await policies.of_inbox(session, ticket.inbox_id))
    if mode is not Mode.answer:
        general = policies.holding(await policies.of_inbox(session, ticket.inbox_id), "")
        await hand_over(session, ticket, Reason.limit, policy=general, engagement=engagement, message=message)
        return None
    return await waiting(session, ticket, message, mode, engagement)


async def has_run(session: AsyncSession, engagement: Engagement, message: Message) -> bool:
    """Whether this message was, or is being, looked at since the assistant has the ticket."""
    found = await session.scalar(
        select(Run.id)
        .where(Run.message_id == message.id)
        .where((Run.engagement_id == engagement.id) | (Run.created_at > engagement.created_at))
        .limit(1)
    )
    return found is not None


async def last_asked(session: AsyncSession, ticket: Ticket) -> Message | None:
    """The newest message of the requester, for a ticket that is handed back."""
    return await session.scalar(
        select(Message)
        .where(
            Message.ticket_id == ticket.id,
            Message.direction == Direction.inbound,
            Message.contact_id == ticket.contact_id,
            ~Message.automatic,
            Message.copy_of_id.is_(None),
            Message.side_id.is_(None),
        )
        .order_by(Message.id.desc())
        .limit(1)
    )


async def _is_known(session: AsyncSession, message: Message) -> bool:
    return await session.scalar(select(Run.id).where(Run.message_id == message.id).limit(1)) is not None


async def _not_ours(
    session: AsyncSession, ticket: Ticket, message: Message, active: Engagement | None, mode: Mode
) -> Reason | None:
    if message.contact_id != ticket.contact_id or message.matched is Match.stranger_token:
        return Reason.stranger
    contact = await session.get(Contact, message.contact_id) if message.contact_id else None
    if contact is None or contact.is_blocked:
        return Reason.stranger
    if mode is Mode.off:
        return Reason.limit
    if active and wants_person(message.text):
        return Reason.wanted
    return None
