"""In which language the desk itself speaks to a customer."""

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import options
from helpdesk.people import Contact
from helpdesk.tickets import Ticket


async def language_for(session: AsyncSession, ticket: Ticket) -> str:
    """What is known of them, else what they wrote in, else the desk's own; not yet whether there are words in it."""
    contact = await session.get(Contact, ticket.contact_id)
    known = (contact.language if contact else "") or ticket.language
    return known or (await options.load(session)).language
