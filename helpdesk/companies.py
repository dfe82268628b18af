"""Companies: whose people write to us, known by their mail domains."""

import re
from collections.abc import Mapping

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.contacts import LONGEST_NOTE, time_zone
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.maildomains import is_public
from helpdesk.people import Company, CompanyDomain
from helpdesk.texts import clean

LONGEST = 200
DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SHARED = re.compile(r"(?:co|com|org|net|ac|gov|edu|or|ne)\.[a-z]{2}")
"""`co.uk` and its like: registries, not companies."""


class NameTaken(Conflict):
    message = _("There is a company with this name already.")


class NoDomain(Invalid):
    message = _("This is no mail domain; one looks like acme.com.")


class PublicDomain(Invalid):
    message = _(
        "Anybody can have an address at this domain, so it says nothing about a company. Choose the company for "
        "each of its people instead."
    )


class DomainTaken(Conflict):
    message = _("This domain belongs to another company. Take it away there first.")


async def create(session: AsyncSession, name: str, *, by: Actor, domain: str = "") -> Company:
    company = Company(name=await _free(session, name), fields={})
    session.add(company)
    await session.flush()
    session.add(Event(Kind.company_created, by=by, about=company))
    if domain.strip():
        await add_domain(session, company, domain, by=by)
    return company


async def change(
    session: AsyncSession, company: Company, given: Mapping[str, str], *, by: Actor
) -> list[str]:
    """Sets name, notes, time_zone, as far as `given`; returns what is another now."""
    cleaned = {key: await _checked(session, company, key, value) for key, value in given.items()}
    changed = [key for key, value in cleaned.items() if getattr(company, key) != value]
    for key in changed:
        setattr(company, key, cleaned[key])
    if changed:
        session.add(Event(Kind.company_changed, by=by, about=company, changed=changed))
    return changed


async def share(session: AsyncSession, company: Company, shares: bool, *, by: Actor) -> None:
    """Whether its people see each other's tickets in the help centre, from now on."""
    if company.shares_tickets is not shares:
        company.shares_tickets = shares
        session.add(Event(Kind.company_changed, by=by, about=company, changed=["shares_tickets"]))


async def add_domain(session: AsyncSession, company: Company, domain: str, *, by: Actor) -> CompanyDomain:
    """New contacts from it belong to the company from now on, and so do known ones that have none.

    Raises NoDomain, PublicDomain, DomainTaken.
    """
    name = domain_name(domain)
    if is_public(name):
        raise PublicDomain
    found = await session.scalar(select(CompanyDomain).where(CompanyDomain.domain == name))
    if found and found.company_id == company.id:
        return found
    if found:
        raise DomainTaken
    made = CompanyDomain(company_id=company.id, domain=name)
    session.add(made)
    await session.flush()
    joined = await _join(session, company, name)
    session.add(Event(Kind.domain_added, by=by, about=company, domain=made.id, joined=joined))
    return made


async def remove_domain(session: AsyncSession, company: Company, domain: CompanyDomain, *, by: Actor) -> None:
    """Who belongs to the company stays."""
    await session.delete(domain)
    session.add(Event(Kind.domain_removed, by=by, about=company, domain=domain.id))


async def called(session: AsyncSession, name: str) -> Company | None:
    return await session.scalar(select(Company).where(Company.name == _line(name)))


def domain_name(text: str) -> str:
    """As it is stored: lower case, without what people put in front of it."""
    name = clean(text).strip().lower().rpartition("@")[2].removeprefix("www.").rstrip(".")
    try:
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        raise NoDomain from None
    if len(name) > 253 or not DOMAIN.fullmatch(name) or SHARED.fullmatch(name):
        raise NoDomain
    return name


async def _join(session: AsyncSession, company: Company, domain: str) -> list[int]:
    """Contacts of this domain that have no company; their ids, so that it can be told and taken back."""
    query = text("""
        UPDATE contact c SET company_id = :company
        WHERE company_id IS NULL AND merged_into_id IS NULL AND EXISTS (
          SELECT FROM contact_identity i WHERE i.contact_id = c.id AND i.kind = 'email' AND i.proof <> 'failed'
          AND (i.value LIKE :exact OR i.value LIKE :below))
        RETURNING id
    """)
    like = domain.replace("\\", r"\\").replace("_", r"\_").replace("%", r"\%")
    given = {"company": company.id, "exact": f"%@{like}", "below": f"%@%.{like}"}
    return sorted(await session.scalars(query, given))


async def _checked(session: AsyncSession, company: Company, key: str, value: str) -> str:
    if key == "name":
        return await _free(session, value, company)
    if key == "time_zone":
        return time_zone(value)
    written = clean(value).replace("\r\n", "\n").strip()
    if len(written) > LONGEST_NOTE:
        raise Invalid(gettext("There is room for %(most)s characters here.") % {"most": LONGEST_NOTE})
    return written


async def _free(session: AsyncSession, name: str, company: Company | None = None) -> str:
    line = _line(name)
    if not line:
        raise Invalid(gettext("A company needs a name."))
    if len(line) > LONGEST:
        raise Invalid(gettext("There is room for %(most)s characters in a name.") % {"most": LONGEST})
    found = await session.scalar(select(Company.id).where(Company.name == line))
    if found and (company is None or found != company.id):
        raise NameTaken
    return line


def _line(name: str) -> str:
    return " ".join(clean(name).split())
