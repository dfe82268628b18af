"""The list of contacts, and one contact with everything that is known and was said: the whole picture."""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import contact_history, contact_lists, contact_merges, contacts, duplicates, satisfaction
from helpdesk.access import Action
from helpdesk.contacts import ContactNote
from helpdesk.events import Event, Kind
from helpdesk.identities import IdentityKind
from helpdesk.people import Agent, Contact
from helpdesk.satisfaction import figures
from helpdesk.views import Cursor
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people import choices
from web.people.fields import Shown, shown_fields
from web.people.finding import CONTACT, CurrentContact, back


class NewContact(Fields):
    name: str
    email: str = ""
    company: str = ""


class Details(Fields):
    name: str
    title: str = ""
    company: str = ""
    language: str = ""
    time_zone: str = ""


class Contacts(Controller):
    path = "/contacts"
    dependencies = CONTACT

    @get(opt=permits(Action.read_contacts))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        q: FromQuery[str] = "",
        blocked: FromQuery[bool] = False,
        after: FromQuery[str] = "",
    ) -> Html:
        found = await contact_lists.listed(session, agent, q=q, blocked=blocked, after=after)
        context: dict[str, Any] = {"found": found, "q": q, "blocked": blocked}
        if page.asks_for("more"):
            return page("people/_contact_rows.html", **context)
        if page.asks_for("found"):
            return page("people/_contacts.html", **context)
        return page("people/contacts.html", shell=await Shell.load(session, agent), **context)

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Redirect:
        form = await read(request, NewContact)
        company = await choices.company(session, agent, form.company)
        return back(await contacts.create(session, form.name, by=agent, email=form.email, company=company))

    @get("/{number:int}", opt=permits(Action.read_contacts))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        contact: CurrentContact,
        after: FromQuery[str] = "",
    ) -> Html | Redirect:
        if contact.merged_into_id:
            return Redirect(f"/contacts/{contact.merged_into_id}", status_code=303)
        cursor = Cursor.read(after) if after else None
        said = await contact_history.stream(session, agent, contact, after=cursor)
        if page.asks_for("more"):
            return page("people/_said.html", contact=contact, said=said)
        context = await picture(session, agent, contact)
        return page("people/contact.html", contact=contact, said=said, first=cursor is None, **context)

    @post("/{number:int}", opt=permits(Action.change_contacts))
    async def change(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        form = await read(request, Details)
        company = await choices.company(session, agent, form.company)
        given = {
            "name": form.name,
            "title": form.title,
            "language": form.language,
            "time_zone": form.time_zone,
            "company_id": company.id if company else None,
        }
        await contacts.change(session, contact, given, by=agent)
        return back(contact)


async def picture(session: AsyncSession, agent: Agent, contact: Contact) -> dict[str, Any]:
    """Everything around what was said."""
    notes = await session.execute(
        select(ContactNote.id, ContactNote.text, ContactNote.created_at, Agent.name.label("agent"))
        .outerjoin(Agent, Agent.id == ContactNote.agent_id)
        .where(ContactNote.contact_id == contact.id)
        .order_by(ContactNote.id.desc())
    )
    fields: list[Shown] = await shown_fields(session, contact)
    return {
        "shell": await Shell.load(session, agent),
        "numbers": await contact_history.numbers(session, agent, contact),
        "tickets": await contact_history.tickets(session, agent, Contact.id == contact.id),
        "notes": notes.all(),
        "fields": fields,
        "alike": await duplicates.like(session, agent, contact),
        "merges": await contact_merges.merges_into(session, contact),
        "by_domain": await _by_domain(session, contact),
        "ratings": await figures.of_contact(session, agent, contact),
        "declined": await satisfaction.declines(session, contact),
        "kinds": list(IdentityKind),
        "languages": choices.languages(agent.locale),
        "zones": choices.zones(),
    }


async def _by_domain(session: AsyncSession, contact: Contact) -> bool:
    """Whether the desk itself chose the company, by the address's domain, and nobody has changed it since."""
    if not contact.company_id:
        return False
    because = await session.scalar(
        select(Event.data["because"].astext)
        .where(
            Event.about == "contact",
            Event.about_id == contact.id,
            Event.kind.in_([Kind.contact_created, Kind.contact_changed]),
            Event.data.has_key("company") | Event.data.has_key("now"),
        )
        .order_by(Event.id.desc())
        .limit(1)
    )
    return because == "domain"
