"""Asking a customer: whether it may be done, and that it is done once. Safe for many at once, and to do twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.i18n import speaking
from helpdesk.identities import IdentityKind
from helpdesk.inboxes import Inbox
from helpdesk.languages import language_for
from helpdesk.messages import Delivery, Message
from helpdesk.people import Contact, ContactIdentity
from helpdesk.ratings import InboxSurvey, PromoterSurvey, Rating, RatingRefusal, Survey, WhyNot
from helpdesk.satisfaction import wording
from helpdesk.tickets import Ticket

QUIET = 7
"""Days between two questions of any sort to one person, where an inbox says nothing else."""
AT_ONCE = timedelta(0)


@dataclass(frozen=True)
class Asked:
    """What came of it: the customer was asked, or why not."""

    rating: Rating
    why_not: WhyNot | None = None

    def __bool__(self) -> bool:
        return self.why_not is None


async def ask(session: AsyncSession, ticket: Ticket, *, by: Actor, kind: Survey = Survey.csat) -> Asked:
    """Ask the ticket's customer, once for the ticket; about the desk as a whole in the thread of this ticket.

    It does not matter whether the inbox asks by itself. The question is a message of the desk's own: it leaves at
    once, and is held back if the ticket is opened again before that.
    """
    await session.execute(select(one_at_a_time(ticket.contact_id)))
    rating = await begun(session, ticket, kind)
    if why := await _why_not(session, ticket, rating):
        if why is not WhyNot.asked and kind is Survey.csat:
            rating.why_not, rating.decided_at = why, now()
            session.add(rating)
            await session.flush()
        return Asked(rating, why)
    with speaking(await language_for(session, ticket)):
        words = await wording.question(session, ticket, kind, await _words(session, ticket, kind))
    message = ticket.announce(words, by=by, wait=AT_ONCE)
    session.add_all([rating, message])
    await session.flush()
    rating.contact_id, rating.inbox_id = ticket.contact_id, ticket.inbox_id
    rating.team_id, rating.assignee_id = ticket.team_id, ticket.assignee_id
    rating.message_id, rating.why_not = message.id, None
    rating.asked_at = rating.decided_at = message.created_at
    await session.flush()
    return Asked(rating)


async def hold_back(session: AsyncSession, message: Message) -> bool:
    """Whether a question that is about to leave has no point any more; then it does not leave.

    The message and its ticket are locked and loaded.
    """
    if not message.announced or message.delivery is not Delivery.queued:
        return False
    rating = await of_message(session, message.id)
    if rating is None or not (why := await _pointless(session, rating, message.ticket)):
        return False
    message.delivery, message.withdrawn_at, message.send_after = None, now(), None
    rating.asked_at, rating.message_id = None, None
    rating.why_not, rating.decided_at = why, now()
    session.add(Event(Kind.reply_withdrawn, by=DESK, message=message, ticket_id=message.ticket_id))
    return True


async def of_message(session: AsyncSession, message_id: int) -> Rating | None:
    found: Rating | None = await session.scalar(select(Rating).where(Rating.message_id == message_id))
    return found


async def of_ticket(session: AsyncSession, ticket_id: int) -> Rating | None:
    """What is asked about the ticket itself, if anything was decided about that."""
    found: Rating | None = await session.scalar(
        select(Rating).where(Rating.ticket_id == ticket_id, Rating.kind == Survey.csat)
    )
    return found


async def all_of_ticket(session: AsyncSession, ticket_id: int) -> Sequence[Rating]:
    """Everything that its customer was asked, or was not."""
    found = await session.scalars(select(Rating).where(Rating.ticket_id == ticket_id).order_by(Rating.id))
    return found.all()


def has_mail(contact: ColumnElement[int] | int) -> ColumnElement[bool]:
    return exists().where(
        ContactIdentity.contact_id == contact, ContactIdentity.kind == IdentityKind.email.value
    )


def _writes_in_slack(ticket: Ticket) -> ColumnElement[bool]:
    """They are asked in the thread of the ticket, by buttons that only they can press."""
    slack = IdentityKind.slack.value
    known = exists().where(ContactIdentity.contact_id == ticket.contact_id, ContactIdentity.kind == slack)
    return and_(known, exists().where(Inbox.id == ticket.inbox_id, Inbox.channel == slack))


def was_asked(
    contact: ColumnElement[int] | int, since: datetime, kind: Survey | None = None
) -> ColumnElement[bool]:
    asked = exists().where(Rating.contact_id == contact, Rating.asked_at > since)
    return asked.where(Rating.kind == kind) if kind else asked


def has_declined(contact: ColumnElement[int] | int) -> ColumnElement[bool]:
    return exists().where(RatingRefusal.contact_id == contact)


def one_at_a_time(contact_id: int) -> ColumnElement[None]:
    """Held until the transaction ends: nobody asks the same person, or answers for them, meanwhile."""
    return func.pg_advisory_xact_lock(func.hashtextextended(f"rating of {contact_id}", 0))


async def begun(session: AsyncSession, ticket: Ticket, kind: Survey) -> Rating:
    """The ticket's one row, which an earlier decision may have made; else a new one that is not kept yet."""
    found = await of_ticket(session, ticket.id) if kind is Survey.csat else None
    if found:
        await session.refresh(found)
        return found
    return Rating(
        kind=kind,
        ticket_id=ticket.id,
        contact_id=ticket.contact_id,
        inbox_id=ticket.inbox_id,
        team_id=ticket.team_id,
        assignee_id=ticket.assignee_id,
        decided_at=now(),
        comment="",
    )


async def _why_not(session: AsyncSession, ticket: Ticket, rating: Rating) -> WhyNot | None:
    if rating.asked_at or rating.is_answered:
        return WhyNot.asked
    if ticket.removed:
        return WhyNot.removed
    if ticket.first_replied_at is None:
        return WhyNot.unanswered
    contact = ticket.contact_id
    found = await session.execute(
        select(
            Contact.blocked_at,
            Contact.erased_at,
            has_declined(contact).label("declined"),
            or_(has_mail(contact), _writes_in_slack(ticket)).label("reached"),
            was_asked(contact, now() - await _quiet(session, ticket)).label("recently"),
            was_asked(contact, now() - await _apart(session), Survey.nps).label("nps"),
        ).where(Contact.id == contact)
    )
    known = found.one()
    reasons = (
        (ticket.erased_at or known.erased_at, WhyNot.erased),
        (known.blocked_at, WhyNot.blocked),
        (known.declined, WhyNot.declined),
        (not known.reached, WhyNot.no_address),
        (known.recently or (rating.kind is Survey.nps and known.nps), WhyNot.recently),
    )
    return next((why for holds, why in reasons if holds), None)


async def _pointless(session: AsyncSession, rating: Rating, ticket: Ticket) -> WhyNot | None:
    contact = await session.get(Contact, ticket.contact_id)
    if ticket.removed:
        return WhyNot.removed
    if rating.kind is Survey.csat and not ticket.is_settled and await _was_settled(session, rating):
        return WhyNot.reopened
    return WhyNot.blocked if contact and contact.is_blocked else None


async def _was_settled(session: AsyncSession, rating: Rating) -> bool:
    """A rule may ask about a ticket that is open; only one that was opened since is no longer asked about."""
    reopened = select(Event.id).where(
        Event.ticket_id == rating.ticket_id,
        Event.kind == Kind.reopened,
        Event.created_at >= rating.decided_at,
    )
    return await session.scalar(reopened.limit(1)) is not None


async def _quiet(session: AsyncSession, ticket: Ticket) -> timedelta:
    days = await session.scalar(select(InboxSurvey.quiet_days).where(InboxSurvey.inbox_id == ticket.inbox_id))
    return timedelta(days=QUIET if days is None else days)


async def _apart(session: AsyncSession) -> timedelta:
    return timedelta(days=await session.scalar(select(PromoterSurvey.every_days)) or 90)


async def _words(session: AsyncSession, ticket: Ticket, kind: Survey) -> str:
    chosen = (
        select(InboxSurvey.words).where(InboxSurvey.inbox_id == ticket.inbox_id)
        if kind is Survey.csat
        else select(PromoterSurvey.words)
    )
    return await session.scalar(chosen) or ""
