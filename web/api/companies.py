"""Companies, and the mail domains by which their people are known."""

from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import Provide
from litestar.params import QueryParameter
from msgspec import UNSET, Meta, UnsetType
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from helpdesk import companies, contact_lists, contacts, fields
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.fields import Subject
from helpdesk.people import Company
from web.api.answers import Answer, Listed
from web.api.contacts import FieldValues
from web.api.given import PAGE, After, Given, Limit, Patch, PathId, Sent, Word
from web.api.openapi import PREFIX
from web.api.shapes import Ref, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.people.finding import CurrentCompany, visible_company

CompanyName = Annotated[Word, Meta(examples=["Lumen GmbH"])]
Domain = Annotated[str, Meta(max_length=253, examples=["lumen.example"])]
COMPANY = {"company": Provide(visible_company)}


class CompanyRow(Shape):
    id: int
    name: CompanyName
    domains: list[Domain]
    people: int


class CompanyView(Shape):
    id: int
    name: CompanyName
    notes: str
    time_zone: str
    fields: FieldValues
    domains: list[Ref]
    """Each with the id by which it can be removed."""


class NewCompany(Sent):
    name: CompanyName
    domain: Domain = ""


class CompanyPatch(Patch):
    name: CompanyName | UnsetType = UNSET
    notes: Annotated[str, Meta(max_length=contacts.LONGEST_NOTE)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64, examples=["Europe/Berlin"])] | UnsetType = UNSET
    fields: FieldValues | UnsetType = UNSET


class NewDomain(Sent):
    domain: Domain


class Companies(Controller):
    path = "/companies"
    dependencies = COMPANY
    opt = {"resource": "companies"}  # noqa: RUF012

    @get(opt=permits(Action.read_contacts), summary="List companies")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        q: Annotated[str, QueryParameter(max_length=100, description="Name or domain.")] = "",
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[CompanyRow]:
        """By name from A to Z, as far as the agent knows their people."""
        found = await contact_lists.companies(session, agent, q=q, after=after, limit=limit)
        rows = [
            CompanyRow(
                id=row.id,
                name=row.name,
                domains=row.domains.split(", ") if row.domains else [],
                people=row.people,
            )
            for row in found.rows
        ]
        return Listed(items=rows, next=found.after or None)

    @post(opt=permits(Action.change_contacts), summary="Make a company")
    async def create(
        self, session: Session, agent: CurrentAgent, given: Given[NewCompany]
    ) -> Answer[CompanyView]:
        made = await companies.create(session, given.name, by=agent, domain=given.domain)
        headers = {"location": f"{PREFIX}/companies/{made.id}"}
        return Answer(await _view(session, made), status_code=201, headers=headers)

    @get("/{number:int}", opt=permits(Action.read_contacts), summary="Show a company")
    async def show(self, session: Session, company: CurrentCompany, number: PathId) -> CompanyView:
        return await _view(session, company)

    @patch("/{number:int}", opt=permits(Action.change_contacts), summary="Change a company")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        company: CurrentCompany,
        number: PathId,
        given: Given[CompanyPatch],
    ) -> CompanyView:
        values = given.given()
        if given.fields is not UNSET:
            registry = await fields.load(session, Subject.company)
            await contacts.change_fields(session, company, registry.read(values.pop("fields")), by=agent)
        await companies.change(session, company, values, by=agent)
        return await _view(session, company)


class Domains(Controller):
    path = "/companies/{number:int}/domains"
    dependencies = COMPANY
    opt = {"resource": "companies"}  # noqa: RUF012

    @post(opt=permits(Action.change_contacts), summary="Add a mail domain to a company")
    async def add(
        self,
        session: Session,
        agent: CurrentAgent,
        company: CurrentCompany,
        number: PathId,
        given: Given[NewDomain],
    ) -> CompanyView:
        """Contacts from it that have no company belong to this one from now on."""
        await companies.add_domain(session, company, given.domain, by=agent)
        return await _view(session, company)

    @delete(
        "/{domain_id:int}",
        opt=permits(Action.change_contacts),
        summary="Remove a mail domain",
        status_code=200,
    )
    async def remove(
        self,
        session: Session,
        agent: CurrentAgent,
        company: CurrentCompany,
        number: PathId,
        domain_id: PathId,
    ) -> CompanyView:
        found = next((each for each in company.domains if each.id == domain_id), None)
        if found is None:
            raise NotFound
        await companies.remove_domain(session, company, found, by=agent)
        return await _view(session, company)


async def _view(session: AsyncSession, company: Company) -> CompanyView:
    await session.flush()
    found = (
        await session.scalars(
            select(Company)
            .where(Company.id == company.id)
            .options(selectinload(Company.domains))
            .execution_options(populate_existing=True)
        )
    ).one()
    return CompanyView(
        id=found.id,
        name=found.name,
        notes=found.notes,
        time_zone=found.time_zone,
        fields=found.fields,
        domains=[Ref(id=each.id, name=each.domain) for each in found.domains],
    )
