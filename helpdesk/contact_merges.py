"""Two contacts that are one person, and how that is taken back exactly.

The winner gets everything of the loser; what the winner does not know is filled from the loser. The loser stays as
an empty row that points to the winner. One `contact_merge` row remembers the id of everything that was moved, so
undoing moves exactly that back. What came in between belongs to whoever's address it came from.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, bindparam, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Row
from helpdesk.errors import Conflict
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, Contact, ContactIdentity, sender_lock

MOVED = (
    "contact_identity",
    "contact_note",
    "ticket",
    "message",
    "ticket_participant",
    "rating",
    "rating_refusal",
    "article_feedback",
)
"""Tables whose `contact_id` moves to the winner."""
STAYS = ("contact", "contact_merge", "contact_distinct", "contact_import_change", "assistant_code")
"""Tables that name contacts and say what was so; they never move."""
GAPS = ("title", "language", "time_zone", "company_id")


class ContactMerge(Row):
    __tablename__ = "contact_merge"

    winner_id: Mapped[int] = mapped_column(ForeignKey("contact.id"), index=True)
    loser_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    moved: Mapped[dict[str, Any]]
    """Table → ids that were moved; `in_copy`: participants that both were; `filled`: what the winner was given."""
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_contact_merge_loser", "loser_id", unique=True, postgresql_where=text("undone_at IS NULL")),
    )


class SameContact(Conflict):
    message = _("A contact cannot be merged with itself.")


class MergedAlready(Conflict):
    message = _("One of these contacts was merged in the meantime. Open it again.")


class UndoneAlready(Conflict):
    message = _("This merge has been undone already.")


class MergedFurther(Conflict):
    message = _("The contact was merged into another one since. Undo that first.")


async def merge(
    session: AsyncSession, winner: Contact, loser: Contact, *, by: Agent | Contact
) -> ContactMerge:
    """Everything of `loser` becomes `winner`'s. Both are locked; raises MergedAlready, SameContact."""
    if winner.id == loser.id:
        raise SameContact
    await _locked(session, winner, loser)
    if winner.merged_into_id or loser.merged_into_id:
        raise MergedAlready
    moved: dict[str, Any] = {"in_copy": await _in_copy_twice(session, winner, loser)}
    for table in MOVED:
        moved[table] = await _move(session, table, loser.id, winner.id)
    moved["filled"] = _fill(winner, loser)
    loser.merged_into_id = winner.id
    agent_id = by.id if isinstance(by, Agent) else None
    made = ContactMerge(winner_id=winner.id, loser_id=loser.id, agent_id=agent_id, moved=moved)
    session.add(made)
    await session.flush()
    session.add(Event(Kind.contact_merged, by=by, about=winner, other=loser.id, merge=made.id))
    return made


async def unmerge(session: AsyncSession, done: ContactMerge, *, by: Agent) -> Contact:
    """Both as they were, and what came in between with whoever wrote it; returns the loser, alive again."""
    winner, loser = await _pair(session, done)
    if done.undone_at is not None:
        raise UndoneAlready
    if winner.merged_into_id:
        raise MergedFurther
    moved = done.moved
    senders = await _addresses(session, moved["contact_identity"], winner)
    for table in MOVED:
        await _move(session, table, winner.id, loser.id, only=moved.get(table, []))  # older merges moved less
    await _come_between(session, winner, loser, senders, done.created_at)
    await _copy_again(session, moved["in_copy"])
    _empty(winner, moved["filled"])
    loser.merged_into_id = None
    done.undone_at = now()
    session.add(Event(Kind.contact_unmerged, by=by, about=winner, other=loser.id, merge=done.id))
    return loser


async def merges_into(session: AsyncSession, contact: Contact) -> Sequence[Any]:
    """What was merged into it and can be undone, newest first: rows of merge, loser's name, agent's name."""
    query = (
        select(ContactMerge.id, ContactMerge.created_at, Contact.name, Agent.name.label("agent"))
        .join(Contact, Contact.id == ContactMerge.loser_id)
        .outerjoin(Agent, Agent.id == ContactMerge.agent_id)
        .where(ContactMerge.winner_id == contact.id, ContactMerge.undone_at.is_(None))
        .order_by(ContactMerge.id.desc())
    )
    return (await session.execute(query)).all()


async def _locked(session: AsyncSession, *contacts: Contact) -> None:
    """First the senders, as intake does, so that no message of either is being received; then the rows."""
    ids = sorted(contact.id for contact in contacts)
    known = await session.execute(
        select(ContactIdentity.kind, ContactIdentity.value).where(ContactIdentity.contact_id.in_(ids))
    )
    for kind, value in sorted(tuple(row) for row in known.all()):  # in the one order that intake has as well
        await session.execute(select(sender_lock(kind, value)))
    await session.execute(
        select(Contact)
        .where(Contact.id.in_(ids))
        .order_by(Contact.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def _pair(session: AsyncSession, done: ContactMerge) -> tuple[Contact, Contact]:
    winner = await session.get_one(Contact, done.winner_id)
    loser = await session.get_one(Contact, done.loser_id)
    await _locked(session, winner, loser)
    await session.refresh(done, with_for_update=True)
    return winner, loser


async def _move(
    session: AsyncSession, table: str, source: int, target: int, *, only: list[int] | None = None
) -> list[int]:
    """Ids of what was moved. What is no longer the source's is left alone."""
    chosen = "" if only is None else "AND id = ANY(:only)"
    query = text(
        f"UPDATE {table} SET contact_id = :target WHERE contact_id = :source {chosen} RETURNING id"  # noqa: S608 - of MOVED
    )
    given: dict[str, Any] = {"target": target, "source": source} | ({} if only is None else {"only": only})
    return sorted(await session.scalars(query, given))


async def _in_copy_twice(session: AsyncSession, winner: Contact, loser: Contact) -> list[dict[str, Any]]:
    """Where both are in copy, one row is enough; the other is remembered as it was."""
    query = text("""
        DELETE FROM ticket_participant mine USING ticket_participant theirs
        WHERE mine.contact_id = :loser AND theirs.contact_id = :winner AND mine.ticket_id = theirs.ticket_id
        RETURNING mine.id, mine.ticket_id, mine.contact_id, mine.part, mine.created_at
    """)
    rows = await session.execute(query, {"loser": loser.id, "winner": winner.id})
    return [dict(row._mapping) | {"created_at": row.created_at.isoformat()} for row in rows]


async def _copy_again(session: AsyncSession, rows: list[dict[str, Any]]) -> None:
    if rows:
        query = text("""
            INSERT INTO ticket_participant (id, ticket_id, contact_id, part, created_at) OVERRIDING SYSTEM VALUE
            SELECT r.id, r.ticket_id, r.contact_id, r.part, r.created_at
            FROM jsonb_to_recordset(:rows)
              AS r(id bigint, ticket_id bigint, contact_id bigint, part text, created_at timestamptz)
            WHERE EXISTS (SELECT FROM ticket t WHERE t.id = r.ticket_id)
            ON CONFLICT DO NOTHING
        """).bindparams(bindparam("rows", type_=JSONB()))
        await session.execute(query, {"rows": rows})


async def _addresses(session: AsyncSession, identities: list[int], winner: Contact) -> list[str]:
    found = await session.scalars(
        select(ContactIdentity.value).where(
            ContactIdentity.id.in_(identities), ContactIdentity.contact_id == winner.id
        )
    )
    return list(found)


async def _come_between(
    session: AsyncSession, winner: Contact, loser: Contact, senders: list[str], since: datetime
) -> None:
    """What the loser's addresses sent while merged, and the tickets that it opened, go to the loser."""
    messages = text("""
        UPDATE message SET contact_id = :loser
        WHERE contact_id = :winner AND created_at >= :since AND sender = ANY(:senders)
    """)
    tickets = text("""
        UPDATE ticket t SET contact_id = :loser
        WHERE t.contact_id = :winner AND t.created_at >= :since AND (
          SELECT m.sender FROM message m WHERE m.ticket_id = t.id AND m.contact_id IS NOT NULL
          ORDER BY m.id LIMIT 1) = ANY(:senders)
    """)
    given = {"loser": loser.id, "winner": winner.id, "since": since, "senders": senders}
    await session.execute(tickets, given)
    await session.execute(messages, given)


def _fill(winner: Contact, loser: Contact) -> dict[str, Any]:
    filled: dict[str, Any] = {}
    for key in GAPS:
        if not getattr(winner, key) and getattr(loser, key):
            filled[key] = getattr(loser, key)
            setattr(winner, key, filled[key])
    if fields := {key: value for key, value in loser.fields.items() if key not in winner.fields}:
        filled["fields"] = fields
        winner.fields = {**winner.fields, **fields}
    return filled


def _empty(winner: Contact, filled: dict[str, Any]) -> None:
    """What was filled and nobody has changed since is empty again."""
    for key in GAPS:
        if key in filled and getattr(winner, key) == filled[key]:
            setattr(winner, key, None if key == "company_id" else "")
    given = filled.get("fields", {})
    winner.fields = {
        key: value for key, value in winner.fields.items() if given.get(key) != value or key not in given
    }
