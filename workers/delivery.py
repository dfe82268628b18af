"""How a reply leaves. Two commits around the handing over, so that whatever breaks, the desk knows what it knows.

1. `_begin`: the state becomes `sending`, recipient and id are fixed, the attempt gets a number. Committed.
2. The channel hands the message over.
3. `_finish`: `sent`, or why not. It counts only while the attempt's number is still the newest.

Where stored is delivered, nothing can break in between, and one commit is enough.

Refused → `failed`. Not now → `queued` again, later each time, for two days. Whoever finds `sending`, or lost
the line after everything was handed over, cannot know: the state is `unknown`, and the same message, with the
same id, is sent once more and never again. So nobody gets a reply more than twice, whatever happens.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from channels.contract import Channel, ChannelError, Rejected, Unavailable, Uncertain
from helpdesk import satisfaction
from helpdesk.clock import now
from helpdesk.database import CHANNEL, committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Message, OutboundMessage, Receipt
from helpdesk.tickets import Ticket
from workers.connecting import channel_of
from workers.jobs import Later
from workers.outages import is_outage
from workers.outgoing import compose, written_in

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
GIVE_UP = timedelta(hours=48)
SECOND_TRY = timedelta(minutes=1)  # until a message that may have been taken is sent for the second time
HANDING_OVER = 300.0  # seconds that a channel may take for one message

log = structlog.get_logger(__name__)
Outcome = Receipt | ChannelError


@dataclass(frozen=True)
class Attempt:
    message_id: int
    number: int
    outbound: OutboundMessage
    channel: Channel


async def deliver(desk: Desk, message_id: int) -> None:
    """Raises Later when there is nothing to do before a certain time."""
    if attempt := await _begin(desk, message_id):
        outcome = await _hand_over(attempt)
        await _certainly(partial(_finish, desk, attempt, outcome))


async def _begin(desk: Desk, message_id: int) -> Attempt | None:
    """None where there is nothing to send: withdrawn, sent by somebody else, given up."""
    later: datetime | None = None
    attempt: Attempt | None = None
    async with committed(desk.sessions) as session:
        message = await _locked(session, message_id)
        if message is None or not _is_open(message):
            return None
        if message.send_after and message.send_after > now():
            raise Later(message.send_after)
        if await satisfaction.hold_back(session, message):
            return None
        if message.delivery is Delivery.sending:  # whoever set it never came to an end
            message.trouble = gettext("The desk was interrupted while it handed this reply over.")
            _mark_uncertain(session, message)
        try:
            attempt = await _prepared(desk, session, message)
        except DBAPIError:
            raise
        except Exception as error:
            later = await _conclude(session, message, _unprepared(message, error))
        else:
            _mark_begun(message)
            if attempt.channel.capabilities.stored_is_delivered:
                later = await _settle(session, message, await _hand_over(attempt))
                attempt = None
    if later:
        raise Later(later)
    return attempt


def _is_open(message: Message) -> bool:
    if message.delivery is Delivery.unknown:
        return message.send_after is not None  # its one more attempt is still to come
    return message.delivery in {Delivery.queued, Delivery.sending}


async def _prepared(desk: Desk, session: AsyncSession, message: Message) -> Attempt:
    outbound = await compose(desk, session, message)
    ticket = await written_in(session, message)
    return Attempt(message.id, message.attempts + 1, outbound, channel_of(desk, ticket.inbox.way_out))


def _mark_begun(message: Message) -> None:
    """The last moment before the message is out of our hands."""
    message.attempts += 1
    message.before = None
    if message.delivery is Delivery.queued:
        message.delivery = Delivery.sending
    else:
        message.send_after = None  # this is the one more attempt


def _mark_uncertain(session: AsyncSession, message: Message) -> None:
    message.delivery = Delivery.unknown
    _happened(session, Kind.reply_uncertain, message)


def _unprepared(message: Message, error: Exception) -> ChannelError:
    if isinstance(error, Rejected):
        return error
    if not isinstance(error, HelpdeskError):
        log.exception("reply not prepared", message=message.id)
    return Unavailable(str(error) or type(error).__name__)


async def _hand_over(attempt: Attempt) -> Outcome:
    try:
        async with asyncio.timeout(HANDING_OVER):
            return await attempt.channel.send(attempt.outbound)
    except ChannelError as error:
        return error
    except TimeoutError:
        return Uncertain(gettext("The other side did not answer in time."))
    except Exception as error:
        log.exception("channel failed", message=attempt.message_id)
        return Uncertain(str(error) or type(error).__name__)


async def _certainly(finish: Callable[[], Awaitable[None]]) -> None:
    """What has happened outside must be written down, however long the database is away."""
    delay = 0.1
    while True:
        try:
            await finish()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("outcome not written yet", error=str(error))
            await asyncio.sleep(delay)
            delay = min(delay * 2, 10.0)
        else:
            return


async def _finish(desk: Desk, attempt: Attempt, outcome: Outcome) -> None:
    async with committed(desk.sessions) as session:
        message = await _locked(session, attempt.message_id)
        if message is None or message.attempts != attempt.number or not _is_being_sent(message):
            log.warning("attempt overtaken", message=attempt.message_id, attempt=attempt.number)
            return
        later = await _settle(session, message, outcome)
    if later:
        raise Later(later)


async def _settle(session: AsyncSession, message: Message, outcome: Outcome) -> datetime | None:
    """Returns when to try again, if ever."""
    if not isinstance(outcome, Receipt):
        return await _conclude(session, message, outcome)
    _mark_sent(session, message, outcome)
    return None


def _is_being_sent(message: Message) -> bool:
    return message.delivery is Delivery.sending or (
        message.delivery is Delivery.unknown and message.send_after is None
    )


def _mark_sent(session: AsyncSession, message: Message, receipt: Receipt) -> None:
    troubles = [f"{address}: {why}" for address, why in receipt.refused.items()]
    if message.delivery is Delivery.unknown:
        troubles.insert(0, gettext("This reply may have arrived twice: its first attempt had no clear end."))
    message.delivery, message.delivered_at = Delivery.sent, now()
    message.trouble = "\n".join(troubles) or None
    message.external_id = receipt.external_id or message.external_id
    _happened(session, Kind.reply_sent, message, answer=receipt.answer[:200], attempts=message.attempts)
    log.info("reply sent", message=message.id, ticket=message.ticket_id, answer=receipt.answer)


async def _conclude(session: AsyncSession, message: Message, why: ChannelError) -> datetime | None:
    """It was not sent, or nobody knows. Returns when to try again, if ever."""
    message.trouble = str(why)
    log.warning("reply not sent", message=message.id, kind=type(why).__name__, error=message.trouble)
    at: datetime | None = None
    if isinstance(why, Uncertain):
        at = None if message.delivery is Delivery.unknown else now() + SECOND_TRY
        _mark_uncertain(session, message)
    elif isinstance(why, Unavailable) and (at := await _next_try(session, message, why)):
        if message.delivery is not Delivery.unknown:
            message.delivery = Delivery.queued
        await session.execute(select(func.pg_notify(CHANNEL, f"silent-{message.ticket_id}")))
    else:
        _mark_failed(session, message)
    message.send_after = at
    return at


def _mark_failed(session: AsyncSession, message: Message) -> None:
    """Where an earlier attempt may have been taken, nobody may send it again: it stays unknown."""
    if message.delivery is Delivery.unknown:
        return _happened(session, Kind.reply_uncertain, message)
    message.delivery = Delivery.failed
    return _happened(session, Kind.reply_failed, message)


async def _next_try(session: AsyncSession, message: Message, why: Unavailable) -> datetime | None:
    """Doubled each time and spread, not sooner than the other side asks for; None after two days."""
    asked_for = await session.scalar(
        select(func.max(Event.created_at)).where(
            Event.ticket_id.in_([message.ticket_id, message.origin_id]),
            Event.message_id == message.id,
            Event.kind.in_([Kind.replied, Kind.announced, Kind.reply_retried, Kind.forwarded]),
        )
    )
    if now() - (asked_for or message.sent_at) > GIVE_UP:
        return None
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(message.attempts, 10), LONGEST_WAIT)
    return now() + max(doubled * random.uniform(0.5, 1), why.retry_after)  # noqa: S311 - jitter


def _happened(session: AsyncSession, kind: Kind, message: Message, **data: Any) -> None:
    session.add(Event(kind, by=DESK, message=message, ticket_id=message.ticket_id, **data))


async def _locked(session: AsyncSession, message_id: int) -> Message | None:
    """First its ticket, as everybody locks them, so that nobody waits for each other for ever.

    A merge may have moved it by the time the ticket is ours; then it is asked for again where it is now.
    """
    ticket_of = select(Message.ticket_id).where(Message.id == message_id).scalar_subquery()
    held = select(Ticket.id).where(Ticket.id == ticket_of).with_for_update(read=True, key_share=True)
    while ticket_id := await session.scalar(held):
        message = await session.scalar(
            select(Message)
            .where(Message.id == message_id, Message.ticket_id == ticket_id)
            .options(
                joinedload(Message.ticket).joinedload(Ticket.inbox).joinedload(Inbox.answers_through),
                joinedload(Message.agent),
                selectinload(Message.attachments),
            )
            .with_for_update(of=Message)
        )
        if message:
            return message
    return None
