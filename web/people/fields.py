"""Custom fields of contacts and companies, shown and read by their kinds."""

from typing import Any

from litestar import Controller, Request, post
from litestar.response import Redirect
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import contacts, fields
from helpdesk.access import Action
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.people import Company, Contact
from helpdesk.values import Value
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.people.finding import COMPANY, CONTACT, CurrentCompany, CurrentContact, back

PREFIX = "field."
Shown = tuple[CustomField, Any, str]


async def shown_fields(session: AsyncSession, of: Contact | Company) -> list[Shown]:
    """Each field that can be filled in, with its value and that in words; archived ones where they have one."""
    registry = await fields.load(session, Subject.contact if isinstance(of, Contact) else Subject.company)
    return [
        (field, of.fields.get(field.key), field.show(of.fields.get(field.key)))
        for field in registry.all
        if not field.archived or field.key in of.fields
    ]


async def read_values(
    request: Request[Any, Any, Any], session: AsyncSession, subject: Subject
) -> dict[str, Value]:
    """All fields of the form, each by its kind; raises BadValue naming the first that does not fit."""
    form = await request.form()
    found: dict[str, Value] = {}
    for field in await fields.load(session, subject):
        given = [text for text in form.getall(PREFIX + field.key, []) if isinstance(text, str)]
        several = field.kind is FieldKind.choices
        found[field.key] = field.read([text for text in given if text] if several else "".join(given[-1:]))
    return found


class ContactFields(Controller):
    path = "/contacts/{number:int}/fields"
    dependencies = CONTACT

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, contact: CurrentContact
    ) -> Redirect:
        given = await read_values(request, session, Subject.contact)
        await contacts.change_fields(session, contact, given, by=agent)
        return back(contact)


class CompanyFields(Controller):
    path = "/companies/{number:int}/fields"
    dependencies = COMPANY

    @post(opt=permits(Action.change_contacts))
    async def create(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, company: CurrentCompany
    ) -> Redirect:
        given = await read_values(request, session, Subject.company)
        await contacts.change_fields(session, company, given, by=agent)
        return back(company)
