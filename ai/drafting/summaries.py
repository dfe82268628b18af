"""A ticket in a few lines: what the customer wants, what was tried, what is open. Without a language model they are
sentences of its messages, word for word."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from ai.output import RULE, Leaked, prepared, safe, with_canary
from ai.questions import matter
from ai.writing import decided
from helpdesk.i18n import Text, _
from helpdesk.messages import Direction, Message
from helpdesk.ports import LanguageModel, Prompt
from kb.chunks import sentences

TURNS = 30
LONGEST = 300
LETTERS = 15
"""A sentence with fewer says little."""
LETTER = 1_500
ASKS = ("?", "？", "؟")
NUMBER = re.compile(r"\d+")
COURTESY = re.compile(
    r"\b(?:thank|sorry|apolog|hope|regards|let us know|reply to this|dank|leider|entschuldig|merci|gracias|grazie)",
    re.IGNORECASE,
)


class About(StrEnum):
    wants = "wants"
    tried = "tried"
    open = "open"


HEADINGS: dict[About, Text] = {
    About.wants: _("What the customer wants"),
    About.tried: _("What was tried"),
    About.open: _("What is open"),
}


@dataclass(frozen=True)
class Line:
    about: About
    text: str
    message_id: int | None = None
    """Where it stands; None where a model put it into its own words."""


class Summary(msgspec.Struct, forbid_unknown_fields=True):
    wants: Annotated[list[Annotated[str, Meta(max_length=400)]], Meta(max_length=3)]
    tried: Annotated[list[Annotated[str, Meta(max_length=400)]], Meta(max_length=6)]
    open: Annotated[list[Annotated[str, Meta(max_length=400)]], Meta(max_length=4)]


SYSTEM = """\
You summarise a support ticket for the agent who takes it over, in the language with the code "{language}".
wants: what the customer wants, in one or two sentences. tried: what was answered or tried so far. open: what still \
has to be done or answered. Say only what the messages say, each point in one short sentence; leave a list empty \
where there is nothing.
{rule}"""


async def summarised(model: LanguageModel, turns: Sequence[Message], *, language: str) -> list[Line]:
    """In a model's words; a line with a number that nobody wrote is left out. Raises ModelFailed."""
    told = "\n\n".join(
        prepared(turn.text[:LETTER], "customer" if turn.direction is Direction.inbound else "desk")
        for turn in turns
    )
    prompt = Prompt(
        system=with_canary(SYSTEM.format(language=language, rule=RULE)), user=told, max_tokens=500
    )
    found = await decided(model, prompt, Summary)
    known = {number for turn in turns for number in NUMBER.findall(turn.text)}
    lines = [Line(about, _safe(text, prompt.system)) for about in About for text in getattr(found, about)]
    return [line for line in lines if line.text and set(NUMBER.findall(line.text)) <= known]


def _safe(text: str, told: str) -> str:
    checked = safe(text, told=told)
    return "" if isinstance(checked, Leaked) else " ".join(checked.text.split())


def extracted(turns: Sequence[Message]) -> list[Line]:
    """Their own sentences: the first question, what agents answered, what was asked since the last answer."""
    letters = [turn for turn in turns if turn.direction is Direction.inbound and not turn.automatic]
    answers = [turn for turn in turns if turn.direction is Direction.outbound]
    found: list[Line] = []
    if letters:
        found += _lines(About.wants, letters[0], _asked(letters[0].text)[:2])
    for answer in answers[-3:]:
        found += _lines(About.tried, answer, _told(answer.text)[:1])
    last = answers[-1].id if answers else 0
    since = [letter for letter in letters if letter.id > last]
    if since and since[-1] is not letters[0]:
        found += _lines(About.open, since[-1], _asked(since[-1].text)[-2:])
    return found


def _lines(about: About, turn: Message, texts: Iterable[str]) -> list[Line]:
    return [Line(about, text[:LONGEST], turn.id) for text in texts]


def _asked(letter: str) -> list[str]:
    """Its questions; without any its last sentence that is not a mere courtesy."""
    every = _sentences(letter)
    return [each for each in every if each.endswith(ASKS)] or _told(letter)[-1:]


def _told(letter: str) -> list[str]:
    every = _sentences(letter)
    return [each for each in every if not COURTESY.search(each)] or every


def _sentences(letter: str) -> list[str]:
    found = [
        sentence
        for paragraph in re.split(r"\n\s*\n|\n(?=\d+[.)]\s|[-*•]\s)", matter(letter))
        for sentence in sentences(" ".join(paragraph.split()))
    ]
    return [each for each in found if sum(map(str.isalpha, each)) >= LETTERS]
