"""What the assistant may know when it decides: one value, from a ticket or from somebody who tries it out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.rows import Policy
from ai.drafting.answering import is_readable
from ai.levels import level
from ai.questions import asked, matter
from helpdesk.fields import CustomField
from helpdesk.messages import Direction, Message
from helpdesk.ports import Embedder
from kb.readers import Reader
from kb.search import Hit, search

FOUND = 12  # articles that are compared
SHOWN = 4  # articles whose passages a model is shown
EACH = 3  # passages of each


@dataclass(frozen=True)
class Turn:
    theirs: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A tool that may be used now, as far as a decision needs to know it."""

    name: str
    description: str
    examples: tuple[str, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    """Name → JSON schema of each."""
    required: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Passage:
    number: int
    article_id: int
    version: int
    chunk_id: int
    slug: str
    title: str
    text: str
    score: float


@dataclass(frozen=True, kw_only=True)
class Situation:
    subject: str
    turns: tuple[Turn, ...]
    """Oldest first; the last is what is to be answered."""
    question: str
    """What the search was asked."""
    contact_name: str = ""
    language: str | None = None
    hits: tuple[Hit, ...] = ()
    passages: tuple[Passage, ...] = ()
    confidence: float = 0.0
    sure: bool = False
    """The gate lets the best article answer, at this desk."""
    near: bool = False
    """It is worth asking whether the best article is what is meant."""
    other_language: bool = False
    missing: tuple[CustomField, ...] = ()
    """Required fields that the customer may see and nobody has filled in."""
    tools: tuple[Offer, ...] = ()
    verified: bool = False
    asked_back: int = 0
    options: tuple[str, ...] = ()
    """What it offered in its last message."""
    picked: str = ""
    """The one of them that the customer means: the best hit, where it is still readable."""
    own: tuple[str, ...] = ()
    """Hosts of the desk's own, where its articles may send customers."""
    said: tuple[str, ...] = ()
    """What it said before in this engagement."""
    policy: Policy
    desk: str = ""

    @property
    def asked(self) -> str:
        return self.turns[-1].text if self.turns else ""

    @property
    def customers_words(self) -> str:
        return "\n".join([self.subject, *(turn.text for turn in self.turns if turn.theirs)])

    @property
    def newest_first(self) -> list[str]:
        """The customer's messages, then the subject."""
        return [*(turn.text for turn in reversed(self.turns) if turn.theirs), self.subject]


@dataclass(frozen=True)
class Found:
    hits: tuple[Hit, ...]
    passages: tuple[Passage, ...]
    confidence: float
    sure: bool
    near: bool
    other_language: bool


async def found_for(
    session: AsyncSession, embedder: Embedder, question: str, *, reader: Reader, language: str | None
) -> Found:
    """Only what this reader may read, asked of the database: whatever follows cannot widen it."""
    every = await search(session, embedder, question, reader=reader, limit=FOUND, locale=language or "en")
    hits = tuple(hit for hit in every if is_readable(hit, language))
    if not hits:
        return Found((), (), 0.0, sure=False, near=False, other_language=bool(every))
    needed = await level(session, embedder, alone=True)
    chance = needed.chance(hits)
    sure, near = needed.lets_through(chance, hits), needed.is_worth_asking(chance)
    return Found(hits, numbered(hits), chance, sure, near, other_language=False)


def numbered(hits: Sequence[Hit], *, each: int | None = EACH) -> tuple[Passage, ...]:
    """As a decision cites them; `each`: so many of an article, or all."""
    shown = [(hit, passage) for hit in hits[:SHOWN] for passage in hit.passages[:each]]
    return tuple(
        Passage(
            number=number,
            article_id=hit.article_id,
            version=hit.version,
            chunk_id=passage.chunk_id,
            slug=hit.slug,
            title=hit.title,
            text=passage.text,
            score=round(passage.dense, 4),
        )
        for number, (hit, passage) in enumerate(shown, 1)
    )


def question_of_turns(subject: str, turns: Sequence[Turn]) -> str:
    """`question_of`, where nobody has a ticket."""
    if not turns:
        return ""
    before = [turn.text for turn in turns[:-1] if turn.theirs]
    return "\n".join(filter(None, [asked(subject, turns[-1].text), before[-1][:500] if before else ""]))


def with_first(hits: tuple[Hit, ...], title: str) -> tuple[Hit, ...]:
    """The article of this title before the others."""
    return tuple(sorted(hits, key=lambda hit: hit.title != title)) if title else hits


def turns_from(messages: Sequence[Message]) -> tuple[Turn, ...]:
    return tuple(Turn(message.direction is Direction.inbound, message.text) for message in messages)


PLACES = (
    r"1|one|(?:the\s+)?first|eins|(?:der|die|das)\s+erste|le\s+premier|la\s+premi[eè]re|(?:el|la)\s+primer[oa]?"
    r"|(?:il|la)\s+prim[oa]|(?:de|het)\s+eerste",
    r"2|two|(?:the\s+)?second|zwei|(?:der|die|das)\s+zweite|le\s+(?:deuxi[eè]me|second)|la\s+(?:deuxi[eè]me|seconde)"
    r"|(?:el|la)\s+segund[oa]|(?:il|la)\s+second[oa]|(?:de|het)\s+tweede",
    r"3|three|(?:the\s+)?third|drei|(?:der|die|das)\s+dritte|l[ea]\s+troisi[eè]me|(?:el|la)\s+tercer[oa]?"
    r"|(?:il|la)\s+terz[oa]|(?:de|het)\s+derde",
)
PICKS = [
    re.compile(
        rf"\W*(?:(?:i\s+mean|it\s+is|it['’]s|number|option|no|nr|nummer|punkt|n[uú]mero)\b\W*)*(?:{place})"
        r"(?:\W+(?:one|please|bitte|danke|thanks|thank\s+you|merci|gracias|grazie|por\s+favor))*\W*",
        re.IGNORECASE,
    )
    for place in PLACES
]


def chosen(text: str, options: Sequence[str]) -> str:
    """`2`, `the second one please`, or the title's own words; a number within a sentence chooses nothing."""
    said = matter(text).strip().lower()
    if len(said) > 200:
        return ""
    for pick, option in zip(PICKS, options, strict=False):
        if pick.fullmatch(said):
            return option
    named = [each for each in options if each.lower() in said or (len(said) > 8 and said in each.lower())]
    return named[0] if len(named) == 1 else ""
