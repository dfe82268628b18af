"""What is deleted for good, and what is left of what was said: nothing but that something was.

Tables are found through the database's own foreign keys, so that a new one that hangs on a ticket or a
message is never forgotten. Events stay, as tombstones: they hold ids and words of ours, never what people
wrote.
"""

# ruff: noqa: S608 - names come from the database's own catalogue, values are always bound
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import webhooks
from helpdesk.desk import Desk

OWNED = {
    "model_record.ticket_id",
    "kept.message_id",
    "ticket.merged_into_id",
    "evaluation_case.message_id",
    "precedent.ticket_id",
    "precedent.question_id",
    "precedent.answer_id",
}
"""Foreign keys that may be empty, but whose rows go with what they point to."""
SPARED = {
    "classification": "numbers and words of the desk's own",
    "message": "emptied, not deleted",
    "rating": "the number stays; what was written beside it is emptied",
    "notification": "what an agent has seen; it names the ticket and holds no text",
    "slack_card": "ids; what stands on the card is told anew, without what was erased",
    "sla_clock": "promises and whether they were kept",
    "ticket_fact": "times and counts for the reports",
    "ticket_link": "which tickets belong together",
    "ticket_merge": "where messages came from; what it remembers of subjects is emptied",
    "ticket_participant": "colleagues who follow; contacts in copy are removed",
    "ticket_read": "what an agent has seen",
    "ticket_tag": "words of ours",
    "bulk_change_ticket": "which tickets a change met",
    "webhook_delivery": "deleted by the ticket's number: no key names it, since the log outlives its tickets",
}
"""Tables of a ticket's or message's own that stay when its content is erased. All others are deleted."""

NAMED = (
    "SELECT 1 FROM attachment WHERE key = :key UNION ALL SELECT 1 FROM article_image WHERE key = :key LIMIT 1"
)

KEYS = """
SELECT child.relname AS child, a.attname AS column, parent.relname AS parent, a.attnotnull AS required
FROM pg_constraint c
JOIN pg_class child ON child.oid = c.conrelid JOIN pg_class parent ON parent.oid = c.confrelid
JOIN pg_namespace n ON n.oid = c.connamespace AND n.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND cardinality(c.conkey) = 1
ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Key:
    child: str
    column: str
    parent: str
    required: bool

    @property
    def is_owned(self) -> bool:
        return self.required or f"{self.child}.{self.column}" in OWNED


@dataclass
class Gone:
    """What was deleted or emptied, by table; `files` may be removed when the transaction is committed."""

    rows: dict[str, int] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)

    def count(self, table: str, rows: int) -> None:
        if rows > 0:
            self.rows[table] = self.rows.get(table, 0) + rows


async def delete_tickets(session: AsyncSession, ids: Sequence[int]) -> Gone:
    """For good, with everything that is theirs; also those that were merged into them."""
    gone = Gone()
    all_ids = await _with_merged(session, ids)
    gone.files = await _files(session, "m.ticket_id = ANY(:ids)", ids=all_ids)
    gone.count("webhook_delivery", await webhooks.forget(session, all_ids))
    keys = await _keys(session)
    where = "id = ANY(:ids)"
    await _delete_below(session, keys, "ticket", where, {"ids": all_ids}, gone, seen=())
    result = await session.execute(text(f"DELETE FROM ticket WHERE {where}"), {"ids": all_ids})
    gone.count("ticket", result.rowcount)  # type: ignore[attr-defined]
    return gone


async def empty_tickets(session: AsyncSession, ids: Sequence[int], subject: str) -> Gone:
    """Deletes what was said, keeps that it was: times, authors' sides, statuses, promises."""
    gone = await empty_messages(session, "ticket_id = ANY(:ids)", ids=list(ids))
    result = await session.execute(
        text("""
            UPDATE ticket SET subject = :subject, preview = '', fields = '{}', has_suggestion = false,
              erased_at = clock_timestamp() WHERE id = ANY(:ids)
        """),
        {"ids": list(ids), "subject": subject},
    )
    gone.count("ticket", result.rowcount)  # type: ignore[attr-defined]
    removed = await session.execute(
        text("DELETE FROM ticket_participant WHERE ticket_id = ANY(:ids) AND contact_id IS NOT NULL"),
        {"ids": list(ids)},
    )
    gone.count("ticket_participant", removed.rowcount)  # type: ignore[attr-defined]
    await _delete_spare(session, "ticket", "id = ANY(:ids)", {"ids": list(ids)}, gone)
    gone.count("rating", await empty_ratings(session, "ticket_id = ANY(:ids)", ids=list(ids)))
    return gone


async def empty_ratings(session: AsyncSession, where: str, **given: Any) -> int:
    """What customers wrote beside a number; returns how many had."""
    query = text(f"UPDATE rating SET comment = '' WHERE comment <> '' AND {where}")
    result = await session.execute(query, given)
    return int(result.rowcount)  # type: ignore[attr-defined]


async def empty_messages(session: AsyncSession, where: str, **given: Any) -> Gone:
    """Text, HTML, quotes, addresses, files, raw mails, suggestions and search index of these messages.

    Ids of mails stay, so that a late answer still finds its ticket.
    """
    gone = Gone(files=await _files(session, f"m.id IN (SELECT id FROM message WHERE {where})", **given))
    tickets = await session.scalars(text(f"SELECT DISTINCT ticket_id FROM message WHERE {where}"), given)
    gone.count("webhook_delivery", await webhooks.forget(session, tickets.all()))
    await _delete_spare(session, "message", where, given, gone)
    result = await session.execute(
        text(f"""
            UPDATE message SET text = '', quoted = NULL, html = NULL, sender = NULL,
              recipients = '{{}}', copies = '{{}}', original = NULL, trouble = NULL, before = NULL WHERE {where}
        """),
        given,
    )
    gone.count("message", result.rowcount)  # type: ignore[attr-defined]
    return gone


async def remove_files(desk: Desk, session: AsyncSession, keys: Iterable[str]) -> int:
    """After the commit: files that nothing names any more. Returns how many."""
    removed = 0
    for key in keys:
        if not await session.scalar(text(NAMED), {"key": key}):
            desk.files.path(key).unlink(missing_ok=True)
            removed += 1
    return removed


async def _delete_spare(
    session: AsyncSession, table: str, where: str, given: dict[str, Any], gone: Gone
) -> None:
    keys = await _keys(session)
    for key in keys:
        if key.parent == table and key.child not in {*SPARED, "ticket", "event"} and key.is_owned:
            condition = f"{key.column} IN (SELECT id FROM {table} WHERE {where})"
            await _delete_below(session, keys, key.child, condition, given, gone, seen=(table,))
            result = await session.execute(text(f'DELETE FROM "{key.child}" WHERE {condition}'), given)
            gone.count(key.child, result.rowcount)  # type: ignore[attr-defined]


async def _delete_below(
    session: AsyncSession,
    keys: list[Key],
    table: str,
    where: str,
    given: dict[str, Any],
    gone: Gone,
    *,
    seen: tuple[str, ...],
) -> None:
    """Children first. What merely points here, and may point nowhere, is let go."""
    for key in keys:
        if key.parent != table or (key.child == table and not key.required) or key.child in seen:
            continue
        condition = f'"{key.column}" IN (SELECT id FROM "{table}" WHERE {where})'
        if not key.is_owned:
            await session.execute(
                text(f'UPDATE "{key.child}" SET "{key.column}" = NULL WHERE {condition}'), given
            )
            continue
        await _delete_below(session, keys, key.child, condition, given, gone, seen=(*seen, table))
        result = await session.execute(text(f'DELETE FROM "{key.child}" WHERE {condition}'), given)
        gone.count(key.child, result.rowcount)  # type: ignore[attr-defined]
    for key in keys:
        if key.parent == key.child == table and not key.required and f"{table}.{key.column}" not in OWNED:
            condition = f'"{key.column}" IN (SELECT id FROM "{table}" WHERE {where})'
            await session.execute(
                text(f'UPDATE "{table}" SET "{key.column}" = NULL WHERE {condition}'), given
            )


async def _keys(session: AsyncSession) -> list[Key]:
    rows = await session.execute(text(KEYS))
    return [Key(row.child, row.column, row.parent, row.required) for row in rows]


async def _with_merged(session: AsyncSession, ids: Sequence[int]) -> list[int]:
    query = """
        WITH RECURSIVE all_of (id) AS (
          SELECT unnest(CAST(:ids AS bigint[]))
          UNION SELECT t.id FROM ticket t JOIN all_of a ON t.merged_into_id = a.id)
        SELECT id FROM all_of
    """
    return list(await session.scalars(text(query), {"ids": list(ids)}))


async def _files(session: AsyncSession, where: str, **given: Any) -> set[str]:
    query = f"SELECT DISTINCT a.key FROM attachment a JOIN message m ON m.id = a.message_id WHERE {where}"
    return set(await session.scalars(text(query), given))
