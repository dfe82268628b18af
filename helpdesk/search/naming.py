"""Whose name was typed: contacts and companies that are called so, and contacts that are called nearly so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import OSA
from sqlalchemy import ColumnElement, Select, any_, bindparam, cast, func, select, union
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Text

from helpdesk.contact_lists import sees_company
from helpdesk.contacts import is_known
from helpdesk.people import Agent, Company, Contact, ContactIdentity
from helpdesk.statements import as_list, once, own_plans

MOST = 50
"""People whose names fit whose tickets are shown among the found."""
MEANT = 10
"""People who may have been meant by a name that nobody has."""
CANDIDATE = 0.4
"""Word similarity of trigrams from which a name is looked at, where it has more than one slip."""
LIKE_ENOUGH = 0.7
"""Share of a word's letters that are right and in place, neighbours that changed places counting as one wrong."""


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    address: str
    company: str | None


@dataclass(frozen=True)
class Named:
    id: int
    name: str


def name(words: str) -> str:
    """What was typed, where it can be somebody's name; else nothing."""
    found = words.replace('"', "").strip()
    return found if 3 <= len(found) <= 80 and " or " not in found else ""


async def called(session: AsyncSession, agent: Agent, name: str) -> tuple[Sequence[Person], Sequence[Named]]:
    """Contacts and companies of this name or address that the agent may know of."""
    has_it = {"has_it": f"%{_escaped(name)}%"}
    row = (await session.execute(_called(agent), has_it)).one()
    return [Person(**each) for each in row.people], [Named(**each) for each in row.companies]


@once
def _called(agent: Agent) -> Select[Any]:
    has_it: ColumnElement[str] = bindparam("has_it", type_=Text)
    known = is_known(agent)
    named = select(Contact.id).where(Contact.name.ilike(has_it), known).limit(MOST)
    known_as = (
        select(ContactIdentity.contact_id)
        .join(Contact, Contact.id == ContactIdentity.contact_id)
        .where(ContactIdentity.value.ilike(has_it), known)
        .limit(MOST)
    )
    # Each by its own index; an OR over both would read every contact.
    people = as_list(_people(union(named, known_as)), "people")
    companies = as_list(
        select(Company.id, Company.name)
        .where(Company.name.ilike(has_it), sees_company(agent))
        .order_by(Company.name)
        .limit(3),
        "companies",
    )
    # What is asked after it is the same for every search: its plans may be kept.
    return select(people.label("people"), companies.label("companies"), own_plans(False))


async def nearly(session: AsyncSession, agent: Agent, name: str) -> Sequence[Person]:
    """Contacts whose names this may be, written wrongly: with one slip, or else with some more."""
    if len(name) < 5 or any(each.isdigit() for each in name):  # no name has digits
        return ()
    threshold = func.set_config("pg_trgm.word_similarity_threshold", str(CANDIDATE), True)
    await session.execute(select(own_plans(True), threshold))
    known = select(Contact.id).where(is_known(agent), Contact.merged_into_id.is_(None))
    slipped = known.where(Contact.name.ilike(any_(cast(list(slips(name)), ARRAY(Text)))))
    # A statement of its own to the planner: for the sake of a few rows it would read the table instead of the index.
    near = slipped.cte("near").prefix_with("MATERIALIZED")
    if meant := await _meant(session, name, select(near.c.id).limit(MOST)):
        return meant
    with_some = Contact.name.bool_op("%>")(name)
    closest = func.word_similarity(name, Contact.name).desc()
    return await _meant(session, name, known.where(with_some).order_by(closest).limit(MOST))


def slips(name: str) -> Iterator[str]:
    """LIKE patterns of every name that becomes this one by a letter too many, too few, another or exchanged."""
    for at in range(len(name) + 1):
        before, after = name[:at], name[at:]
        yield from _pattern(before, "_", after)
        if after:
            yield from _pattern(before, "_", after[1:])
            yield from _pattern(before, "", after[1:])
        if len(after) > 1:
            yield from _pattern(before, after[1] + after[0], after[2:])


def _pattern(before: str, between: str, after: str) -> Iterator[str]:
    """Three letters in a row are what the index needs to find it; with fewer, ends of words have to help."""
    if between == "_" and len(before) < 3 and len(after) < 3:
        for start, end in (("", ""), ("% ", ""), ("", " %"), ("% ", " %")):
            yield f"{start}{_escaped(before)}_{_escaped(after)}{end}"
    else:
        middle = between if between == "_" else _escaped(between)
        yield f"%{_escaped(before)}{middle}{_escaped(after)}%"


async def _meant(session: AsyncSession, name: str, ids: Select[Any]) -> Sequence[Person]:
    people = [Person(*row) for row in await session.execute(_people(ids))]
    like = {each: _likeness(name, each.name) for each in people}
    meant = [each for each in people if like[each] >= LIKE_ENOUGH]
    return sorted(meant, key=lambda each: -like[each])[:MEANT]


def _likeness(typed: str, name: str) -> float:
    """Of the word that is least like one of the name's."""
    words = name.casefold().split()
    return min(
        max((OSA.normalized_similarity(part, word) for word in words), default=0.0)
        for part in typed.casefold().split()
    )


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _people(ids: Any) -> Any:
    address = (
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == Contact.id)
        .order_by(ContactIdentity.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Contact.id,
            Contact.name,
            func.coalesce(address, "").label("address"),
            Company.name.label("company"),
        )
        .outerjoin(Company, Company.id == Contact.company_id)
        .where(Contact.id.in_(ids), Contact.merged_into_id.is_(None))
        .order_by(Contact.id.desc())
        .limit(MOST)
    )
