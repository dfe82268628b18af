"""What a reply looks like when it leaves: a complete message that a channel only has to hand over."""

import re
import secrets
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.assistant.identity import with_code
from channels import reaching, registry
from channels.contract import Capabilities, Rejected
from channels.reaching import OutOfReach
from helpdesk import marks
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.events import ActorKind
from helpdesk.i18n import gettext, speaking
from helpdesk.inboxes import Inbox
from helpdesk.messages import Attachment, Direction, Message, OutboundMessage, Upload
from helpdesk.scheduling import LATER
from helpdesk.sides import SideConversation
from helpdesk.signatures import signature
from helpdesk.tickets import Ticket
from workers.asking import with_answers

REFERENCES = 20  # ids of the thread that a message names: the first, and the newest
LONGEST_ID = 500  # RFC 5322 ends lines at 998 characters; ids of 10 kB exist
QUOTED = 10_000  # characters of the customer's message that are repeated
ANSWERING = re.compile(
    r"^\s*(?:(?:re|aw|antw|sv|vs|odp|ynt|rif|res|ref)\s*(?:\[\d+\]|\(\d+\))?\s*[::]\s*)+", re.IGNORECASE
)


async def compose(desk: Desk, session: AsyncSession, message: Message) -> OutboundMessage:
    """`message.ticket` with its inbox and that one's way out, `message.agent` and `message.attachments` are loaded.

    Fixes the recipient and the id on the message, so that a second attempt is the same message.
    """
    ticket = await written_in(session, message)
    side = await session.get_one(SideConversation, message.side_id) if message.side_id else None
    can = registry.get(ticket.inbox.way_out.channel).capabilities
    # Who reads it where it is stored has what was said before above it.
    before = [] if can.stored_is_delivered else await _said_before(session, message, ticket)
    asked = next((m for m in reversed(before) if m.direction is Direction.inbound), None)
    signed = await _signature(session, message, ticket)
    if not message.recipients:
        message.recipients = [await _recipient(session, ticket)]
    token = desk.keys.reply_token(side.reply_key if side else ticket.reply_key, message.recipients[0])
    if not message.external_id:
        domain = ticket.inbox.way_out.address.rpartition("@")[2]
        message.external_id = f"m{secrets.randbits(64)}.{token}@{domain}"
    text, html = _said(message, can, ticket, asked, signed)
    outbound = OutboundMessage(
        message_id=message.id,
        external_id=message.external_id,
        to=tuple(message.recipients),
        cc=tuple(message.copies),
        subject=_subject(side.subject if side else ticket.subject, before),
        text=text,
        html=html,
        from_name=message.agent.name if message.agent else ticket.inbox.name,
        reply_token=token,
        in_reply_to=_usable(asked.external_id) if asked else None,
        references=_references(before),
        attachments=tuple([await _upload(desk, attachment) for attachment in message.attachments]),
        written_at=message.sent_at,
        automatic=message.automatic or message.author is ActorKind.assistant,
    )
    if not message.announced:
        return outbound
    return await with_answers(desk, session, message, await with_code(desk, session, message, outbound))


async def written_in(session: AsyncSession, message: Message) -> Ticket:
    """The ticket whose customer it was written to: what waits to leave when its ticket is merged still goes there."""
    if message.origin_id is None or message.origin_id == message.ticket_id:
        return message.ticket
    way_out = joinedload(Ticket.inbox).joinedload(Inbox.answers_through)
    return await session.get_one(Ticket, message.origin_id, options=[way_out])


def _subject(subject: str, before: list[Message]) -> str:
    """What begins a conversation answers nothing."""
    return answering(subject) if before else " ".join(subject.split())


def answering(subject: str) -> str:
    """`Re: …` once, however many programs answered before us."""
    line = " ".join(subject.split())
    return f"Re: {ANSWERING.sub('', line) or line}"


async def _said_before(session: AsyncSession, message: Message, ticket: Ticket) -> list[Message]:
    """What requester and desk said to each other before, oldest first; the last part of a long thread.

    What others wrote is not passed on to the requester, whose reply address may have been given to a service
    that sends its codes there; nor is what was said with a third party, or in a ticket that was merged into this.
    """
    if message.side_id:
        whose = Message.side_id == message.side_id
    else:
        written_here = or_(Message.origin_id.is_(None), Message.origin_id == ticket.id)
        theirs = and_(Message.direction == Direction.inbound, Message.contact_id == ticket.contact_id)
        whose = and_(
            Message.side_id.is_(None),
            or_(and_(Message.direction == Direction.outbound, written_here), theirs),
        )
    said = await session.scalars(
        select(Message)
        .options(joinedload(Message.contact))
        .where(
            Message.ticket_id == message.ticket_id,
            Message.id != message.id,
            Message.created_at <= message.created_at,
            whose,
            or_(Message.delivery.is_(None), Message.delivery.not_in(LATER)),
            Message.withdrawn_at.is_(None),
            Message.copy_of_id.is_(None),
        )
        .order_by(Message.id.desc())
        .limit(REFERENCES)
    )
    return list(said)[::-1]


async def _recipient(session: AsyncSession, ticket: Ticket) -> str:
    try:
        return await reaching.recipient(session, ticket, ticket.inbox)
    except OutOfReach as error:
        raise Rejected(str(error)) from None


async def _signature(session: AsyncSession, message: Message, ticket: Ticket) -> str:
    return await signature(session, message.agent, ticket.inbox_id) if message.agent else ""


def _said(
    message: Message, can: Capabilities, ticket: Ticket, asked: Message | None, signed: str
) -> tuple[str, str | None]:
    """As plain words, and as HTML where its author marked some of them; whom it answers is quoted in plain words."""
    is_rich = can.marks == "html" and message.may_be_marked and marks.is_marked(message.text)
    plain = [marks.plain(message.text) if is_rich else message.text]
    rich = [marks.shown(message.text) if is_rich else ""]
    if signed:
        plain.append(f"-- \n{signed}")
        rich.append(marks.plain_html(plain[-1]))
    if asked and can.quotes:
        language = (asked.contact.language if asked.contact else "") or ticket.language
        with speaking(language or ""):
            head, words = _introduced(asked), asked.begun(QUOTED)
        plain.append("\n".join([head, *(f"> {line}".rstrip() for line in words.splitlines())]))
        rich.append(f"{marks.plain_html(head)}\n<blockquote>{marks.plain_html(words)}</blockquote>")
    return "\n\n".join(plain), "\n".join(rich) if is_rich else None


def _introduced(asked: Message) -> str:
    who = " ".join((asked.contact.name if asked.contact else asked.sender or "").split())
    return gettext("On {when}, {who} wrote:").format(when=_day(asked.sent_at), who=who)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _references(before: list[Message]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for m in before if (id_ := _usable(m.external_id))))


def _usable(external_id: str | None) -> str | None:
    return external_id if external_id and len(external_id) <= LONGEST_ID else None


async def _upload(desk: Desk, attachment: Attachment) -> Upload:
    try:
        content = await desk.files.get(attachment.key)
    except NotFound:
        trouble = gettext("The attachment {name} is missing from the desk's files.")
        raise Rejected(trouble.format(name=attachment.name)) from None
    return Upload(
        name=attachment.name,
        content_type=attachment.content_type,
        content=content,
        content_id=attachment.content_id,
        inline=attachment.inline,
    )
