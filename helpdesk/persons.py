"""Everything about one person, for that person: what a law such as the GDPR (articles 15 and 20) gives them."""

import json
import zipfile
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.desk import Desk
from helpdesk.events import Actor, Event, Kind
from helpdesk.people import Contact

PARTS = {
    "contact": "SELECT id, name, title, language, time_zone, fields, created_at FROM contact WHERE id = :id",
    "company": "SELECT c.name FROM company c JOIN contact p ON p.company_id = c.id WHERE p.id = :id",
    "addresses": "SELECT kind, value, created_at FROM contact_identity WHERE contact_id = :id ORDER BY id",
    "notes": "SELECT text, created_at FROM contact_note WHERE contact_id = :id ORDER BY id",
    "tickets": """
        SELECT number, subject, category, priority, fields, created_at, resolved_at FROM ticket
        WHERE contact_id = :id ORDER BY id
    """,
    "messages": """
        SELECT t.number AS ticket, m.id, m.direction, m.text, m.quoted, m.html, m.sent_at, m.sender, m.recipients,
          m.copies FROM message m JOIN ticket t ON t.id = m.ticket_id
        WHERE m.direction <> 'note' AND m.side_id IS NULL AND m.withdrawn_at IS NULL
          AND (m.contact_id = :id OR (t.contact_id = :id AND m.direction = 'outbound')) ORDER BY m.id
    """,
    "ratings": """
        SELECT t.number AS ticket, r.kind, r.asked_at, r.score, r.comment, r.answered_at, r.channel FROM rating r
        JOIN ticket t ON t.id = r.ticket_id WHERE r.contact_id = :id AND (r.asked_at IS NOT NULL OR r.score IS NOT NULL)
        ORDER BY r.id
    """,
    "words_on_articles": """
        SELECT a.title AS article, f.helpful, f.comment, f.changed_at FROM article_feedback f
        JOIN article a ON a.id = f.article_id WHERE f.contact_id = :id ORDER BY f.id
    """,
}
"""Part → rows. What colleagues wrote to each other in tickets, and to third parties, is not the person's."""
FILES = """
    SELECT a.id, a.message_id, a.name, a.content_type, a.size, a.key FROM attachment a
    JOIN message m ON m.id = a.message_id JOIN ticket t ON t.id = m.ticket_id
    WHERE m.direction <> 'note' AND m.side_id IS NULL
      AND (m.contact_id = :id OR (t.contact_id = :id AND m.direction = 'outbound')) ORDER BY a.id
"""


async def copy_out(session: AsyncSession, desk: Desk, contact: Contact, target: Path, *, by: Actor) -> int:
    """Writes a ZIP of one JSON document and all files; returns how many files. The caller commits."""
    told: dict[str, Any] = {}
    for part, query in PARTS.items():
        told[part] = [
            dict(row) for row in (await session.execute(text(query), {"id": contact.id})).mappings()
        ]
    files = [dict(row) for row in (await session.execute(text(FILES), {"id": contact.id})).mappings()]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            file["in_this_archive"] = f"files/{file['id']}"
            path = desk.files.path(file.pop("key"))
            if path.exists():
                packed.write(path, file["in_this_archive"])
        told["files"] = files
        packed.writestr("person.json", json.dumps(told, indent=2, ensure_ascii=False, default=str))
    session.add(Event(Kind.contact_copied_out, by=by, about=contact, files=len(files)))
    return len(files)
