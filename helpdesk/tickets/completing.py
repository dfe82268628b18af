"""Required fields, asked for where a resolved ticket meets the database: no way to resolve goes around it."""

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Mapper

from helpdesk.fields import CustomField, Registry, Subject, Unfilled
from helpdesk.tickets.row import TicketRow


def check(mapper: Mapper[Any], connection: Connection, ticket: TicketRow) -> None:
    """Before an update of a ticket: one statement, and only when an agent has just resolved it. Raises Unfilled."""
    if not ticket.__dict__.pop("needs_all_fields", False) or not ticket.is_settled:
        return
    rows = connection.execute(
        select(CustomField.key, CustomField.name, CustomField.position, CustomField.id).where(
            CustomField.subject == Subject.ticket, CustomField.required, ~CustomField.archived
        )
    ).all()
    required = [
        CustomField(
            id=row.id, key=row.key, name=row.name, position=row.position, required=True, archived=False
        )
        for row in rows
    ]
    if missing := Registry(Subject.ticket, required).missing(ticket.fields):
        raise Unfilled(missing)
