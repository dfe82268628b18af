"""Deleting a ticket for good, by hand: only what was put away before, and never what holds other tickets' words."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import erasing
from helpdesk.erasing import Gone
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.tickets import Removal, Ticket


async def delete_for_good(session: AsyncSession, ticket: Ticket, *, by: Actor) -> Gone:
    """With everything said in it; what happened to it stays in the event log. Its files may go after the commit."""
    if ticket.removed not in {Removal.spam, Removal.trash}:
        raise NotPutAway
    if await session.scalar(select(Ticket.id).where(Ticket.merged_into_id == ticket.id).limit(1)):
        raise HoldsOthers
    session.add(Event(Kind.ticket_deleted, by=by, about=ticket, number=ticket.number, was=ticket.removed))
    await session.flush()
    gone = await erasing.delete_tickets(session, [ticket.id])
    session.expunge(ticket)
    return gone


class NotPutAway(Conflict):
    message = _("Only what is in spam or in the trash can be deleted for good.")


class HoldsOthers(Conflict):
    message = _("Other tickets were merged into this one. Undo those merges first.")
