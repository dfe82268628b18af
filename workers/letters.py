"""Mails of the desk to its own people: invitations, lost passwords, reviews, and what they want to hear of.

They leave through the desk's first mailbox. A row knows whether its letter was sent; a job that is killed in
between sends it once more with the same Message-ID.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels import registry
from channels.contract import Channel, ChannelError, Unavailable, Uncertain
from helpdesk import i18n, notifications, options
from helpdesk.access import visible_tickets
from helpdesk.chat import ChatCode
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError, Misconfigured
from helpdesk.events import ActorKind, Event
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.invitations import Invitation, PasswordReset
from helpdesk.messages import OutboundMessage, Upload
from helpdesk.notifications import Notification
from helpdesk.people import Agent, Contact, with_access
from helpdesk.portal import PortalLink
from helpdesk.reports.saved import ReportMail
from helpdesk.reports.sending import Drawn
from helpdesk.texts import preview
from helpdesk.tickets import Ticket
from kb.reviews import ReviewMail
from workers import chatting, customer_links, reporting, review_mails
from workers.connecting import channel_of
from workers.jobs import Later

GIVE_UP = timedelta(hours=48)
QUOTED = 1_500  # characters of a message that a notice repeats

log = structlog.get_logger(__name__)
Row = Invitation | PasswordReset | PortalLink | ChatCode | Notification | ReportMail | ReviewMail
TABLES: dict[str, type[Row]] = {
    kind.__tablename__: kind
    for kind in (Invitation, PasswordReset, PortalLink, ChatCode, Notification, ReportMail, ReviewMail)
}


@dataclass(frozen=True)
class Letter:
    to: str
    subject: str
    text: str
    thread: str = ""
    """What all letters about the same thing share, so that a mail program shows them together."""
    html: str | None = None
    files: tuple[Upload, ...] = ()
    drawn: Drawn | None = None
    """A picture that is yet to be drawn."""
    through: Inbox | None = None
    """The inbox that it leaves from; None: the desk's first mailbox."""
    from_name: str = ""
    """Empty: the desk's."""


async def send_letter(desk: Desk, table: str, row_id: int) -> None:
    """Raises Later where it has to be tried again; what can't be sent says so on its row."""
    if ready := await _prepared(desk, table, row_id):
        channel, outbound, drawn = ready
        trouble, again = await _handed_over(channel, await reporting.illustrated(outbound, drawn))
        await _finish(desk, table, row_id, trouble, again)


async def _prepared(
    desk: Desk, table: str, row_id: int
) -> tuple[Channel, OutboundMessage, Drawn | None] | None:
    async with committed(desk.sessions) as session:
        row = cast("Row | None", await session.get(TABLES[table], row_id))
        if row is None or row.mailed_at or not (letter := await _written(desk, session, row)):
            return None
        try:
            inbox = letter.through or await mailbox(session)
            name = letter.from_name or await _desk_name(session, inbox)
            outbound = _addressed(letter, inbox, table, row, name)
            return channel_of(desk, inbox), outbound, letter.drawn
        except HelpdeskError as error:
            _note(row, str(error))
            return None


async def _handed_over(channel: Channel, outbound: OutboundMessage) -> tuple[str, timedelta | None]:
    """What went wrong, in words, and when to try again."""
    try:
        await channel.send(outbound)
    except Uncertain:
        return "", None  # it may have been taken; nobody needs the same letter twice
    except Unavailable as error:
        return str(error), error.retry_after
    except ChannelError as error:
        return str(error), None
    return "", None


async def _finish(desk: Desk, table: str, row_id: int, trouble: str, again: timedelta | None) -> None:
    async with committed(desk.sessions) as session:
        row = cast("Row", await session.get_one(TABLES[table], row_id))
        if not trouble:
            row.mailed_at = now()
        _note(row, trouble)
        later = now() + again if again and row.created_at > now() - GIVE_UP else None
    if later:
        raise Later(later)


def _note(row: Row, trouble: str) -> None:
    if trouble:
        log.warning("letter not sent", about=row.__tablename__, id=row.id, because=trouble)
    if not isinstance(row, Notification):
        row.trouble = trouble


async def mailbox(session: AsyncSession) -> Inbox:
    """The first inbox that can write to an address; raises Misconfigured where there is none."""
    for inbox in await session.scalars(select(Inbox).where(Inbox.active).order_by(Inbox.id)):
        known = registry.all().get(inbox.channel)
        if known and known.capabilities.cc and "@" in inbox.address:
            return inbox
    raise Misconfigured(
        gettext("The desk has no mailbox to send this from. Connect one, or pass the link on.")
    )


async def _desk_name(session: AsyncSession, inbox: Inbox) -> str:
    return (await options.load(session)).desk_name or inbox.name


def _addressed(letter: Letter, inbox: Inbox, table: str, row: Row, name: str) -> OutboundMessage:
    domain = inbox.address.rpartition("@")[2]
    mark = (
        row.nonce.hex()[:16]
        if isinstance(row, (Invitation, PasswordReset, PortalLink, ChatCode))
        else "notice"
    )
    return OutboundMessage(
        message_id=0,
        external_id=f"{table}.{row.id}.{mark}@{domain}",
        to=(letter.to,),
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        attachments=letter.files,
        from_name=name,
        references=(f"{letter.thread}@{domain}",) if letter.thread else (),
        in_reply_to=f"{letter.thread}@{domain}" if letter.thread else None,
        written_at=now(),
        automatic=True,
    )


async def _written(desk: Desk, session: AsyncSession, row: Row) -> Letter | None:
    """None where it is not needed any more: used, taken back, too old, or read in the console meanwhile."""
    if isinstance(row, Invitation):
        return await _invitation(desk, session, row)
    if isinstance(row, PasswordReset):
        return await _reset(desk, session, row)
    if isinstance(row, (PortalLink, ChatCode)):
        return await _customers(desk, session, row)
    if isinstance(row, ReportMail):
        return await _report(desk, session, row)
    if isinstance(row, ReviewMail):
        return await _review(desk, session, row)
    return await _notice(desk, session, row)


async def _invitation(desk: Desk, session: AsyncSession, row: Invitation) -> Letter | None:
    if row.accepted_at or row.revoked_at or row.is_over:
        return None
    chosen = await options.load(session)
    i18n.speak_to_colleague(chosen.language)
    host = await session.get(Agent, row.invited_by_id) if row.invited_by_id else None
    words = {
        "name": row.name,
        "who": host.name if host else gettext("An admin"),
        "desk": chosen.desk_name or gettext("the support desk"),
        "link": f"{desk.settings.url}/invitation/{row.token(desk.keys)}",
    }
    return Letter(
        row.email,
        gettext("%(who)s invites you to %(desk)s") % words,
        gettext(
            "Hello %(name)s,\n\n%(who)s invites you to answer customers with %(desk)s. Choose a password here:\n\n"
            "%(link)s\n\nThe link is good for 24 hours and for one person: you. If you did not expect it, "
            "delete this mail; nothing happens."
        )
        % words,
    )


async def _reset(desk: Desk, session: AsyncSession, row: PasswordReset) -> Letter | None:
    agent = await session.get_one(Agent, row.agent_id)
    if row.used_at or row.expires_at <= now() or not agent.active:
        return None
    i18n.speak_to_colleague(agent.locale)
    words = {"name": agent.name, "link": f"{desk.settings.url}/password/{row.token(desk.keys)}"}
    return Letter(
        agent.email,
        gettext("A new password for your account"),
        gettext(
            "Hello %(name)s,\n\nsomebody, probably you, asked for a new password. Choose one here:\n\n%(link)s\n\n"
            "The link is good for one hour. If it was not you, delete this mail: your password stays as it is."
        )
        % words,
    )


async def _customers(desk: Desk, session: AsyncSession, row: PortalLink | ChatCode) -> Letter | None:
    if isinstance(row, ChatCode):
        found = await chatting.code(session, desk, row)
    else:
        found = await customer_links.written(session, desk, row)
    if found is None:
        return None
    return Letter(
        found.to, found.subject, found.text, through=found.through, from_name=found.from_name, html=found.html
    )


async def _report(desk: Desk, session: AsyncSession, row: ReportMail) -> Letter | None:
    if (found := await reporting.letter(desk, session, row)) is None:
        return None
    thread = f"report.{row.report_id}.{found.to.id}"
    return Letter(found.to.email, found.subject, found.text, thread, found.html, found.files, found.drawn)


async def _review(desk: Desk, session: AsyncSession, row: ReviewMail) -> Letter | None:
    if (found := await review_mails.written(session, desk, row)) is None:
        return None
    return Letter(found.to, found.subject, found.text, found.thread)


async def _notice(desk: Desk, session: AsyncSession, row: Notification) -> Letter | None:
    if row.read_at or row.mail_at is None:
        return None
    full = await session.get_one(
        Notification,
        row.id,
        options=[
            joinedload(Notification.agent).options(*with_access()),
            joinedload(Notification.ticket),
            joinedload(Notification.event).joinedload(Event.message),
        ],
        populate_existing=True,
    )
    agent, ticket, message = full.agent, full.ticket, full.event.message
    if await session.scalar(visible_tickets(agent).where(Ticket.id == ticket.id)) is None:
        return None  # it went where they may not see it any more, or they were switched off
    i18n.speak_to_colleague(agent.locale)
    chosen = await options.load(session)
    number = f"{chosen.ticket_prefix}{ticket.number}"
    parts = [notifications.told(full.reason, await _who(session, full.event), full.event) + "."]
    parts.append(f"{number}  {preview(ticket.subject or gettext('No subject'), 120)}")
    if message:
        parts.append("\n".join(f"> {line}".rstrip() for line in message.begun(QUOTED).splitlines()))
    parts.append(f"{desk.settings.url}/tickets/{ticket.number}")
    parts.append(
        gettext("You get this mail because: %(why)s.\nChoose what you hear of: %(link)s")
        % {"why": notifications.because(full.reason), "link": f"{desk.settings.url}/settings/me/notices"}
    )
    subject = f"[{number}] {preview(ticket.subject or gettext('No subject'), 100)}"
    return Letter(agent.email, subject, "\n\n".join(parts), thread=f"ticket.{ticket.id}.notices.{agent.id}")


async def _who(session: AsyncSession, event: Event) -> str:
    kinds: dict[ActorKind, type[Agent] | type[Contact]] = {
        ActorKind.agent: Agent,
        ActorKind.contact: Contact,
    }
    kind = kinds.get(event.actor)
    found = cast(
        "Agent | Contact | None",
        await session.get(kind, event.actor_id) if kind and event.actor_id else None,
    )
    return found.name if found else gettext("The desk")
