"""Tickets by what was said in them, newest first, and by who wrote them: page after page, only what one may see.

A word that is in a hundredth of all messages must not cost reading a hundredth of them. So the newest block of
messages is asked first, then eight times as many, then all: whoever has a page stops.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from rapidfuzz.distance import OSA
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, views
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.conditions import Condition
from helpdesk.contact_lists import sees_company
from helpdesk.contacts import is_known
from helpdesk.messages import Direction, Message
from helpdesk.ordering import BadCursor
from helpdesk.people import Agent, Company, Contact, ContactIdentity
from helpdesk.search.index import BLOCK, MessageSearch
from helpdesk.search.syntax import Search
from helpdesk.tickets import Ticket

PAGE = 25
PEOPLE = 50
"""People whose names fit whose tickets are shown among the found."""
WINDOWS = (1, 8, None)
"""Blocks of messages that are asked, newest first; None: all there are."""
FRAGMENT = 6000
"""Characters of a message that are looked through for the words to highlight."""
OPEN, CLOSE = "\ue000", "\ue001"
"""Around a found word, until the page puts <mark> there: private characters, which are cut from the text."""
CANDIDATE = 0.3
"""Word similarity of trigrams from which a name is looked at: Johnson for jonhson has 0.33."""
LIKE_ENOUGH = 0.7
"""Share of a word's letters that are right and in place, neighbours that changed places counting as one wrong."""


@dataclass(frozen=True)
class Hit:
    """A ticket, and what of it was found."""

    row: Any  # with the columns of `views.listed`
    snippet: str = ""  # found words between OPEN and CLOSE
    at: datetime | None = None
    is_note: bool = False


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    address: str
    company: str | None


@dataclass(frozen=True)
class Found:
    hits: list[Hit]
    people: Sequence[Person] = ()
    companies: Sequence[Any] = ()
    after: "Mark | None" = None
    fuzzy: bool = False
    """The people are not called exactly that."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """Where a page of found tickets ended: the last message, or the time of the last ticket."""

    message_id: int
    at: datetime

    @classmethod
    def read(cls, given: str) -> "Mark":
        try:
            padded = given.encode("ascii") + b"=" * (-len(given) % 4)
            found = msgspec.json.decode(urlsafe_b64decode(padded), type=cls)
        except (UnicodeEncodeError, Error, msgspec.MsgspecError):
            raise BadCursor from None
        if found.at.tzinfo is None or abs(found.message_id) >= 2**63:
            raise BadCursor
        return found

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


@dataclass
class _Seen:
    ticket_id: int
    at: datetime
    message_id: int | None = None
    snippet: str = field(default="")
    is_note: bool = False


async def find(
    session: AsyncSession,
    agent: Agent,
    search: Search,
    *,
    after: Mark | None = None,
    best: bool = False,
    limit: int = PAGE,
) -> Found:
    """`best`: the best of the newest few hundred messages that fit, in place of newest first; one page of it."""
    rest = conditions.compile(search.rest, agent, now())
    if not _says_removed(search.rest):
        rest = and_(Ticket.removed.is_(None), rest)
    if not search.words:
        return await _by_condition(session, agent, rest, after, limit)
    people, companies, fuzzy = ((), (), False) if after else await _people(session, agent, search.words)
    query = str(await session.scalar(select(cast(func.search_query(search.words), Text))))
    seen = await _said(session, agent, query, rest, after, limit, best=best) if query else []
    if people or companies:
        seen += await _theirs(
            session, agent, people, companies, rest, limit, {each.ticket_id for each in seen}
        )
    if not best:
        seen.sort(key=lambda each: each.at, reverse=True)
    more = len(seen) > limit
    seen = seen[:limit]
    await _highlight(session, query, seen)
    rows = await views.rows_of(session, agent, [each.ticket_id for each in seen])
    hits = [
        Hit(rows[each.ticket_id], each.snippet, each.at, each.is_note)
        for each in seen
        if each.ticket_id in rows
    ]
    last = next((each for each in reversed(seen) if each.message_id), None)
    mark = Mark(last.message_id or 0, last.at) if more and last and not best else None
    return Found(hits, people[:5], companies, mark, fuzzy)


def _says_removed(condition: Condition) -> bool:
    return any(each.field == "removed" for each in conditions.statements(condition))


async def _by_condition(
    session: AsyncSession, agent: Agent, rest: ColumnElement[bool], after: Mark | None, limit: int
) -> Found:
    """No words: a list, newest first."""
    place = (
        views.Place(views.Order.last_message, False, [after.at.isoformat(), after.message_id])
        if after
        else None
    )
    page = await views.listed(session, agent, rest, after=place, limit=limit)
    hits = [Hit(row, at=row.last_message_at) for row in page.tickets]
    last = page.tickets[-1] if page.after else None
    return Found(hits, after=Mark(last.id, last.last_message_at) if last else None)


async def _said(
    session: AsyncSession,
    agent: Agent,
    query: str,
    rest: ColumnElement[bool],
    after: Mark | None,
    limit: int,
    *,
    best: bool,
) -> list[_Seen]:
    """Each ticket by the newest message of it that has the words."""
    newest = await session.scalar(select(func.max(MessageSearch.message_id)))
    if newest is None:
        return []
    top = min(newest, after.message_id - 1) if after else newest
    found: list[_Seen] = []
    for blocks in WINDOWS:
        lowest = max((top >> BLOCK) - blocks + 1, 0) if blocks else None
        found = await _within(session, agent, query, rest, top, lowest, limit, after, best=best)
        if len(found) > limit or not lowest:
            break
    return found


async def _within(
    session: AsyncSession,
    agent: Agent,
    query: str,
    rest: ColumnElement[bool],
    top: int,
    lowest: int | None,
    limit: int,
    after: Mark | None,
    *,
    best: bool,
) -> list[_Seen]:
    wanted = cast(query, TSQUERY)
    fits = MessageSearch.document.bool_op("@@")(wanted)
    # A bigint, as its numbers: the index knows no comparison of two kinds.
    block = literal_column(f"(message_search.message_id >> {BLOCK})", BigInteger)
    where: list[ColumnElement[bool]] = [fits, MessageSearch.message_id <= top]
    if lowest is not None:
        where.append(block.in_(list(range(lowest, (top >> BLOCK) + 1))))
    if after:  # its ticket was on an earlier page, by a newer message
        newer = MessageSearch.__table__.alias("newer")
        shown = select(text("1")).where(
            newer.c.ticket_id == MessageSearch.ticket_id,
            newer.c.message_id >= after.message_id,
            newer.c.document.bool_op("@@")(wanted),
        )
        where.append(~shown.exists())
    rank = func.ts_rank(MessageSearch.document, wanted, 1) if best else literal_column("0")
    newest = func.max(MessageSearch.message_id)
    best_rank = func.max(rank)
    order = [best_rank.desc(), newest.desc()] if best else [newest.desc()]
    few = (
        select(MessageSearch.ticket_id, newest.label("message_id"), best_rank.label("rank"))
        .join(Ticket, Ticket.id == MessageSearch.ticket_id)
        .where(*where, is_visible(agent), rest)
        .group_by(MessageSearch.ticket_id)
        .order_by(*order)
        .limit(limit + 1)
        .subquery()
    )
    query_rows = (
        select(few.c.ticket_id, few.c.message_id, Message.created_at, Message.direction)
        .join(Message, Message.id == few.c.message_id)
        .order_by(*([few.c.rank.desc()] if best else []), few.c.message_id.desc())
    )
    return [
        _Seen(row.ticket_id, row.created_at, row.message_id, is_note=row.direction is Direction.note)
        for row in await session.execute(query_rows)
    ]


async def _people(
    session: AsyncSession, agent: Agent, words: str
) -> tuple[Sequence[Person], Sequence[Any], bool]:
    """Contacts and companies of this name that the agent may know of; where there is none, contacts whose names
    are like it."""
    name = words.replace('"', "").strip()
    if len(name) < 3 or len(name) > 80 or " or " in name:
        return (), (), False
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    known = is_known(agent)
    named = select(Contact.id).where(Contact.name.ilike(f"%{escaped}%"), known).limit(PEOPLE)
    known_as = (
        select(ContactIdentity.contact_id)
        .join(Contact, Contact.id == ContactIdentity.contact_id)
        .where(ContactIdentity.value.ilike(f"%{escaped}%"), known)
        .limit(PEOPLE)
    )
    # Each by its own index; an OR over both would read every contact.
    exact = await _contacts(session, Contact.id.in_(union(named, known_as)))
    companies = (
        await session.execute(
            select(Company.id, Company.name)
            .where(Company.name.ilike(f"%{escaped}%"), sees_company(agent))
            .order_by(Company.name)
            .limit(3)
        )
    ).all()
    if exact or companies or len(name) < 5 or any(each.isdigit() for each in name):  # no name has digits
        return exact, companies, False
    await session.execute(text("SELECT set_config('pg_trgm.word_similarity_threshold', :value, true)"),
                          {"value": str(CANDIDATE)})  # fmt: skip
    like = func.word_similarity(name, Contact.name)
    is_near = and_(Contact.name.bool_op("%>")(name), known)
    near = await _contacts(session, is_near, like.desc(), limit=PEOPLE)
    meant = [person for person in near if _is_like(name, person.name)][:10]
    return meant, (), bool(meant)


def _is_like(typed: str, name: str) -> bool:
    """Every word that was typed is nearly one of the name's."""
    words = name.casefold().split()
    return all(
        any(OSA.normalized_similarity(part, word) >= LIKE_ENOUGH for word in words)
        for part in typed.casefold().split()
    )


async def _contacts(
    session: AsyncSession, where: ColumnElement[bool], *order: Any, limit: int = PEOPLE
) -> Sequence[Person]:
    address = (
        select(ContactIdentity.value)
        .where(ContactIdentity.contact_id == Contact.id)
        .order_by(ContactIdentity.id)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(Contact.id, Contact.name, func.coalesce(address, ""), Company.name)
        .outerjoin(Company, Company.id == Contact.company_id)
        .where(where, Contact.merged_into_id.is_(None))
        .order_by(*order, Contact.id.desc())
        .limit(limit)
    )
    return [Person(*row) for row in await session.execute(query)]


async def _theirs(
    session: AsyncSession,
    agent: Agent,
    people: Sequence[Person],
    companies: Sequence[Any],
    rest: ColumnElement[bool],
    limit: int,
    besides: set[int],
) -> list[_Seen]:
    """Tickets of the people that were found, newest first; those of exact names only on the first page."""
    whose = [Ticket.contact_id.in_([person.id for person in people])]
    if companies:
        of_company = select(Contact.id).where(Contact.company_id.in_([each.id for each in companies]))
        whose.append(Ticket.contact_id.in_(of_company))
    query = (
        select(Ticket.id, Ticket.last_message_at)
        .where(or_(*whose), is_visible(agent), rest, Ticket.id.not_in(besides) if besides else true())
        .order_by(Ticket.last_message_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return [_Seen(row.id, row.last_message_at) for row in await session.execute(query)]


HEADLINE = """
SELECT message.id, ts_headline(configuration.name::regconfig,
    translate(left(message.text, :longest), :marks, ''), CAST(:query AS tsquery), :options)
FROM message JOIN ticket ON ticket.id = message.ticket_id JOIN contact ON contact.id = ticket.contact_id,
LATERAL (SELECT search_configuration_of(coalesce(ticket.language, nullif(contact.language, ''),
    (SELECT value #>> '{}' FROM desk_option WHERE name = 'language'), 'en')) AS name) AS configuration
WHERE message.id = ANY(:ids)
"""


async def _highlight(session: AsyncSession, query: str, seen: Sequence[_Seen]) -> None:
    """The best words around what was found, of the rows that are shown only."""
    by_message = {each.message_id: each for each in seen if each.message_id}
    if not by_message:
        return
    rows = await session.execute(
        text(HEADLINE),
        {
            "ids": list(by_message),
            "query": query,
            "longest": FRAGMENT,
            "marks": OPEN + CLOSE,
            "options": f"StartSel={OPEN}, StopSel={CLOSE}, MaxFragments=2, MaxWords=18, MinWords=8, "
            "FragmentDelimiter= … ",
        },
    )
    for message_id, snippet in rows:
        by_message[message_id].snippet = " ".join(snippet.split())


def is_plain(search: Search) -> bool:
    """Nothing but words: what a jump to a number or a name may mean."""
    return not search.chips and isinstance(search.rest, conditions.All) and not search.rest.of
