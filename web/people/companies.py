"""Companies: the list, and one with its domains, its people and what they asked for."""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from helpdesk import companies, contact_history, contact_lists
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.people import Contact
from web.auth import permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.people import choices
from web.people.fields import shown_fields
from web.people.finding import COMPANY, CurrentCompany, Number, back


class NewCompany(Fields):
    name: str
    domain: str = ""


class Details(Fields):
    name: str
    time_zone: str = ""
    notes: str = ""
    shares_tickets: bool = False


class DomainForm(Fields):
    domain: str


class Companies(Controller):
    path = "/companies"
    dependencies = COMPANY

    @get(opt=permits(Action.read_contacts))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        q: FromQuery[str] = "",
        after: FromQuery[str] = "",
    ) -> Html:
        found = await contact_lists.companies(session, agent, q=q, after=after)
        context: dict[str, Any] = {"found": found, "q": q}
        if page.asks_for("more"):
            return page("people/_company_rows.html", **context)
        if page.asks_for("found"):
            return page("people/_companies.html", **context)
        return page("people/companies.html", shell=await Shell.load(session, agent), **context)

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Redirect:
        form = await read(request, NewCompany)
        return back(await companies.create(session, form.name, by=agent, domain=form.domain))

    @get("/{number:int}", opt=permits(Action.read_contacts))
    async def show(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        company: CurrentCompany,
        after: FromQuery[str] = "",
    ) -> Html:
        found = await contact_lists.listed(session, agent, company_id=company.id, after=after)
        if page.asks_for("more"):
            return page("people/_contact_rows.html", found=found, company=company)
        return page(
            "people/company.html",
            company=company,
            found=found,
            tickets=await contact_history.tickets(session, agent, Contact.company_id == company.id),
            fields=await shown_fields(session, company),
            zones=choices.zones(),
            shell=await Shell.load(session, agent),
        )

    @post("/{number:int}", opt=permits(Action.change_contacts))
    async def change(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, company: CurrentCompany
    ) -> Redirect:
        form = await read(request, Details)
        given = {"name": form.name, "time_zone": form.time_zone, "notes": form.notes}
        await companies.change(session, company, given, by=agent)
        await companies.share(session, company, form.shares_tickets, by=agent)
        return back(company)


class Domains(Controller):
    path = "/companies/{number:int}/domains"
    dependencies = COMPANY

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, company: CurrentCompany
    ) -> Redirect:
        form = await read(request, DomainForm)
        await companies.add_domain(session, company, form.domain, by=agent)
        return back(company)

    @post("/{domain:int}/removal", opt=permits(Action.change_contacts))
    async def remove(
        self, session: Session, agent: CurrentAgent, company: CurrentCompany, domain: Number
    ) -> Redirect:
        found = next((each for each in company.domains if each.id == domain), None)
        if found is None:
            raise NotFound
        await companies.remove_domain(session, company, found, by=agent)
        return back(company)
