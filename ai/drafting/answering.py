"""What the articles answer to a letter: one of them to its one question, or several to its several questions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from ai.compose import Draft, compose
from ai.drafting.checking import Fault
from ai.drafting.reasons import Reason
from ai.drafting.tone import words_of
from ai.levels import Level, level
from ai.passages import best_passage_first
from ai.questions import matter, question_of
from helpdesk.messages import Message
from helpdesk.people import Contact
from helpdesk.ports import Embedder
from helpdesk.tickets import Ticket
from kb.chunks import sentences
from kb.readers import Reader
from kb.search import Hit, search

SEARCHED = 12
QUESTIONS = 4
"""Of one letter, at most."""
ARTICLES = 3
WORDS = 4
"""A shorter question asks for what was said before: `Why?`"""
MARK = re.compile(r"^(?:\d+[.)]|[-*•])\s+")


@dataclass(frozen=True)
class Removed:
    text: str
    why: Fault


@dataclass(frozen=True)
class Answer:
    """A draft, or the reason why there is none; and the articles behind it, each with its best passage first."""

    draft: Draft | None
    confidence: float
    reason: Reason | None = None
    hits: tuple[Hit, ...] = ()
    language: str = "en"
    removed: tuple[Removed, ...] = ()


@dataclass(frozen=True)
class Wish:
    """How an agent wants another draft."""

    short: bool = False
    instead: int = 0
    """How many of the best articles to pass over."""
    ask: str = ""
    """What the customer is to be asked for."""
    words: str = ""
    """In an agent's own words; only a language model understands them."""


async def answered(
    session: AsyncSession,
    embedder: Embedder,
    ticket: Ticket,
    turns: Sequence[Message],
    wish: Wish | None = None,
) -> Answer:
    """`turns` end with the customer's letter."""
    wish = wish or Wish()
    found = await _searched(session, embedder, question_of(ticket.subject, turns), ticket.language)
    if not found:
        return Answer(None, 0.0, Reason.nothing_found)
    if not (hits := [hit for hit in found if is_readable(hit, ticket.language)]):
        return Answer(None, 0.0, Reason.other_language)
    needed = await level(session, embedder)
    confidence, letter = needed.chance(hits), turns[-1].text
    reason = None if wish.instead else _doubt(needed, confidence, hits)
    others = await _others(session, embedder, ticket, letter, hits[0], needed)
    if wish.instead:  # an agent has looked at the first and asks for the next: whatever it is
        best, others = hits[wish.instead : wish.instead + 1], []
    else:
        best = [] if reason else hits[:1]
    if not (answering := [*best, *others][:ARTICLES]):
        return Answer(None, confidence, reason or Reason.nothing_found)
    used = tuple(
        [
            await best_passage_first(session, embedder, h, subject=ticket.subject, letter=letter)
            for h in answering
        ]
    )
    language = ticket.language or used[0].locale
    contact = await session.get(Contact, ticket.contact_id)
    draft = compose(
        used[0],
        language=language,
        name=contact.name if contact else "",
        words=await words_of(session, ticket.inbox_id, language),
        more=used[1:],
        short=wish.short,
        ask=wish.ask,
    )
    return Answer(draft, confidence, None if draft else Reason.nothing_to_quote, used, language)


def _doubt(needed: Level, confidence: float, hits: Sequence[Hit]) -> Reason | None:
    if not needed.is_sure(confidence):
        return Reason.not_sure
    return None if needed.is_close(confidence, hits) else Reason.only_near


async def _others(
    session: AsyncSession, embedder: Embedder, ticket: Ticket, letter: str, best: Hit, needed: Level
) -> list[Hit]:
    """Articles that answer single questions of a letter with several, other than the one that answers it all."""
    questions = questions_of(letter)
    if len(questions) < 2:
        return []
    found: dict[int, Hit] = {}
    for question in questions:
        hits = await _searched(session, embedder, question, ticket.language)
        hits = [hit for hit in hits if is_readable(hit, ticket.language)]
        if hits and hits[0].article_id != best.article_id and needed.lets_through(needed.chance(hits), hits):
            found.setdefault(hits[0].article_id, hits[0])
    return list(found.values())


def questions_of(letter: str) -> list[str]:
    """Its sentences that end with a question mark, in order."""
    every = [
        sentence
        for paragraph in matter(letter).split("\n")
        for sentence in sentences(" ".join(MARK.sub("", paragraph.strip()).split()))
    ]
    asked = [each for each in every if each.endswith(("?", "？", "؟")) and len(each.split()) >= WORDS]
    return list(dict.fromkeys(asked))[:QUESTIONS]


async def _searched(
    session: AsyncSession, embedder: Embedder, question: str, language: str | None
) -> list[Hit]:
    """Only what anybody may read, asked of the database: a draft leaves the house."""
    return await search(
        session, embedder, question, reader=Reader.public(), limit=SEARCHED, locale=language or "en"
    )


def is_readable(hit: Hit, language: str | None) -> bool:
    """A greeting in one language and steps in another read like a machine's; unknown languages pass."""
    return language is None or base(hit.locale) == base(language)


def base(locale: str) -> str:
    return locale.replace("_", "-").partition("-")[0].lower()
