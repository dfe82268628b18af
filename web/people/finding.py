"""What handlers of this folder are given: the contact or company of the address, as far as the agent may."""

from typing import Annotated, Any

from litestar.connection import Request
from litestar.di import Provide
from litestar.params import PathParameter, SkipValidation
from litestar.response import Redirect
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.access import Action
from helpdesk.contact_lists import sees_company
from helpdesk.contacts import is_known
from helpdesk.errors import NotFound
from helpdesk.people import Company, Contact
from web.auth import PERMISSION
from web.dependencies import CurrentAgent, Session

Number = Annotated[int, PathParameter(ge=1, le=2**63 - 1)]
CurrentContact = SkipValidation[Contact]
CurrentCompany = SkipValidation[Company]


async def visible_contact(
    request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
) -> Contact:
    """With identities and company; locked where the request changes something.

    One that was merged is found by who only looks: its page sends on to the contact that stands for both.
    """
    action: Action = request.route_handler.opt[PERMISSION]
    query = select(Contact).where(is_known(agent, action), is_known(agent), Contact.id == number)
    if request.method != "GET":
        query = query.where(Contact.merged_into_id.is_(None)).with_for_update(of=Contact, key_share=True)
    contact = await session.scalar(
        query.options(selectinload(Contact.identities), joinedload(Contact.company))
    )
    if contact is None:
        raise NotFound
    return contact


async def visible_company(
    request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, number: Number
) -> Company:
    query = select(Company).where(Company.id == number, sees_company(agent))
    if request.method != "GET":
        query = query.with_for_update(of=Company)
    company = await session.scalar(query.options(selectinload(Company.domains)))
    if company is None:
        raise NotFound
    return company


CONTACT = {"contact": Provide(visible_contact)}
COMPANY = {"company": Provide(visible_company)}


def back(contact: Contact | Company, part: str = "") -> Redirect:
    """To the page that shows what was just changed."""
    area = "contacts" if isinstance(contact, Contact) else "companies"
    return Redirect(f"/{area}/{contact.id}{part}", status_code=303)
