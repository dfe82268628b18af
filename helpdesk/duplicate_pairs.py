"""All pairs of a desk that are likely one person, page after page, the surest reasons first.

Every contact gets a few keys: where mail to it ends up, its phone, its name at its company or domain, its name as
addresses write it. Two that share one are a candidate; `duplicates.judge` has the last word, as on a contact's page.
Names that are merely alike are found there alone: comparing each with each would be a square.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from helpdesk.contacts import is_known
from helpdesk.duplicates import GMAIL, Distinct, Likeness, judge
from helpdesk.people import Agent, Contact, ContactIdentity
from helpdesk.statements import planned_anew
from helpdesk.texts import clean

PAGE = 25
BATCH = 200  # keys that are looked at together
ROUNDS = 4
BETWEEN = " .,;_-'’\"()/&+"
CROWD = 8
"""A key that more contacts share says nothing of any two of them: `office@` of a chain, the phone of a switchboard."""
LONGEST_KEY = 400
SCORES = {"a": 98, "b": 95, "c": 90, "d": 85}
"""How sure each kind of key is, as `duplicates` scores its reason."""


@dataclass(frozen=True)
class Pair:
    one: Contact
    other: Contact
    reason: str


@dataclass(frozen=True)
class Pairs:
    rows: Sequence[Pair]
    after: str
    """Where the next page begins; empty on the last."""


async def pairs(session: AsyncSession, agent: Agent, *, after: str = "", limit: int = PAGE) -> Pairs:
    """As far as this agent may know of both; nobody whom a colleague called different."""
    found: dict[tuple[int, int], Pair] = {}
    last = clean(after)[:LONGEST_KEY]
    for _round in range(ROUNDS):
        groups = await _shared(session, agent, last)
        known = await _contacts(session, {number for _key, numbers in groups for number in numbers})
        apart = await _called_distinct(session, known)
        for key, numbers in groups:
            last = key
            for low, high in combinations(sorted(numbers), 2):
                likeness = None if (low, high) in apart else _likeness(known, low, high)
                if likeness and likeness.score <= SCORES[key[0]]:  # one with a surer key stands further up
                    found[low, high] = Pair(known[low], likeness.contact, likeness.reason)
            if len(found) >= limit:
                return Pairs(list(found.values()), last)
        if len(groups) < BATCH:
            return Pairs(list(found.values()), "")
    return Pairs(list(found.values()), last)


def _likeness(known: dict[int, Contact], low: int, high: int) -> Likeness | None:
    return judge(known[low], known[high]) if low in known and high in known else None


async def _shared(session: AsyncSession, agent: Agent, after: str) -> list[Any]:
    """Keys that some share, with whose they are: one kind after the other, as far as they are needed. All keys of a
    kind are worked out and sorted to find them, which is most of what a page costs."""
    found: list[Any] = []
    async with planned_anew(session):
        for kind in SCORES:
            if kind >= after[:1] and len(found) < BATCH:
                found += await session.execute(_groups(agent, kind, after, BATCH - len(found)))
    return found


def _groups(agent: Agent, kind: str, after: str, limit: int) -> Select[Any]:
    keyed = union_all(*(keys for letter, keys in _keys() if letter == kind)).subquery()
    begin = keyed.c.key > after if after[:1] == kind else true()  # to compare a key works it out once more
    return (
        select(keyed.c.key, func.array_agg(keyed.c.contact_id.distinct()))
        .join(Contact, Contact.id == keyed.c.contact_id)
        .where(Contact.merged_into_id.is_(None), is_known(agent), begin)
        .group_by(keyed.c.key)
        .having(func.count(keyed.c.contact_id.distinct()).between(2, CROWD))
        .order_by(keyed.c.key)
        .limit(limit)
    )


def _keys() -> Iterator[tuple[str, Select[Any]]]:
    """`key`, `contact_id`: keys begin with the letter of their reason, the surest first."""
    value, owner = ContactIdentity.value, ContactIdentity.contact_id
    whole, domain = func.split_part(func.split_part(value, "@", 1), "+", 1), func.split_part(value, "@", 2)
    is_mail, is_phone = ContactIdentity.kind == "email", ContactIdentity.kind == "phone"
    mailbox = case(
        (domain.in_(GMAIL), func.replace(whole, ".", "") + "@gmail.com"), else_=whole + "@" + domain
    )
    yield "a", _keyed("a", mailbox, owner).where(is_mail)
    yield "b", _keyed("b", func.right(value, 9), owner).where(is_phone, func.length(value) >= 9)
    name = _plain(Contact.name)
    two_words = Contact.name.like("% %") & ~Contact.name.like("%@%")
    at_company = _keyed("c", cast(Contact.company_id, Text) + " " + name, Contact.id)
    yield "c", at_company.where(two_words, Contact.company_id.is_not(None))
    at_domain = _keyed("c", domain + " " + name, owner).join(Contact, Contact.id == owner)
    yield "c", at_domain.where(is_mail, two_words, Contact.company_id.is_(None))
    yield "d", _keyed("d", name, Contact.id).where(two_words)
    written = or_(*[whole.contains(mark, autoescape=True) for mark in "._-"])
    yield "d", _keyed("d", _plain(whole), owner).where(is_mail, written)


def _keyed(letter: str, what: ColumnElement[str], owner: Any) -> Select[Any]:
    key = func.left(literal(letter + " ") + what, 300).collate("C")  # in order without asking a locale
    return select(key.label("key"), owner.label("contact_id"))


def _plain(text: Any) -> ColumnElement[str]:
    """Without what stands between words; a regular expression would cost ten times as much."""
    return func.translate(func.lower(text), BETWEEN, "")


async def _contacts(session: AsyncSession, numbers: set[int]) -> dict[int, Contact]:
    found = await session.scalars(
        select(Contact)
        .where(Contact.id.in_(numbers))
        .options(selectinload(Contact.identities), joinedload(Contact.company))
    )
    return {contact.id: contact for contact in found}


async def _called_distinct(session: AsyncSession, known: dict[int, Contact]) -> set[tuple[int, int]]:
    rows = await session.execute(
        select(Distinct.low_id, Distinct.high_id).where(
            Distinct.low_id.in_(known), Distinct.high_id.in_(known)
        )
    )
    return {(low, high) for low, high in rows}
