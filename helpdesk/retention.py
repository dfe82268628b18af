"""How long an inbox's tickets are kept once they are settled, and erasing one person before that.

A rule is made switched off, shows what it would do, and is switched on by somebody who has seen it. Then a
worker goes through what is due, in batches. A ticket whose content is erased keeps its number, its times and
its events; a deleted one leaves its events.
"""

# ruff: noqa: S608 - names come from the database's own catalogue, values are always bound
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, and_, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, joinedload, mapped_column, relationship

from helpdesk import chat, erasing
from helpdesk.clock import desk_now, now
from helpdesk.database import Choice, Row, committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Actor, Event, Kind
from helpdesk.i18n import Text, _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Attachment, Message
from helpdesk.people import Contact, ContactIdentity
from helpdesk.tickets import Ticket

BATCH = 100  # tickets of one transaction


class Act(StrEnum):
    anonymise = "anonymise"
    delete = "delete"


ACTS: dict[Act, Text] = {
    Act.anonymise: _("Erase what was said, keep the ticket for statistics"),
    Act.delete: _("Delete the ticket for good"),
}


class Rule(Row):
    """What becomes of an inbox's tickets so many days after they were settled."""

    __tablename__ = "retention_rule"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id", ondelete="CASCADE"), unique=True)
    days: Mapped[int]
    act: Mapped[Act] = mapped_column(Choice(Act))
    active: Mapped[bool] = mapped_column(default=False, server_default="false")
    done: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Tickets, all in all."""
    last_at: Mapped[datetime | None]

    inbox: Mapped[Inbox] = relationship(lazy="raise")

    @property
    def is_due(self) -> ColumnElement[bool]:
        """The tickets that it is for. What waits to leave, or is merged, is not settled business yet."""
        leaving = exists().where(Message.ticket_id == Ticket.id, Message.delivery.in_(["queued", "sending"]))
        return and_(
            Ticket.inbox_id == self.inbox_id,
            Ticket.settled,
            Ticket.erased_at.is_(None),
            Ticket.resolved_at < desk_now() - timedelta(days=self.days),
            ~leaving,
        )


@dataclass(frozen=True)
class Preview:
    """What a rule would do today."""

    tickets: int = 0
    messages: int = 0
    files: int = 0
    bytes: int = 0
    oldest: datetime | None = None


async def preview(session: AsyncSession, rule: Rule) -> Preview:
    due = select(Ticket.id).where(rule.is_due).subquery()
    tickets, oldest = (
        await session.execute(
            select(func.count(), func.min(Ticket.resolved_at)).where(Ticket.id.in_(select(due.c.id)))
        )
    ).one()
    messages = await session.scalar(
        select(func.count()).select_from(Message).where(Message.ticket_id.in_(select(due.c.id)))
    )
    files, size = (
        await session.execute(
            select(func.count(), func.coalesce(func.sum(Attachment.size), 0))
            .join(Message, Message.id == Attachment.message_id)
            .where(Message.ticket_id.in_(select(due.c.id)))
        )
    ).one()
    return Preview(tickets, messages or 0, files, int(size), oldest)


async def set_rule(
    session: AsyncSession, inbox: Inbox, *, days: int, act: Act, active: bool, by: Actor
) -> Rule:
    """Makes the inbox's rule, or changes it. A rule whose terms changed is switched off again until it is
    switched on by itself, so that nobody erases more than they have seen."""
    rule = await session.scalar(select(Rule).where(Rule.inbox_id == inbox.id))
    if rule is None:
        rule = Rule(inbox_id=inbox.id, days=days, act=act, active=False, done=0)
        session.add(rule)
        active = False
    elif (rule.days, rule.act) != (days, act):
        rule.days, rule.act, active = days, act, False
    was, rule.active = rule.active, active
    await session.flush()
    session.add(Event(Kind.retention_changed, by=by, about=rule, days=days, act=act, was=was, now=active))
    return rule


async def remove_rule(session: AsyncSession, rule: Rule, *, by: Actor) -> None:
    session.add(Event(Kind.retention_changed, by=by, about=rule, removed=True))
    await session.delete(rule)


async def sweep(desk: Desk) -> int:
    """One batch of every rule that is on; returns how many tickets. Safe for many at once."""
    async with desk.sessions() as session:
        rules = (await session.scalars(select(Rule).where(Rule.active))).all()
    return sum([await _apply(desk, rule.id) for rule in rules])


async def _apply(desk: Desk, rule_id: int) -> int:
    async with committed(desk.sessions) as session:
        rule = await session.get(Rule, rule_id)
        if rule is None or not rule.active:
            return 0
        due = select(Ticket).where(rule.is_due).order_by(Ticket.resolved_at, Ticket.id).limit(BATCH)
        tickets = (await session.scalars(due.with_for_update(skip_locked=True))).all()
        if not tickets:
            return 0
        ids, contacts = [ticket.id for ticket in tickets], {ticket.contact_id for ticket in tickets}
        for ticket in tickets:
            kind = Kind.ticket_deleted if rule.act is Act.delete else Kind.content_erased
            session.add(Event(kind, by=DESK, ticket_id=ticket.id, rule=rule.id, number=ticket.number))
        await session.flush()
        if rule.act is Act.delete:
            gone = await erasing.delete_tickets(session, ids)
        else:
            gone = await erasing.empty_tickets(session, ids, gettext("(erased)"))
        await _forget_those_without_tickets(session, contacts)
        rule.done, rule.last_at = rule.done + len(ids), now()
    async with committed(desk.sessions) as session:
        await erasing.remove_files(desk, session, gone.files)
    return len(ids)


async def _forget_those_without_tickets(session: AsyncSession, contacts: set[int]) -> None:
    """A person all of whose tickets were erased is not known any more, either."""
    left = exists().where(Ticket.contact_id == Contact.id, Ticket.erased_at.is_(None))
    wrote = exists().where(
        Message.contact_id == Contact.id, Message.ticket_id == Ticket.id, Ticket.erased_at.is_(None)
    )
    forgotten = await session.scalars(
        select(Contact).where(Contact.id.in_(contacts), Contact.erased_at.is_(None), ~left, ~wrote)
    )
    for contact in forgotten.all():
        await _forget(session, contact)


@dataclass
class Erasure:
    """The proof: what was erased, and where the person's addresses still stand, if anywhere."""

    contact_id: int
    tickets: int
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    remains: dict[str, int] = field(default_factory=dict)
    """Column → rows that still name one of their addresses, such as what other people wrote."""


async def erase(session: AsyncSession, desk: Desk, contact: Contact, *, by: Actor) -> Erasure:
    """Everything that is known of a person, now. Their tickets stay, empty; what others wrote stays.

    The caller commits; files that nothing else names are removed here, since content is named by its sha256
    and no other row can begin to name these without bringing them again.
    """
    if contact.erased_at is not None:
        raise AlreadyErased
    known = list(
        await session.scalars(select(ContactIdentity.value).where(ContactIdentity.contact_id == contact.id))
    )
    names = [*known, contact.name]
    tickets = list(await session.scalars(select(Ticket.id).where(Ticket.contact_id == contact.id)))
    gone = await erasing.empty_tickets(session, tickets, gettext("(erased)"))
    elsewhere = await erasing.empty_messages(
        session,
        "contact_id = :contact AND NOT ticket_id = ANY(:tickets)",
        contact=contact.id,
        tickets=tickets,
    )
    for table, rows in elsewhere.rows.items():
        gone.count(table, rows)
    await _out_of_copies(session, known)
    gone.count("contact_identity", len(known))
    gone.count("chat_visitor", await chat.forget(session, known))
    await _forget(session, contact)
    await session.flush()
    files = await erasing.remove_files(desk, session, gone.files | elsewhere.files)
    remains = await mentions(session, [name for name in names if "@" in name])
    proof = Erasure(contact.id, len(tickets), gone.rows, files, remains)
    session.add(
        Event(Kind.contact_erased, by=by, about=contact, rows=gone.rows, files=files, remains=remains)
    )
    return proof


async def _forget(session: AsyncSession, contact: Contact) -> None:
    contact.name = gettext("Erased person %(id)s") % {"id": contact.id}
    contact.title = contact.language = contact.time_zone = ""
    contact.company_id, contact.fields, contact.erased_at = None, {}, now()
    await session.flush()
    keys = await erasing._keys(session)
    for key in keys:
        if key.parent == "contact" and key.required and key.child != "ticket":
            await session.execute(
                text(f'DELETE FROM "{key.child}" WHERE "{key.column}" = :id'), {"id": contact.id}
            )
    await session.execute(text("DELETE FROM ticket_participant WHERE contact_id = :id"), {"id": contact.id})
    await erasing.empty_ratings(session, "contact_id = :id", id=contact.id)
    await session.execute(
        text("UPDATE rating SET contact_id = NULL WHERE contact_id = :id"), {"id": contact.id}
    )
    await session.execute(
        text("UPDATE article_feedback SET contact_id = NULL, comment = '' WHERE contact_id = :id"),
        {"id": contact.id},
    )


async def _out_of_copies(session: AsyncSession, addresses: list[str]) -> None:
    for address in addresses:
        for column in ("recipients", "copies"):
            await session.execute(
                text(f"UPDATE message SET {column} = array_remove({column}, :it) WHERE :it = ANY({column})"),
                {"it": address},
            )


TEXTS = """
SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'text[]', 'citext')
ORDER BY 1, 2
"""


async def mentions(session: AsyncSession, words: list[str]) -> dict[str, int]:
    """Column → rows of the whole desk in which one of these words stands. Reads everything."""
    found: dict[str, int] = {}
    patterns = [f"%{_literally(word)}%" for word in words if word]
    if not patterns:
        return found
    for table, column, _kind in (await session.execute(text(TEXTS))).all():
        query = text(f'SELECT count(*) FROM "{table}" WHERE CAST("{column}" AS text) ILIKE ANY(:patterns)')
        if rows := await session.scalar(query, {"patterns": patterns}):
            found[f"{table}.{column}"] = rows
    return found


def _literally(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def rules(session: AsyncSession) -> dict[int, Rule]:
    """Inbox → its rule."""
    found = await session.scalars(select(Rule).options(joinedload(Rule.inbox)))
    return {rule.inbox_id: rule for rule in found}


class AlreadyErased(Conflict):
    message = _("Nothing is known of this person any more: they were erased before.")
