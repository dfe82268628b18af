"""Tickets by what was said in them, newest first, and by who wrote them: page after page, only what one may see.

A word that is in a hundredth of all messages must not cost reading a hundredth of them. So the newest thousand
messages are looked at first, then older ones in longer and longer steps, until a page is full.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, views
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.messages import Direction, Message
from helpdesk.ordering import BadCursor
from helpdesk.people import Agent, Contact
from helpdesk.search import naming
from helpdesk.search.index import BLOCK, MessageSearch, reading
from helpdesk.search.naming import Person
from helpdesk.search.syntax import Search
from helpdesk.tickets import Ticket

PAGE = 25
STEPS = (1 << 10, 1 << BLOCK, 8 << BLOCK)
"""Messages that are looked at before older ones are, where nothing says how often the words occur."""
REST = 0
"""A step to the oldest message."""
FRAGMENT = 6000
"""Characters of a message that are looked through for the words to highlight."""
OPEN, CLOSE = "\ue000", "\ue001"
"""Around a found word, until the page puts <mark> there: private characters, which are cut from the text."""


@dataclass(frozen=True)
class Hit:
    """A ticket, and what of it was found."""

    row: Any  # with the columns of `views.listed`
    snippet: str = ""  # found words between OPEN and CLOSE
    at: datetime | None = None
    is_note: bool = False


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
    rank: float = 0
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
    wanted = conditions.kept(search.rest)
    readings = await conditions.readings(session, wanted, search.words)
    rest = conditions.compile(wanted, agent, now(), readings)
    if not search.words:
        return await _by_condition(session, agent, rest, after, limit)
    query = readings.queries[search.words]
    top = min(readings.newest, after.message_id - 1) if after else readings.newest
    seen = await _said(session, agent, query, rest, top, after, limit, best=best) if query else []
    people: Sequence[Person] = ()
    companies: Sequence[Any] = ()
    fuzzy = False
    if not after and (name := naming.name(search.words)):
        people, companies = await naming.called(session, agent, name)
        if not (people or companies or len(seen) > limit):
            people = await naming.nearly(session, agent, name)
            fuzzy = bool(people)
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
    top: int,
    after: Mark | None,
    limit: int,
    *,
    best: bool,
) -> list[_Seen]:
    """Each ticket by the newest, or best, message of it that has the words."""
    found: dict[int, _Seen] = {}
    step = STEPS[1] if best else STEPS[0]
    while top > 0:
        lowest = _lowest(top, step)
        few = limit + 1 + len(found)
        new = await _within(session, agent, query, rest, (lowest, top), few, after, best=best)
        for each in new:
            known = found.setdefault(each.ticket_id, each)
            if each.rank > known.rank:
                found[each.ticket_id] = each
        if len(found) > limit:
            break
        top, step = lowest - 1, _next(step, limit + 1 - len(found), len(new))
    seen = list(found.values())
    if best:
        seen.sort(key=lambda each: each.rank, reverse=True)
    return seen[: limit + 1]


def _lowest(top: int, step: int) -> int:
    """The first message of a step back; the longer steps end where a block does."""
    if step == REST:
        return 1
    lowest = top - step + 1
    if step >= 1 << BLOCK:
        lowest = min((lowest + (1 << BLOCK - 1)) >> BLOCK, top >> BLOCK) << BLOCK
    return max(lowest, 1)


def _next(step: int, wanted: int, found: int) -> int:
    """How far to step after one that found so many."""
    longer = next((each for each in STEPS if each > step), REST)
    if not found:
        return longer
    hoped = max(2 * step * wanted // found, step)
    return min(hoped, longer) if longer else hoped


async def _within(
    session: AsyncSession,
    agent: Agent,
    query: str,
    rest: ColumnElement[bool],
    messages: tuple[int, int],
    limit: int,
    after: Mark | None,
    *,
    best: bool,
) -> list[_Seen]:
    wanted = reading(query)
    lowest, top = messages
    number = MessageSearch.message_id
    where: list[ColumnElement[bool]] = [
        MessageSearch.document.bool_op("@@")(wanted), number.between(lowest, top)
    ]  # fmt: skip
    if lowest > 1:
        # Each block as a bigint, as its numbers: the index knows no comparison of two kinds.
        block = literal_column(f"(message_search.message_id >> {BLOCK})", BigInteger)
        where.append(block.in_(list(range(lowest >> BLOCK, (top >> BLOCK) + 1))))
    if after:  # its ticket was on an earlier page, by a newer message
        newer = MessageSearch.__table__.alias("newer")
        shown = select(text("1")).where(
            newer.c.ticket_id == MessageSearch.ticket_id,
            newer.c.message_id >= after.message_id,
            newer.c.document.bool_op("@@")(wanted),
        )
        where.append(~shown.exists())
    rank = func.ts_rank(MessageSearch.document, wanted, 1) if best else literal_column("0")
    newest = func.max(number)
    best_rank = func.max(rank)
    order = [best_rank.desc(), newest.desc()] if best else [newest.desc()]
    few = (
        select(MessageSearch.ticket_id, newest.label("message_id"), best_rank.label("rank"))
        .join(Ticket, Ticket.id == MessageSearch.ticket_id)
        .where(*where, is_visible(agent), rest)
        .group_by(MessageSearch.ticket_id)
        .order_by(*order)
        .limit(limit)
        .subquery()
    )
    query_rows = (
        select(few.c.ticket_id, few.c.message_id, few.c.rank, Message.created_at, Message.direction)
        .join(Message, Message.id == few.c.message_id)
        .order_by(*([few.c.rank.desc()] if best else []), few.c.message_id.desc())
    )
    return [
        _Seen(
            row.ticket_id, row.created_at, row.message_id, row.rank, is_note=row.direction is Direction.note
        )
        for row in await session.execute(query_rows)
    ]


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


FORMATTING = r"\*\*|~~|`+|\[([^][\n]+)\]\([^()\s]+\)"
"""Marks of Markdown, and links with their labels, as PostgreSQL reads it."""
HEADLINE = r"""
SELECT message.id, ts_headline(configuration.name::regconfig,
    translate(CASE WHEN message.marked THEN regexp_replace(left(message.text, :longest), :formatting, '\1', 'g')
        ELSE left(message.text, :longest) END, :marks, ''), CAST(:query AS tsquery), :options)
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
            "formatting": FORMATTING,
            "options": f"StartSel={OPEN}, StopSel={CLOSE}, MaxFragments=2, MaxWords=18, MinWords=8, "
            "FragmentDelimiter= … ",
        },
    )
    for message_id, snippet in rows:
        by_message[message_id].snippet = " ".join(snippet.split())


def is_plain(search: Search) -> bool:
    """Nothing but words: what a jump to a number or a name may mean."""
    return not search.chips and isinstance(search.rest, conditions.All) and not search.rest.of
