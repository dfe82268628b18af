"""Taking an import back: what it made goes, unless it is somebody by now; what it changed is as it was, unless
somebody has changed it since."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.contact_csv.models import ContactImport

MINE = "FROM contact_import_change x WHERE x.import_id = :import"
ALIVE = """(
  EXISTS (SELECT FROM ticket t WHERE t.contact_id = c.id) OR EXISTS (SELECT FROM message m WHERE m.contact_id = c.id)
  OR EXISTS (SELECT FROM contact_note n WHERE n.contact_id = c.id)
  OR EXISTS (SELECT FROM ticket_participant p WHERE p.contact_id = c.id)
  OR EXISTS (SELECT FROM contact_merge g WHERE c.id IN (g.winner_id, g.loser_id))
  OR EXISTS (SELECT FROM contact_import_change y WHERE y.contact_id = c.id AND y.import_id <> :import)
  OR EXISTS (SELECT FROM contact_identity i WHERE i.contact_id = c.id AND i.origin <> 'import'))"""
"""Somebody beside the import: wrote, was noted, merged, changed by another import, or given another address."""

TAKE_IDENTITIES = f"""
DELETE FROM contact_identity i USING contact_import_change x, contact c
WHERE x.import_id = :import AND i.id = ANY(x.identities) AND c.id = x.contact_id AND i.contact_id = c.id
  AND i.verified_at IS NULL AND (NOT x.made OR NOT {ALIVE})
  AND NOT EXISTS (SELECT FROM message m WHERE m.contact_id = c.id AND m.sender = i.value)
"""  # noqa: S608 - constants
TAKE_CONTACTS = f"""
DELETE FROM contact c USING contact_import_change x
WHERE x.import_id = :import AND x.made AND c.id = x.contact_id AND NOT {ALIVE}
  AND NOT EXISTS (SELECT FROM contact_identity i WHERE i.contact_id = c.id)
"""  # noqa: S608 - constants
RESTORE = """
UPDATE contact c SET
  name = CASE WHEN x.was ? 'name' AND c.name = x.became ->> 'name' THEN x.was ->> 'name' ELSE c.name END,
  title = CASE WHEN x.was ? 'title' AND c.title = x.became ->> 'title' THEN x.was ->> 'title' ELSE c.title END,
  language = CASE WHEN x.was ? 'language' AND c.language = x.became ->> 'language'
                  THEN x.was ->> 'language' ELSE c.language END,
  time_zone = CASE WHEN x.was ? 'time_zone' AND c.time_zone = x.became ->> 'time_zone'
                   THEN x.was ->> 'time_zone' ELSE c.time_zone END,
  company_id = CASE WHEN x.was ? 'company' AND c.company_id = (x.became ->> 'company')::bigint
                    THEN (SELECT id FROM company f WHERE f.id = (x.was ->> 'company')::bigint) ELSE c.company_id END,
  blocked_at = CASE WHEN x.was ? 'blocked' AND (c.blocked_at IS NOT NULL) = (x.became ->> 'blocked')::boolean
                    THEN nullif(x.was ->> 'blocked', '')::timestamptz ELSE c.blocked_at END,
  fields = (c.fields - coalesce((
      SELECT array_agg(key) FROM jsonb_array_elements_text(x.was -> 'added') key
      WHERE c.fields -> key = x.became -> 'fields' -> key), '{}'))
    || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(x.was -> 'fields')
      WHERE c.fields -> key = x.became -> 'fields' -> key), '{}')
FROM contact_import_change x WHERE x.import_id = :import AND NOT x.made AND c.id = x.contact_id
"""
KEPT = f"SELECT count(*) {MINE} AND x.made"
FORGET_COMPANIES = """
DELETE FROM company f WHERE f.id = ANY(:made)
  AND NOT EXISTS (SELECT FROM contact c WHERE c.company_id = f.id)
  AND NOT EXISTS (SELECT FROM company_domain d WHERE d.company_id = f.id)
"""


async def revert(session: AsyncSession, done: ContactImport) -> dict[str, int]:
    """removed: contacts that it had made; restored: those it had changed; kept: made, but somebody by now."""
    given = {"import": done.id}
    await session.execute(text(TAKE_IDENTITIES), given)
    removed = await session.execute(text(TAKE_CONTACTS), given)
    restored = await session.execute(text(RESTORE), given)
    kept = await session.scalar(text(KEPT), given)
    await session.execute(text(FORGET_COMPANIES), {"made": done.report.get("company_ids", [])})
    await session.execute(text(f"DELETE {MINE}"), given)
    return {"removed": removed.rowcount, "restored": restored.rowcount, "kept": kept or 0}  # type: ignore[attr-defined]
