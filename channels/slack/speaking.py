"""In which language the desk answers whoever presses a button, fills in a form or types the command."""

from sqlalchemy import select

from channels.slack import people
from channels.slack.case import Case
from channels.slack.reading import KIND
from helpdesk import options
from helpdesk.people import Contact, ContactIdentity
from helpdesk.tickets import Ticket

COLLEAGUES = "en"  # what the console is written in


async def language_of(case: Case) -> str:
    """A customer's as it is known, else what they wrote in last, else what Slack speaks to them, else the desk's."""
    if not case.found.user:
        return COLLEAGUES
    person = await people.who(case.calls, case.found.user)
    async with case.desk.sessions() as session:
        if await people.agent(session, case.me, person):
            return COLLEAGUES
        contact = await session.scalar(
            select(Contact)
            .join(ContactIdentity, ContactIdentity.contact_id == Contact.id)
            .where(ContactIdentity.kind == KIND, ContactIdentity.value == f"{case.me.team}/{person.id}")
        )
        known = contact.language if contact else ""
        if contact and not known:
            wrote = select(Ticket.language).where(
                Ticket.contact_id == contact.id, Ticket.language.is_not(None)
            )
            known = await session.scalar(wrote.order_by(Ticket.id.desc()).limit(1)) or ""
        return known or person.language or (await options.load(session)).language
