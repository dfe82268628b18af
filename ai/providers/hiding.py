"""Whose names, and which values of custom fields, do not leave with what is asked about a ticket."""

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.fields import Subject
from helpdesk.messages import Message
from helpdesk.participants import Participant
from helpdesk.people import Agent, Company, Contact
from helpdesk.tickets import Ticket

MOST = 60
"""Names of one ticket: each is looked for in every text."""
SHORTEST = 3
"""Letters of a value; a shorter one stands in half of all sentences."""


async def names(session: AsyncSession, ticket_id: int) -> list[str]:
    """Of the customer, of everybody in copy or who wrote, of colleagues among them; third parties of side
    conversations as well."""
    customer = select(Ticket.contact_id).where(Ticket.id == ticket_id)
    part = select(Participant.contact_id).where(Participant.ticket_id == ticket_id)
    wrote = select(Message.contact_id).where(Message.ticket_id == ticket_id)
    follow = select(Participant.agent_id).where(Participant.ticket_id == ticket_id)
    answered = select(Message.agent_id).where(Message.ticket_id == ticket_id)
    contacts = select(Contact.name).where(Contact.id.in_(union(customer, part, wrote).scalar_subquery()))
    agents = select(Agent.name).where(Agent.id.in_(union(follow, answered).scalar_subquery()))
    own = await session.scalar(
        select(Contact.name).join(Ticket, Ticket.contact_id == Contact.id).where(Ticket.id == ticket_id)
    )
    others = await session.scalars(union(contacts, agents).limit(MOST))
    return list(dict.fromkeys(name for name in [own, *others] if name))


async def values(session: AsyncSession, ticket_id: int, hidden: Iterable[str]) -> list[str]:
    """What these fields hold for the ticket, its customer and their company. `hidden`: names like `contact.birthday`,
    the subject and the key."""
    wanted = set(hidden)
    if not wanted:
        return []
    row = (
        await session.execute(
            select(Ticket.fields, Contact.fields, Company.fields)
            .join(Contact, Contact.id == Ticket.contact_id)
            .outerjoin(Company, Company.id == Contact.company_id)
            .where(Ticket.id == ticket_id)
        )
    ).one_or_none()
    found: list[str] = []
    for subject, held in zip((Subject.ticket, Subject.contact, Subject.company), row or (), strict=False):
        for filled in (await fields.load(session, subject)).filled(held or {}):
            if f"{subject}.{filled.field.key}" in wanted:
                found += _said(filled.value)
    return list(dict.fromkeys(text for text in found if len(text) >= SHORTEST))


def _said(value: Any) -> Iterator[str]:
    """A value as people may have written it: each of several choices by itself; yes and no are nobody's secret."""
    if isinstance(value, list):
        for each in value:
            yield from _said(each)
    elif not isinstance(value, bool):
        yield str(value)
