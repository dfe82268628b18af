"""Taking an import back: what it made goes, what was there before stays, and so does what was used since."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import erasing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.imports.rows import Imported, ImportRun, State
from helpdesk.messages import Message
from helpdesk.tickets import Ticket

BATCH = 100  # tickets of one transaction

LEFT = {
    "contact": """
        DELETE FROM contact c USING imported i
        WHERE i.run_id = :run AND i.kind = 'contact' AND i.made AND i.row_id = c.id
          AND NOT EXISTS (SELECT FROM ticket t WHERE t.contact_id = c.id)
          AND NOT EXISTS (SELECT FROM message m WHERE m.contact_id = c.id)
          AND NOT EXISTS (SELECT FROM ticket_participant p WHERE p.contact_id = c.id)
          AND NOT EXISTS (SELECT FROM contact_merge g WHERE c.id IN (g.winner_id, g.loser_id))
          AND NOT EXISTS (SELECT FROM contact_note n WHERE n.contact_id = c.id AND n.agent_id IS NOT NULL)
        RETURNING c.id
    """,
    "agent": """
        DELETE FROM agent a USING imported i
        WHERE i.run_id = :run AND i.kind = 'agent' AND i.made AND i.row_id = a.id AND NOT a.active
          AND a.password_hash IS NULL
          AND NOT EXISTS (SELECT FROM ticket t WHERE t.assignee_id = a.id)
          AND NOT EXISTS (SELECT FROM message m WHERE m.agent_id = a.id)
        RETURNING a.id
    """,
    "company": """
        DELETE FROM company c USING imported i
        WHERE i.run_id = :run AND i.kind = 'company' AND i.made AND i.row_id = c.id
          AND NOT EXISTS (SELECT FROM contact p WHERE p.company_id = c.id)
        RETURNING c.id
    """,
}
"""What is deleted of the rest, when nothing else has come to need it."""
OF_CONTACTS = """
DELETE FROM {table} x USING imported i, contact c
WHERE i.run_id = :run AND i.kind = 'contact' AND i.made AND i.row_id = c.id AND x.contact_id = c.id
  AND NOT EXISTS (SELECT FROM ticket t WHERE t.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM message m WHERE m.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM ticket_participant p WHERE p.contact_id = c.id)
  AND NOT EXISTS (SELECT FROM contact_merge g WHERE c.id IN (g.winner_id, g.loser_id))
  AND NOT EXISTS (SELECT FROM contact_note n WHERE n.contact_id = c.id AND n.agent_id IS NOT NULL)
"""


class NotRevertible(Conflict):
    message = _("Only an import that has ended can be taken back, and only once.")


@dataclass
class Reverted:
    tickets: int = 0
    kept: int = 0
    """Tickets in which something was said since."""
    contacts: int = 0
    agents: int = 0
    companies: int = 0


async def revert(desk: Desk, run_id: int, *, by: Actor) -> Reverted:
    """In batches; who interrupts it starts it again. Custom fields, tags and teams stay: others may use them."""
    done = Reverted()
    async with committed(desk.sessions) as session:
        run = await session.get(ImportRun, run_id, with_for_update=True)
        if run is None or run.dry or run.state not in {State.done, State.failed, State.reverting}:
            raise NotRevertible
        run.state = State.reverting
    while count := await _tickets(desk, run_id):
        done.tickets += count
    async with committed(desk.sessions) as session:
        done.kept = await _count_kept(session, run_id)
        for table in ("contact_identity", "contact_note"):
            await session.execute(text(OF_CONTACTS.format(table=table)), {"run": run_id})
        counts = {
            kind: len((await session.execute(text(q), {"run": run_id})).all()) for kind, q in LEFT.items()
        }
        done.contacts, done.agents, done.companies = counts["contact"], counts["agent"], counts["company"]
        await _forget(session, run_id)
        run = await session.get_one(ImportRun, run_id)
        run.state, run.finished_at = State.reverted, now()
        session.add(Event(Kind.import_reverted, by=by, about=run, tickets=done.tickets, kept=done.kept))
    return done


async def _tickets(desk: Desk, run_id: int) -> int:
    async with committed(desk.sessions) as session:
        ids = (
            await session.scalars(
                select(Imported.row_id)
                .join(Ticket, Ticket.id == Imported.row_id)
                .where(Imported.run_id == run_id, Imported.kind == "ticket", Imported.made, ~_used())
                .limit(BATCH)
            )
        ).all()
        gone = await erasing.delete_tickets(session, ids) if ids else erasing.Gone()
    async with committed(desk.sessions) as session:
        await erasing.remove_files(desk, session, gone.files)
    return len(ids)


def _used() -> ColumnElement[bool]:
    """Something was said in the ticket that no import brought."""
    brought = exists().where(Imported.kind == "message", Imported.row_id == Message.id)
    return exists().where(Message.ticket_id == Ticket.id, ~brought)


async def _count_kept(session: AsyncSession, run_id: int) -> int:
    query = select(Imported.row_id).join(Ticket, Ticket.id == Imported.row_id)
    found = await session.scalars(
        query.where(Imported.run_id == run_id, Imported.kind == "ticket", Imported.made)
    )
    return len(found.all())


async def _forget(session: AsyncSession, run_id: int) -> None:
    """What was deleted may be imported again; what stayed is still known."""
    for kind, table in {
        "ticket": "ticket",
        "message": "message",
        "contact": "contact",
        "agent": "agent",
        "company": "company",
        "field": "custom_field",
    }.items():
        await session.execute(
            text(
                f"DELETE FROM imported i WHERE i.run_id = :run AND i.kind = :kind "  # noqa: S608 - names of ours
                f"AND NOT EXISTS (SELECT FROM {table} t WHERE t.id = i.row_id)"
            ),
            {"run": run_id, "kind": kind},
        )
