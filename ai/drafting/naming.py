"""A title and tags to propose for a ticket: of tags only those that the desk has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting.summaries import About, extracted
from ai.output import RULE, Leaked, prepared, safe, with_canary
from ai.predictions import Classification, Kind
from ai.writing import decided
from helpdesk.labels import Tag
from helpdesk.messages import Direction, Message
from helpdesk.ports import LanguageModel, Prompt
from helpdesk.tickets import Ticket

LONGEST = 70
MOST = 3
KNOWN = 200
"""Tags that a model may choose from."""
OPENING = re.compile(
    r"^(?:(?:and|but|so|also|please|hi|hello|und|aber|bitte)[\s,]+|i (?:would like|want|need) to (?:know|ask)\s+"
    r"|(?:can|could|would) you (?:please )?(?:tell|let) (?:me|us)(?: know)?\s+)+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Naming:
    title: str = ""
    """Empty: the one it has is as good."""
    tags: tuple[str, ...] = ()


class Named(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, Meta(max_length=120)]
    tags: Annotated[list[Annotated[str, Meta(max_length=60)]], Meta(max_length=10)]


SYSTEM = """\
You name a support ticket for the agents who work on it, in the language of its messages. title: what it is about, in \
at most eight words, no full stop. tags: at most three of the given tags that fit, copied exactly; none is fine.
{rule}"""


async def named(
    session: AsyncSession, ticket: Ticket, turns: Sequence[Message], has: Sequence[str]
) -> Naming:
    """From what triage read and what the letter says; `has` are the ticket's tags."""
    letters = [turn for turn in turns if turn.direction is Direction.inbound]
    if not letters:
        return Naming()
    wanted = [line.text for line in extracted(turns) if line.about is About.wants]
    title = shortened(wanted[0]) if wanted else ""
    tags = [*await _read(session, letters), *await _mentioned(session, letters[0])]
    fresh = tuple(tag for tag in dict.fromkeys(tags) if tag not in has)[:MOST]
    return Naming("" if title.lower() == ticket.subject.strip().lower() else title, fresh)


async def named_by(
    model: LanguageModel,
    known_tags: Sequence[str],
    ticket: Ticket,
    turns: Sequence[Message],
    has: Sequence[str],
) -> Naming:
    """In a model's words. Raises ModelFailed."""
    told = "\n\n".join(prepared(turn.text[:1_500], turn.direction.value) for turn in turns[:6])
    tags = prepared("\n".join(known_tags[:KNOWN]), "tags")
    prompt = Prompt(
        system=with_canary(SYSTEM.format(rule=RULE)),
        user=f"{prepared(ticket.subject, 'title so far')}\n\n{told}\n\n{tags}",
        max_tokens=150,
    )
    found = await decided(model, prompt, Named)
    checked = safe(found.title, told=prompt.system)
    title = "" if isinstance(checked, Leaked) else shortened(" ".join(checked.text.split()))
    known = {tag.lower(): tag for tag in known_tags}
    chosen = (known.get(tag.strip().lower()) for tag in found.tags)
    fresh = tuple(dict.fromkeys(tag for tag in chosen if tag and tag not in has))[:MOST]
    return Naming("" if title.lower() == ticket.subject.strip().lower() else title, fresh)


async def tags_of(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(Tag.name).order_by(Tag.name).limit(KNOWN)))


def shortened(sentence: str) -> str:
    """A title's length, cut between words."""
    text = OPENING.sub("", " ".join(sentence.split())).rstrip(" .,;:")
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
    return text[:1].upper() + text[1:]


async def _read(session: AsyncSession, letters: Sequence[Message]) -> list[str]:
    """What triage says of the newest letter that it says anything of."""
    ids = await session.scalars(
        select(Classification.label)
        .where(
            Classification.message_id.in_([letter.id for letter in letters]),
            Classification.kind == Kind.tag,
            Classification.label.is_not(None),
        )
        .order_by(Classification.message_id.desc())
    )
    numbers = [int(label) for label in ids if label and label.isdigit()]
    names = dict((await session.execute(select(Tag.id, Tag.name).where(Tag.id.in_(numbers)))).tuples().all())
    return [names[number] for number in numbers if number in names]


async def _mentioned(session: AsyncSession, letter: Message) -> list[str]:
    """Tags whose every word stands in the letter, the longest first."""
    words = {_root(word) for word in re.findall(r"\w+", letter.text.lower())}
    found = [
        name
        for name in await tags_of(session)
        if (parts := re.findall(r"\w+", name.lower())) and all(_root(part) in words for part in parts)
    ]
    return sorted(found, key=len, reverse=True)


def _root(word: str) -> str:
    return word.removesuffix("s") if len(word) > 4 else word
