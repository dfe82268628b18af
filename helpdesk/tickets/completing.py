"""Required fields, asked for where a resolved ticket meets the database: no way to resolve goes around it."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.fields import CustomField, Registry, Subject, Unfilled
from helpdesk.tickets.row import TicketRow


def check(session: Session, context: Any, instances: Any) -> None:
    """Before a flush: one statement, and only when an agent has just resolved a ticket. Raises Unfilled.

    Nothing is written by then, so whoever catches it can go on with the session.
    """
    resolved = [
        one for one in session.dirty if isinstance(one, TicketRow) and one.__dict__.get("needs_all_fields")
    ]
    if not resolved:
        return
    registry = _required(session)
    for ticket in resolved:
        if ticket.is_settled and (missing := registry.missing(ticket.fields)):
            raise Unfilled(missing)
        del ticket.__dict__["needs_all_fields"]


def _required(session: Session) -> Registry:
    query = select(CustomField.key, CustomField.name, CustomField.position, CustomField.id).where(
        CustomField.subject == Subject.ticket, CustomField.required, ~CustomField.archived
    )
    return Registry(
        Subject.ticket,
        [
            CustomField(
                id=row.id, key=row.key, name=row.name, position=row.position, required=True, archived=False
            )
            for row in session.execute(query).all()
        ],
    )
