"""Questions that come again and again, and no article answers: ranked by the answers that people wrote for them."""

from collections import Counter
from collections.abc import Sequence

from ai.learning.findings import Found, Kind
from ai.learning.groups import groups
from ai.learning.questions import Asked, Question
from ai.levels import Level, level
from helpdesk.database import Opened
from helpdesk.ports import Embedder
from kb.readers import Reader
from kb.search import search

NEAR = 0.62
"""Mean cosine within a group; above .6 two letters mostly ask for the same thing."""
LEAST = 3
"""People who asked: one who asks three times is no reason for an article."""
TRIED = 3
"""The most central letters of a group, with which the search is asked whether an article answers."""
MOST = 150
"""Groups that are looked at."""
HELPED = 0.34
"""Share of a group's tickets from which on the articles count as answering it."""


async def gaps(opened: Opened, embedder: Embedder, asked: Asked) -> list[Found]:
    async with opened() as session:
        needed = await level(session, embedder)
    found = []
    for members in groups(asked.vectors, NEAR)[:MOST]:
        some = [asked.questions[i] for i in members]
        if len({one.contact_id for one in some}) < LEAST:
            continue
        if sum(one.helped for one in some) >= HELPED * len(some):
            continue
        answered, nearest = await _answered(opened, embedder, needed, some[:TRIED])
        if not answered:
            cost = sum(one.answers for one in some)
            tickets = [one.ticket_id for one in some]
            found.append(Found(kind=Kind.gap, tickets=tickets, size=len(some), cost=cost, article_id=nearest))
    return sorted(found, key=lambda one: (-one.cost, -one.size))


async def _answered(
    opened: Opened, embedder: Embedder, needed: Level, some: Sequence[Question]
) -> tuple[bool, int | None]:
    """Whether most of these letters would get a draft from an article that customers may read; and the article that
    most of them come nearest to, for a person to judge."""
    yes, first = 0, Counter[int]()
    for one in some:
        async with opened() as session:
            hits = await search(
                session, embedder, one.text, reader=Reader.public(), limit=12, locale=one.language or "en"
            )
        yes += bool(hits) and needed.lets_through(needed.chance(hits), hits)
        first.update(hit.article_id for hit in hits[:1])
    return yes * 2 > len(some), first.most_common(1)[0][0] if first else None
