"""Lists of contacts and companies: by name from A to Z, or by likeness to what somebody typed, page after page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, cast, func, literal, or_, select, true, tuple_, union
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import is_visible
from helpdesk.contacts import is_known, knows_all
from helpdesk.identities import WRITTEN_TO
from helpdesk.people import Agent, Company, CompanyDomain, Contact, ContactIdentity
from helpdesk.statements import literally
from helpdesk.texts import clean
from helpdesk.tickets import Ticket
from helpdesk.views import BadCursor

PAGE = 50
LONGEST = 100  # characters of a search
CUT = 60  # characters of a name by which lists are in order, as their index is
NEAR = 500  # of 1,000: how like a word must be, where it is not contained


@dataclass(frozen=True)
class Found:
    rows: Sequence[Any]
    after: str
    """Where the next page begins; empty on the last."""


async def listed(
    session: AsyncSession,
    agent: Agent,
    *,
    q: str = "",
    company_id: int | None = None,
    blocked: bool = False,
    after: str = "",
    limit: int = PAGE,
) -> Found:
    """Contacts that this agent may know of; what they asked for is counted as far as the agent may see it."""
    q = " ".join(clean(q).split())[:LONGEST]
    query = _columns(agent).where(is_known(agent), Contact.merged_into_id.is_(None))
    if company_id is not None:
        query = query.where(Contact.company_id == company_id)
    if blocked:
        query = query.where(Contact.blocked_at.is_not(None))
    place: ColumnElement[Any] = _name(Contact.name)
    if q:
        query = query.where(Contact.id.in_(_contacts_like(q)))
        place = _unlikeness(q)
    return await _page(session, query, place, Contact.id, after, limit)


async def companies(
    session: AsyncSession, agent: Agent, *, q: str = "", after: str = "", limit: int = PAGE
) -> Found:
    """Companies of contacts that this agent may know of, and, for who knows of all, those without any."""
    q = " ".join(clean(q).split())[:LONGEST]
    people = select(func.count()).where(
        Contact.company_id == Company.id, Contact.merged_into_id.is_(None), is_known(agent)
    )
    domains = select(func.string_agg(CompanyDomain.domain, ", ")).where(
        CompanyDomain.company_id == Company.id
    )
    query = select(
        Company.id,
        Company.name,
        domains.scalar_subquery().label("domains"),
        people.scalar_subquery().label("people"),
    ).where(sees_company(agent))
    place: ColumnElement[Any] = _name(Company.name)
    if q:
        has_domain = select(CompanyDomain.company_id).where(
            CompanyDomain.domain.ilike(_containing(q), escape="\\")
        )
        query = query.where(or_(*_like(Company.name, q), Company.id.in_(has_domain)))
    return await _page(session, query, place, Company.id, after, limit)


def sees_company(agent: Agent) -> ColumnElement[bool]:
    """Whoever knows of all contacts knows of all companies; others of those of the contacts they know."""
    if knows_all(agent):
        return true()
    return Company.id.in_(select(Contact.company_id).where(is_known(agent)).correlate(None))


def _columns(agent: Agent) -> Select[Any]:
    theirs = (Ticket.contact_id == Contact.id, is_visible(agent))
    last = select(Ticket.last_message_at).where(*theirs).order_by(Ticket.last_message_at.desc()).limit(1)
    opened = select(func.count()).where(*theirs, Ticket.is_active)
    address = (
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == Contact.id, ContactIdentity.kind.in_(WRITTEN_TO))
        .order_by(ContactIdentity.kind != "email", ContactIdentity.id)
        .limit(1)
    )
    return select(
        Contact.id,
        Contact.name,
        Contact.title,
        Contact.blocked_at,
        Contact.company_id,
        Company.name.label("company"),
        address.scalar_subquery().label("address"),
        last.scalar_subquery().label("last_at"),
        opened.scalar_subquery().label("open"),
    ).outerjoin(Company, Company.id == Contact.company_id)


def _contacts_like(q: str) -> Select[Any]:
    """Ids by name, address or company; each way by its own trigram index."""
    named = select(Contact.id).where(or_(*_like(Contact.name, q)))
    addressed = select(ContactIdentity.contact_id).where(
        ContactIdentity.value.ilike(_containing(_typed(q)), escape="\\")
    )
    firm = (
        select(Contact.id).join(Company, Company.id == Contact.company_id).where(or_(*_like(Company.name, q)))
    )
    return select(union(named, addressed, firm).subquery().c[0])


def _like(column: Any, q: str) -> list[ColumnElement[bool]]:
    """Contained, or with a slip of the finger: `q <% name` is answered by the trigram index."""
    return [column.ilike(_containing(q), escape="\\"), literal(q).op("<%")(column)]


def _typed(q: str) -> str:
    """A phone number as it is stored, where that is what it looks like."""
    digits = "".join(character for character in q if character.isdigit())
    return digits.lstrip("0") if len(digits) >= 5 and not any(map(str.isalpha, q)) and "@" not in q else q


def _containing(q: str) -> str:
    escaped = q.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def _unlikeness(q: str) -> ColumnElement[Any]:
    """0 to 1,000, so that the likest come first; whole numbers, so that a page's end is exact."""
    likeness = func.greatest(
        func.word_similarity(q, Contact.name), func.coalesce(func.word_similarity(q, Company.name), 0) * 0.8
    )
    return cast(1000 - likeness * 1000, Integer)


def _name(column: Any) -> ColumnElement[Any]:
    return func.lower(func.left(column, literally(CUT)))  # as the index has it, whatever the plan


async def _page(
    session: AsyncSession, query: Select[Any], place: ColumnElement[Any], number: Any, after: str, limit: int
) -> Found:
    query = query.add_columns(place.label("place")).order_by(place, number).limit(literally(limit + 1))
    if after:
        query = query.where(tuple_(place, number) > tuple_(*_cursor(after, place)))
    rows = (await session.execute(query)).all()
    more = len(rows) > limit
    return Found(rows[:limit], f"{rows[limit - 1].id}~{rows[limit - 1].place}" if more else "")


def _cursor(after: str, place: ColumnElement[Any]) -> tuple[Any, Any]:
    number, found, where = after.partition("~")
    if not found or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise BadCursor
    if isinstance(place.type, Integer):
        if not (where.isascii() and where.lstrip("-").isdigit() and len(where) < 6):
            raise BadCursor
        return literal(int(where)), literal(int(number))
    return literal(clean(where)), literal(int(number))
