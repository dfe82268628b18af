"""Mails to people who chat: answers that they did not wait for, and a copy where they asked for one.

A mail is written down as sent before it is handed over: if that breaks off, it is not sent again, since the answer
stands in the chat all the same. Only what was clearly refused for now is tried once more, a while later.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from channels.chat.settings import ChatSettings
from channels.contract import Channel, ChannelError, Unavailable
from helpdesk import chat, codes, i18n, marks
from helpdesk.chat import ChatCode, Visitor, conversations, leaving, proving
from helpdesk.chat.conversations import Said
from helpdesk.chat.leaving import Unread
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Direction, OutboundMessage
from workers.connecting import channel_of
from workers.customer_links import CustomerLetter

EVERY = 15.0  # seconds
SEND = 60.0  # seconds that a mail server may take

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Letter:
    visitor_id: int
    channel: Channel
    mail: OutboundMessage
    before: int
    """What was mailed last, should this one be refused for now."""
    ticket_id: int
    copy_of: int | None = None
    """The ticket, where it is a copy that they asked for."""


async def chatting(desk: Desk) -> None:
    """For ever; several workers at once do no harm."""
    while True:
        await once(desk)
        await asyncio.sleep(EVERY)


async def once(desk: Desk) -> int:
    """Returns how many mails left."""
    async with desk.sessions() as session:
        waiting = await leaving.candidates(session)
        copies = list(
            await session.scalars(select(Visitor.id).where(Visitor.transcript_of.is_not(None)).limit(20))
        )
    async with committed(desk.sessions) as session:
        await chat.forget_old(session)
        await proving.forget_codes(session)
    sent = [await _written(desk, _answer, visitor_id) for visitor_id in waiting]
    sent += [await _written(desk, _copy, visitor_id) for visitor_id in copies]
    return sum(sent)


async def _written(
    desk: Desk, write: Callable[[Desk, AsyncSession, int], Awaitable[Letter | None]], visitor_id: int
) -> bool:
    """Whether a mail left. One that can't be written, as of a chat whose settings are broken, keeps no other back."""
    try:
        async with committed(desk.sessions) as session:
            letter = await write(desk, session, visitor_id)
    except (HelpdeskError, NoResultFound) as error:  # the latter: forgotten meanwhile
        log.warning("answer not written", visitor=visitor_id, error=str(error))
        return False
    return bool(letter and await _send(desk, letter))


async def _answer(desk: Desk, session: AsyncSession, visitor_id: int) -> Letter | None:
    visitor = await session.get_one(Visitor, visitor_id)
    settings, inbox, through = await _ways(desk, session, visitor)
    if through is None:
        visitor.mailed_id = max(visitor.mailed_id, await conversations.newest(session, visitor))
        return None
    found = await leaving.unread(session, visitor_id, after=timedelta(minutes=settings.mail_after))
    if found is None:
        return None
    before = found.visitor.mailed_id
    leaving.mark(found)
    if await _is_ours(session, found.visitor.can_be_mailed):
        return None
    i18n.speak(found.visitor.language)
    text = gettext(
        "You had left our chat when this answer came:\n\n{answers}\n\n"
        "Just reply to this mail, or write in the chat: it is the same conversation."
    )
    mail = _mail(desk, found, through, found.visitor.can_be_mailed, text, inbox)
    return Letter(visitor_id, channel_of(desk, through), mail, before, found.conversation.ticket_id)


async def _is_ours(session: AsyncSession, address: str) -> bool:
    """Somebody gave an address of the desk's own: what is mailed there would come back as a customer's words."""
    local, _at, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    own = select(Inbox.id).where(func.lower(Inbox.address).in_([address.lower(), plain])).limit(1)
    return await session.scalar(own) is not None


async def _copy(desk: Desk, session: AsyncSession, visitor_id: int) -> Letter | None:
    """Asked for by a customer whom the site vouches for, and mailed to that address alone."""
    visitor = await session.get_one(Visitor, visitor_id, with_for_update=True)
    wanted, visitor.transcript_of = visitor.transcript_of, None
    _settings, inbox, through = await _ways(desk, session, visitor)
    theirs = [each for each in await conversations.of(session, visitor) if each.ticket_id == wanted]
    if through is None or not theirs or visitor.kind != "email":
        return None
    said = await conversations.said(session, visitor, [theirs[0].ticket_id])
    if not said:
        return None
    i18n.speak(visitor.language)
    text = gettext("This is what was said:\n\n{answers}")
    found = Unread(visitor, [visitor], theirs[0], said)
    mail = _mail(desk, found, through, visitor.address, text, inbox)
    return Letter(
        visitor_id, channel_of(desk, through), mail, visitor.mailed_id, theirs[0].ticket_id, copy_of=wanted
    )


async def code(session: AsyncSession, desk: Desk, row: ChatCode) -> CustomerLetter | None:
    """The mail with the six digits; None where they are worth nothing any more. No word of the visitor's is in it."""
    if row.used_at or row.expires_at <= now() or row.tries >= proving.TRIES:
        return None
    visitor = await session.get_one(Visitor, row.visitor_id)
    settings, inbox, through = await _ways(desk, session, visitor)
    if through is None or visitor.is_vouched:
        return None
    i18n.speak(visitor.language)
    digits = codes.digits(desk.keys, proving.PURPOSE, row.nonce)
    name = settings.title or inbox.name
    text = gettext(
        "Somebody, probably you, wants to prove this address in the chat of {name}. The code:\n\n{code}\n\n"
        "It is good for 10 minutes, in that chat alone. Tell it to nobody who asks you for it. If it was not you, "
        "delete this mail; nothing happens."
    ).format(name=name, code=f"{digits[:3]} {digits[3:]}")
    subject = gettext("Your code for the chat of {name}").format(name=name)
    return CustomerLetter(row.address, subject, text, None, through, name)


async def _ways(
    desk: Desk, session: AsyncSession, visitor: Visitor
) -> tuple[ChatSettings, Inbox, Inbox | None]:
    """The chat's settings and inbox, and the mailbox that its answers are mailed from."""
    inbox = await session.get_one(Inbox, visitor.inbox_id)
    channel = channel_of(desk, inbox)
    settings: ChatSettings = channel.settings  # type: ignore[attr-defined]
    through = await session.get(Inbox, settings.mail_through) if settings.mail_through else None
    return settings, inbox, through if through and through.active else None


def _mail(
    desk: Desk, found: Unread, through: Inbox, address: str, text: str, inbox: Inbox
) -> OutboundMessage:
    """`text` has a place for the answers. Its subject has no word of theirs: nobody has the desk mail what they like
    to whom they like."""
    token = desk.keys.reply_token(found.conversation.reply_key, address)
    domain = through.address.rpartition("@")[2]
    agent = next((each.agent for each in reversed(found.messages) if each.agent), None)
    return OutboundMessage(
        message_id=found.messages[-1].id,
        external_id=f"m{secrets.randbits(64)}.{token}@{domain}",
        to=(address,),
        subject=gettext("Your conversation with {name}").format(name=inbox.name),
        text=text.format(answers="\n\n".join(_line(each, inbox) for each in found.messages)),
        html=_rich(text, found.messages, inbox),
        from_name=agent or inbox.name,
        reply_token=token,
        written_at=found.messages[-1].sent_at,
    )


def _line(message: Said, inbox: Inbox) -> str:
    text = marks.plain(message.text) if message.may_be_marked else message.text
    return f"{_who(message, inbox)}:\n{text}"


def _rich(text: str, messages: Sequence[Said], inbox: Inbox) -> str | None:
    """None where nobody marked a word: then the plain words say all of it."""
    if not any(each.may_be_marked and marks.is_marked(each.text) for each in messages):
        return None
    before, _place, after = text.partition("{answers}")
    said = [marks.plain_html(before)]
    for each in messages:
        body = marks.shown(each.text) if each.may_be_marked else marks.plain_html(each.text)
        said += [marks.plain_html(f"{_who(each, inbox)}:"), body]
    return "\n".join([*said, marks.plain_html(after)])


def _who(message: Said, inbox: Inbox) -> str:
    if message.direction is Direction.inbound:
        return gettext("You")
    return message.agent or inbox.name


async def _send(desk: Desk, letter: Letter) -> bool:
    try:
        async with asyncio.timeout(SEND):
            await letter.channel.send(letter.mail)
    except Unavailable as error:
        log.warning("answer not mailed yet", visitor=letter.visitor_id, error=str(error))
        async with committed(desk.sessions) as session:
            await _again(session, letter)
        return False
    except (ChannelError, HelpdeskError, TimeoutError) as error:
        log.warning("answer not mailed", visitor=letter.visitor_id, error=str(error))
        await _tell(desk, letter, refused=True)
        return False
    log.info("answer mailed", visitor=letter.visitor_id, message=letter.mail.message_id)
    await _tell(desk, letter)
    return True


async def _tell(desk: Desk, letter: Letter, *, refused: bool = False) -> None:
    """Colleagues see it in the thread. The address is not repeated: events stay when a person is forgotten."""
    if letter.copy_of is not None:
        return
    async with committed(desk.sessions) as session:
        session.add(
            Event(
                Kind.mailed_after_leaving,
                by=DESK,
                ticket_id=letter.ticket_id,
                visitor=letter.visitor_id,
                refused=refused,
            )
        )


async def _again(session: AsyncSession, letter: Letter) -> None:
    """On every browser of theirs it counts as not mailed."""
    visitor = await session.get(Visitor, letter.visitor_id, with_for_update=True)
    if visitor is None:
        return
    if letter.copy_of:
        visitor.transcript_of = visitor.transcript_of or letter.copy_of
        return
    await session.execute(
        update(Visitor)
        .where(
            Visitor.inbox_id == visitor.inbox_id,
            Visitor.kind == visitor.kind,
            Visitor.address == visitor.address,
            Visitor.mailed_id == letter.mail.message_id,
        )
        .values(mailed_id=letter.before)
    )
