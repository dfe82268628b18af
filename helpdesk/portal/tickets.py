"""Which tickets and messages a customer may see: one condition each, and everything starts from them.

A ticket is theirs if they asked, if they are in copy, or if they belong to the asker's company and that company lets
its people see each other's tickets. Of a ticket they see what was said between the customer's side and ours: no notes,
nothing said with third parties, nothing that a stranger wrote who merely got hold of a reply address (codes of other
services could be sent there), and nothing that a merge brought in from a ticket that is not theirs.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    any_,
    exists,
    false,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, joinedload, selectinload

from helpdesk.errors import NotFound
from helpdesk.merging import root_id
from helpdesk.messages import Attachment, Delivery, Direction, Match, Message
from helpdesk.participants import Part, Participant
from helpdesk.people import Contact, ContactIdentity
from helpdesk.portal.centres import HelpCentre
from helpdesk.portal.signing_in import Customer
from helpdesk.sla import Policy
from helpdesk.tickets import Removal, Ticket

PAGE = 25
MOST = 500  # messages of one page; the newest count
ARRIVED = (Delivery.sent, Delivery.queued, Delivery.sending, Delivery.failed, Delivery.unknown)
"""What was said and not put off or taken back. A mail that failed is all the more worth reading here."""


def theirs(contact: Contact, of: Any = Ticket) -> ColumnElement[bool]:
    """Tickets of their side; `contact.company` is loaded. For tickets that are known already: whose they are is asked
    of each, which costs a few of a million nothing."""
    in_copy = exists().where(
        Participant.ticket_id == of.id, Participant.contact_id == contact.id, Participant.part == Part.copy
    )
    return or_(_asked(contact, of), in_copy)


def _asked(contact: Contact, of: Any = Ticket) -> ColumnElement[bool]:
    """By them, or by their colleagues where those may know."""
    mine = cast("ColumnElement[bool]", of.contact_id == contact.id)
    if not shares(contact):
        return mine
    person = aliased(Contact)
    colleague = exists().where(person.id == of.contact_id, person.company_id == contact.company_id)
    return or_(mine, colleague)


def shares(contact: Contact) -> bool:
    """Whether they see what others of their company asked."""
    return contact.company_id is not None and contact.company is not None and contact.company.shares_tickets


def shown(centre: HelpCentre, contact: Contact) -> ColumnElement[bool]:
    """The tickets of one help centre that they see. Blocked and merged contacts have none."""
    if contact.is_blocked or contact.merged_into_id is not None:
        return false()
    here = [Ticket.inbox_id.in_(centre.inbox_ids)] if centre.inbox_ids else []
    return and_(theirs(contact), Ticket.removed.is_(None), *here)


def said(contact: Contact) -> ColumnElement[bool]:
    """Messages, of tickets that were found by `shown`, which they may read. Their own words always count. Who is
    merely in copy reads what went to them, and what came since they are."""
    origin = aliased(Ticket)
    from_theirs = exists().where(origin.id == Message.origin_id, theirs(contact, origin))
    here = aliased(Ticket)
    return and_(
        Message.direction != Direction.note,
        Message.side_id.is_(None),
        Message.copy_of_id.is_(None),
        Message.withdrawn_at.is_(None),
        or_(Message.delivery.is_(None), Message.delivery.in_(ARRIVED)),
        or_(
            Message.direction == Direction.outbound,
            Message.contact_id == contact.id,
            Message.matched.is_(None),
            Message.matched != Match.stranger_token,
        ),
        or_(Message.origin_id.is_(None), Message.origin_id == Message.ticket_id, from_theirs),
        or_(
            exists().where(here.id == Message.ticket_id, _asked(contact, here)),
            Message.contact_id == contact.id,
            _since_in_copy(contact),
            _went_to(contact),
        ),
    )


async def listed(
    session: AsyncSession,
    centre: HelpCentre,
    contact: Contact,
    *,
    settled: bool = False,
    company: bool = False,
    before: tuple[datetime, int] | None = None,
) -> Sequence[Ticket]:
    """The newest first, PAGE + 1 of them, so that one knows of more. Those of colleagues only with `company`."""
    ways = [_first(centre, _in_copy(contact), settled=settled, before=before)]
    if company and shares(contact):
        ways.append(_of_company(centre, contact, settled=settled, before=before))
    else:
        ways.append(_first(centre, Ticket.contact_id == contact.id, settled=settled, before=before))
    chosen = union_all(*(select(each.subquery()) for each in ways)).subquery()
    found = await session.scalars(
        select(Ticket)
        .where(Ticket.id.in_(select(chosen.c.id)), shown(centre, contact))
        .options(joinedload(Ticket.contact))
        .order_by(Ticket.last_message_at.desc(), Ticket.id.desc())
        .limit(PAGE + 1)
    )
    return found.all()


def _first(
    centre: HelpCentre,
    whose: ColumnElement[bool],
    *,
    settled: bool,
    before: tuple[datetime, int] | None,
) -> Select[int, datetime]:
    """The newest PAGE + 1 of these, in the words and the order of ix_ticket_of_contact, which has all it asks."""
    place = (Ticket.last_message_at, Ticket.id)
    found = (
        select(Ticket.id, Ticket.last_message_at)
        .where(whose, Ticket.settled if settled else ~Ticket.settled, Ticket.removed.is_(None))
        .order_by(*(each.desc() for each in place))
        .limit(PAGE + 1)
    )
    if centre.inbox_ids:
        found = found.where(Ticket.inbox_id.in_(centre.inbox_ids))
    return found.where(tuple_(*place) < before) if before else found


def _of_company(
    centre: HelpCentre, contact: Contact, *, settled: bool, before: tuple[datetime, int] | None
) -> Select[int, datetime]:
    """The newest of each colleague, and the newest of those: however many tickets a company has, a page reads no more
    than PAGE + 1 of each of its people."""
    person = aliased(Contact)
    each = _first(centre, Ticket.contact_id == person.id, settled=settled, before=before)
    newest = each.correlate(person).lateral()
    return (
        select(newest.c.id, newest.c.last_message_at)
        .select_from(person)
        .join(newest, true())
        .where(person.company_id == contact.company_id)
        .order_by(newest.c.last_message_at.desc(), newest.c.id.desc())
        .limit(PAGE + 1)
    )


def _since_in_copy(contact: Contact) -> ColumnElement[bool]:
    return exists().where(
        Participant.ticket_id == Message.ticket_id,
        Participant.contact_id == contact.id,
        Participant.created_at <= Message.created_at,
    )


def _went_to(contact: Contact) -> ColumnElement[bool]:
    return exists().where(
        ContactIdentity.contact_id == contact.id,
        or_(
            ContactIdentity.value == any_(Message.recipients),
            ContactIdentity.value == any_(Message.copies),
        ),
    )


def _in_copy(contact: Contact) -> ColumnElement[bool]:
    return Ticket.id.in_(
        select(Participant.ticket_id).where(
            Participant.contact_id == contact.id, Participant.part == Part.copy
        )
    )


async def one(
    session: AsyncSession, centre: HelpCentre, contact: Contact, number: int, *, lock: bool = False
) -> Ticket:
    """With what verbs need. Raises NotFound, whether it is somebody else's or there is none."""
    query = (
        select(Ticket)
        .where(shown(centre, contact), Ticket.number == number)
        .options(
            joinedload(Ticket.contact),
            joinedload(Ticket.inbox),
            selectinload(Ticket.clocks),
            joinedload(Ticket.policy).joinedload(Policy.calendar),
        )
    )
    if lock:
        query = query.with_for_update(of=Ticket, key_share=True)
    found = await session.scalar(query)
    if found is None:
        raise NotFound
    return found


async def moved_to(session: AsyncSession, centre: HelpCentre, contact: Contact, number: int) -> int | None:
    """Where a ticket of theirs was merged into another one that they see: its number. None: it is not there."""
    source = select(Ticket.id).where(
        Ticket.number == number, Ticket.removed == Removal.merged, theirs(contact)
    )
    if (source_id := await session.scalar(source)) is None:
        return None
    end = await root_id(session, source_id)
    return await session.scalar(select(Ticket.number).where(Ticket.id == end, shown(centre, contact)))


async def thread(session: AsyncSession, ticket: Ticket, contact: Contact) -> list[Message]:
    """The oldest first; of a very long one the newest MOST."""
    found = await session.scalars(
        select(Message)
        .where(Message.ticket_id == ticket.id, said(contact))
        .options(selectinload(Message.attachments), joinedload(Message.agent), joinedload(Message.contact))
        .order_by(Message.id.desc())
        .limit(MOST)
    )
    return list(found)[::-1]


async def in_copy(session: AsyncSession, ticket: Ticket) -> list[str]:
    """Names of the people who get what is said here as well, as every mail of it says."""
    found = await session.scalars(
        select(Contact.name)
        .join(Participant, Participant.contact_id == Contact.id)
        .where(Participant.ticket_id == ticket.id, Participant.part == Part.copy)
        .order_by(Participant.id)
        .limit(PAGE)
    )
    return list(found)


async def file(
    session: AsyncSession, centre: HelpCentre, contact: Contact, number: int, attachment_id: int
) -> Attachment:
    """A file of a message that they may read. Raises NotFound."""
    found = await session.scalar(
        select(Attachment)
        .join(Message, Message.id == Attachment.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(
            shown(centre, contact),
            said(contact),
            Ticket.number == number,
            Attachment.id == attachment_id,
        )
    )
    if found is None:
        raise NotFound
    return found


def closes(ticket: Ticket, customer: Customer) -> bool:
    """Whoever asked may say that it is done; a colleague or somebody in copy may not."""
    return ticket.contact_id == customer.contact.id and not ticket.is_settled
