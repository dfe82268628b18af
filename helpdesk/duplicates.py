"""Which contacts are perhaps one person: found by the database, judged here, each with its reason in words.

Nothing is merged by itself. Two that an agent called different are never suggested again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Select,
    UniqueConstraint,
    and_,
    exists,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, joinedload, mapped_column, selectinload

from helpdesk.contacts import is_known
from helpdesk.database import Row
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.maildomains import domain_of, is_public
from helpdesk.people import Agent, Contact, ContactIdentity

MOST = 5
CANDIDATES = 40
ALIKE = 88.0  # of 100, for names within one company
GMAIL = {"gmail.com", "googlemail.com"}
WILD = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class Distinct(Row):
    """Two contacts that are not the same person, said an agent."""

    __tablename__ = "contact_distinct"

    low_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))

    __table_args__ = (UniqueConstraint("low_id", "high_id"),)


@dataclass(frozen=True)
class Likeness:
    contact: Contact
    score: float
    """0 to 100; only to order them."""
    reason: str


async def like(session: AsyncSession, agent: Agent, contact: Contact) -> list[Likeness]:
    """Likely the same person, the likeliest first, as far as this agent may know of them.

    `contact.identities` and `contact.company` are loaded.
    """
    query = _candidates(contact)
    found = await session.scalars(
        select(Contact)
        .where(
            Contact.id.in_(query),
            Contact.id != contact.id,
            Contact.merged_into_id.is_(None),
            is_known(agent),
            ~_called_distinct(contact.id),
        )
        .options(selectinload(Contact.identities), joinedload(Contact.company))
        .limit(CANDIDATES)
    )
    judged = [likeness for other in found if (likeness := judge(contact, other))]
    return sorted(judged, key=lambda each: (-each.score, each.contact.id))[:MOST]


async def call_distinct(session: AsyncSession, one: Contact, other: Contact, *, by: Agent) -> None:
    low, high = sorted((one.id, other.id))
    row = insert(Distinct).values(low_id=low, high_id=high, agent_id=by.id)
    await session.execute(row.on_conflict_do_nothing())
    session.add(Event(Kind.contacts_distinct, by=by, about=one, other=other.id))


def judge(one: Contact, other: Contact) -> Likeness | None:
    """By the strongest reason there is; None where there is none."""
    found = [
        likeness
        for likeness in (
            _by_phone(one, other),
            _by_alias(one, other),
            _by_local_part(one, other),
            _by_name(one, other),
        )
        if likeness
    ]
    return max(found, key=lambda each: each.score, default=None)


def canonical(address: str) -> str:
    """Where a mail to it ends up, as far as that is known of all providers or of this one."""
    local, _, domain = address.rpartition("@")
    local = local.partition("+")[0]
    if domain in GMAIL:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def _by_phone(one: Contact, other: Contact) -> Likeness | None:
    for mine in _values(one, "phone"):
        for theirs in _values(other, "phone"):
            if mine[-9:] == theirs[-9:] and len(mine) >= 9:
                words = gettext("The phone numbers %(one)s and %(other)s are the same.")
                return Likeness(other, 95, words % {"one": mine, "other": theirs})
    return None


def _by_alias(one: Contact, other: Contact) -> Likeness | None:
    for mine in _values(one, "email"):
        for theirs in _values(other, "email"):
            if canonical(mine) == canonical(theirs):
                words = gettext("%(one)s and %(other)s are the same mailbox.")
                return Likeness(other, 98, words % {"one": mine, "other": theirs})
    return None


def _by_local_part(one: Contact, other: Contact) -> Likeness | None:
    """`Marta Reyes` and `marta.reyes@gmail.com`, whichever of the two has the name."""
    for named, addressed in ((one, other), (other, one)):
        words = _words(named.name)
        if len(words) < 2 or "@" in named.name:
            continue
        for address in _values(addressed, "email"):
            local = canonical(address).partition("@")[0]
            if _is_said_by(local, words) and not _contradicts(one, other):
                reason = gettext("“%(name)s” is written in %(address)s.")
                return Likeness(other, 85, reason % {"name": named.name, "address": address})
    return None


def _by_name(one: Contact, other: Contact) -> Likeness | None:
    place = _shared_place(one, other)
    if not place or len(_words(one.name)) < 2:
        return None
    score = fuzz.token_sort_ratio(one.name, other.name, processor=default_process)
    if score < ALIKE:
        return None
    words = gettext("The names “%(one)s” and “%(other)s” are alike, and both are at %(place)s.")
    if score == 100:
        words = gettext("Both are called “%(one)s”, and both are at %(place)s.")
    return Likeness(other, score * 0.9, words % {"one": one.name, "other": other.name, "place": place})


def _contradicts(one: Contact, other: Contact) -> bool:
    """Two people with full names that differ are two people, however one's address looks."""
    if "@" in one.name or "@" in other.name or min(len(_words(one.name)), len(_words(other.name))) < 2:
        return False
    return fuzz.token_sort_ratio(one.name, other.name, processor=default_process) < ALIKE


def _is_said_by(local: str, words: Sequence[str]) -> bool:
    first, last = words[0], words[-1]
    plain = "".join(character for character in local if character.isalnum())
    forms = {first + last, last + first}
    if len(first) > 1 and len(last) > 2:
        forms |= {first[0] + last} if "." in local or "_" in local or "-" in local else set()
    return plain in forms and len(plain) > 4


def _shared_place(one: Contact, other: Contact) -> str:
    if one.company_id and one.company_id == other.company_id:
        return one.company.name if one.company else gettext("the same company")
    shared = _domains(one) & _domains(other)
    return min(shared, default="")


def _domains(contact: Contact) -> set[str]:
    return {domain for value in _values(contact, "email") if not is_public(domain := domain_of(value))}


def _words(name: str) -> list[str]:
    return default_process(name).split()


def _values(contact: Contact, kind: str) -> list[str]:
    return [identity.value for identity in contact.identities if identity.kind == kind]


def _candidates(contact: Contact) -> Any:
    """Ids worth a look, each way by an index of its own."""
    ways: list[Select[Any]] = []
    phones = [value[-9:] for value in _values(contact, "phone") if len(value) >= 9]
    if phones:
        ways.append(
            _with_identity(ContactIdentity.kind == "phone", func.right(ContactIdentity.value, 9).in_(phones))
        )
    if patterns := list(_patterns(contact)):
        likes = [ContactIdentity.value.like(pattern) for pattern in patterns]
        ways.append(_with_identity(ContactIdentity.kind == "email", or_(*likes)))
    if (names := _named_like(contact)) is not None:
        ways.append(names.limit(CANDIDATES))
    similar = Contact.name.op("%")(contact.name)
    if contact.company_id:
        ways.append(
            select(Contact.id).where(Contact.company_id == contact.company_id, similar).limit(CANDIDATES)
        )
    for domain in sorted(_domains(contact))[:3]:
        at_domain = exists().where(
            ContactIdentity.contact_id == Contact.id,
            ContactIdentity.value.like(f"%@{domain.translate(WILD)}"),
        )
        ways.append(select(Contact.id).where(similar, at_domain).limit(CANDIDATES))
    return (
        union(*[select(way.subquery().c[0]) for way in ways])
        if ways
        else select(Contact.id).where(Contact.id < 0)
    )


def _with_identity(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(ContactIdentity.contact_id).where(and_(*conditions)).limit(CANDIDATES)


def _patterns(contact: Contact) -> Iterable[str]:
    """Addresses like ours, or like our name would give."""
    for address in _values(contact, "email")[:5]:
        local, _, domain = canonical(address).rpartition("@")
        if domain in GMAIL:
            yield f"{local[:3].translate(WILD)}%@g%mail.com"  # dots may stand anywhere behind
        else:
            yield f"{local.translate(WILD)}%@{domain.translate(WILD)}"
    words = _words(contact.name)
    if len(words) > 1 and "@" not in contact.name and len(words[-1]) > 2:
        yield f"{words[0].translate(WILD)}%{words[-1].translate(WILD)}%@%"
        yield f"{words[-1].translate(WILD)}%{words[0].translate(WILD)}%@%"


def _named_like(contact: Contact) -> Select[Any] | None:
    """Whose name our own address writes out: `marta.reyes@…`."""
    locals_ = {canonical(value).partition("@")[0] for value in _values(contact, "email")}
    names = [
        " ".join(words) for local in sorted(locals_) if len(words := _words(local.replace("_", " "))) == 2
    ]
    if not names:
        return None
    named = aliased(Contact)
    return select(named.id).where(or_(*[named.name.op("%")(name) for name in names[:3]]))


def _called_distinct(contact_id: int) -> ColumnElement[bool]:
    return exists().where(
        or_(
            and_(Distinct.low_id == Contact.id, Distinct.high_id == contact_id),
            and_(Distinct.high_id == Contact.id, Distinct.low_id == contact_id),
        )
    )
