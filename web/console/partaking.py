"""People of a ticket, changed from beside it: who is in copy, who follows, whose it is; and tickets linked to it."""

from typing import Annotated, Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta
from sqlalchemy import Select, func, select

from helpdesk import contact_lists, copying, links
from helpdesk.access import Action, is_visible, require, visible_tickets
from helpdesk.contacts import visible_contacts
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _, gettext
from helpdesk.links import Side
from helpdesk.people import Agent, Contact
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.workplace import changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html

CHOICES = 8
Form = Request[Any, Any, Any]


class CopyForm(Fields):
    address: Annotated[str, Meta(max_length=400)] = ""
    contact: int = 0
    """A known contact; else the address counts."""


class FollowerForm(Fields):
    agent: str = "me"


class RequesterForm(CopyForm):
    keep: bool = False
    """The present one stays in copy."""


class LinkForm(Fields):
    other: Annotated[str, Meta(max_length=40)]
    """A ticket's number, with or without the desk's prefix."""
    side: Side


class NobodyLikeThat(Invalid):
    message = _("This person is not there any more, or cannot be chosen. Reload the page and choose again.")


class NoSuchTicket(Invalid):
    message = _("There is no such ticket, or you may not change it.")


class Copies(Controller):
    path = "/tickets/{number:int}/copies"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        form = await read(request, CopyForm)
        await session.refresh(ticket, ["participants"])
        if form.contact:
            ticket.copy_in(await _contact(session, agent, form.contact), by=agent)
        else:
            await copying.add(session, ticket, form.address, by=agent)
        return await changed(request, page, session, agent, ticket)

    @delete("/{contact_id:int}", opt=permits(Action.change), status_code=200)
    async def remove(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        contact_id: FromPath[int],
    ) -> Response[Any]:
        await session.refresh(ticket, ["participants"])
        if contact := await session.get(Contact, contact_id):
            ticket.take_out(contact, by=agent)
        return await changed(request, page, session, agent, ticket)


class Followers(Controller):
    path = "/tickets/{number:int}/followers"

    @post(opt=permits(Action.read), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        """Oneself; a colleague, who may read it from then on, needs the permission to assign."""
        whom = await _colleague(session, agent, ticket, (await read(request, FollowerForm)).agent)
        await session.refresh(ticket, ["participants"])
        ticket.follow(whom, by=agent)
        return await changed(request, page, session, agent, ticket)

    @delete("/{agent_id:str}", opt=permits(Action.read), status_code=200)
    async def remove(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        agent_id: FromPath[str],
    ) -> Response[Any]:
        whom = await _colleague(session, agent, ticket, agent_id)
        await session.refresh(ticket, ["participants"])
        ticket.unfollow(whom, by=agent)
        return await changed(request, page, session, agent, ticket)


class Requesters(Controller):
    path = "/tickets/{number:int}/requester"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        form = await read(request, RequesterForm)
        contact = await _contact(session, agent, form.contact)
        await session.refresh(ticket, ["participants"])
        await copying.hand_to(session, ticket, contact, keep=form.keep, by=agent)
        await session.flush()
        session.expire(ticket, ["contact"])
        await session.refresh(ticket, ["contact"])
        await session.refresh(ticket.contact, ["company", "identities"])
        words = gettext("%(name)s is the requester now") % {"name": contact.name}
        return await changed(request, page, session, agent, ticket, toast=words)


class Links(Controller):
    path = "/tickets/{number:int}/links"

    @post(opt=permits(Action.change), status_code=200)
    async def create(
        self, request: Form, session: Session, agent: CurrentAgent, page: ThisPage, ticket: CurrentTicket
    ) -> Response[Any]:
        form = await read(request, LinkForm)
        other = await _other(session, agent, page.typed_number(form.other))
        await links.link(session, ticket, other, form.side, by=agent)
        return await changed(request, page, session, agent, ticket)

    @delete("/{side:str}/{other:int}", opt=permits(Action.change), status_code=200)
    async def remove(
        self,
        request: Form,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        side: FromPath[str],
        other: FromPath[int],
    ) -> Response[Any]:
        if side not in set(Side):
            raise NotFound
        await links.unlink(session, ticket, await _other(session, agent, other), Side(side), by=agent)
        return await changed(request, page, session, agent, ticket)

    @get("/choices", opt=permits(Action.change))
    async def choices(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        q: FromQuery[str] = "",
    ) -> Html:
        """By number, else the newest of the same customer, else by the words of the subject."""
        found = await session.execute(_candidates(agent, ticket, q, page.typed_number(q)))
        return page("console/tickets/pickers/_ticket_choices.html", tickets=found.all())


@get("/tickets/{number:int}/people/choices", opt=permits(Action.change))
async def people_choices(
    session: Session,
    agent: CurrentAgent,
    page: ThisPage,
    ticket: CurrentTicket,
    q: FromQuery[str] = "",
    new: FromQuery[bool] = False,
) -> Html:
    """Contacts that the agent may know of, by name or address; `new`: an unknown address can be taken as well."""
    found = await contact_lists.listed(session, agent, q=q, limit=CHOICES) if q.strip() else None
    address = q.strip() if new and "@" in q else ""
    rows = [row for row in (found.rows if found else []) if row.id != ticket.contact_id]
    return page("console/tickets/pickers/_people_choices.html", people=rows, address=address)


def _candidates(agent: Agent, ticket: Ticket, q: str, number: int | None) -> Select[*tuple[Any, ...]]:
    words = " ".join(clean(q).split())[:100]
    query = (
        select(Ticket.number, Ticket.subject, Contact.name.label("contact"))
        .join(Contact, Contact.id == Ticket.contact_id)
        .where(is_visible(agent, Action.change), Ticket.id != ticket.id)
        .limit(CHOICES)
    )
    if number:
        return query.where(Ticket.number == number)
    if not words:
        return query.where(Ticket.contact_id == ticket.contact_id).order_by(Ticket.last_message_at.desc())
    # Among the newest: a subject has no index of its own, and who links remembers what was there of late.
    newest = (
        select(Ticket.id)
        .where(is_visible(agent, Action.change))
        .order_by(Ticket.id.desc())
        .limit(5000)
        .subquery()
    )
    return query.where(
        Ticket.id.in_(select(newest.c.id)),
        func.lower(Ticket.subject).contains(words.lower(), autoescape=True),
    ).order_by(Ticket.id.desc())


async def _contact(session: Session, agent: Agent, number: int) -> Contact:
    query = visible_contacts(agent).where(Contact.id == number)
    if (contact := await session.scalar(query)) is None:
        raise NobodyLikeThat
    return contact


async def _colleague(session: Session, agent: Agent, ticket: Ticket, given: str) -> Agent:
    """Raises Forbidden for a colleague where oneself would be allowed."""
    if given in {"me", str(agent.id)}:
        return agent
    require(agent, Action.assign, ticket)
    found = (
        await session.get(Agent, int(given))
        if given.isascii() and given.isdigit() and len(given) < 19
        else None
    )
    if found is None or not found.active:
        raise NobodyLikeThat
    return found


async def _other(session: Session, agent: Agent, number: int | None) -> Ticket:
    query = visible_tickets(agent, Action.change).where(Ticket.number == (number or 0))
    found = await session.scalar(query)
    if found is None:
        raise NoSuchTicket
    return found


ROUTES: list[Any] = [Copies, Followers, Requesters, Links, people_choices]
