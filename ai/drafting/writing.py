"""A draft in a language model's words, made of the passages that were found and of nothing else.

The model answers sentence by sentence, each with the passages it is taken from; what no passage proves is taken out.
If too little is left, or a step of a list is gone, the draft stays what the articles say word for word.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta

from ai.compose import Draft, Part, Sentence
from ai.courtesy import Courtesy
from ai.drafting.answering import Answer, Wish
from ai.drafting.evidence import Piece, pieces_of
from ai.drafting.proving import Entailment, GaveAway, Proved, proved
from ai.output import RULE, prepared, with_canary
from ai.writing import decided
from helpdesk.ports import Embedder, LanguageModel, Prompt

LETTER = 4_000
"""Characters of the customer's letter that a model is shown."""
TOKENS = 900
LINK = re.compile(r"https?://[^\s<>()\"']+")

SYSTEM = """\
You help an agent of a support desk to answer a customer. Write the middle of the reply in the language with the code \
"{language}": no greeting, no closing, no thanks, no apology.
Say only what the passages say. Keep their words, their numbers, their conditions and their order; leave out what the \
customer did not ask for. Each of your sentences must repeat what one single sentence of a passage says; never join \
two of them. Steps stay numbered, each a sentence of its own that begins with its number, and none is left out. For \
each sentence name the passages that it is taken from by their numbers.
If the passages do not answer the customer, return no sentences at all.
{rule}"""


WISHED = (
    "The agent who answers has a wish for this reply. Follow it as to length and tone. What it offers, asks or "
    "promises is said in a sentence of its own, in the wish's own words, with the source `wish`; the rules above hold "
    "for every other sentence."
)


class WrittenSentence(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, Meta(max_length=800)]
    sources: Annotated[list[str], Meta(max_length=6)]
    """Numbers of passages, e.g. `2`; `wish` for what the agent asked for."""
    new_paragraph: bool


class WrittenLetter(msgspec.Struct, forbid_unknown_fields=True):
    sentences: Annotated[list[WrittenSentence], Meta(max_length=40)]


async def rewritten(
    model: LanguageModel,
    embedder: Embedder,
    found: Answer,
    *,
    letter: str,
    words: Courtesy,
    name: str = "",
    wish: Wish | None = None,
    entailment: Entailment | None = None,
) -> Answer:
    """`found` in the model's words; as it was, but with what was taken out, where too little of them is proved.

    Raises ModelFailed.
    """
    pieces = pieces_of(found.hits)
    prompt = prompt_of(pieces, letter=letter, language=found.language, wish=wish or Wish())
    answer = await decided(model, prompt, WrittenLetter)
    links = {link.rstrip(".,;:") for piece in pieces.values() for link in LINK.findall(piece.text)}
    try:
        result = await proved(
            answer.sentences,
            pieces,
            embedder,
            links=links,
            told=prompt.system,
            wished=wish.words if wish else "",
            entailment=entailment,
        )
    except GaveAway:
        return found
    if not result.holds:
        return replace(found, removed=result.removed)
    return replace(found, draft=draft_of(result, words, name, wish or Wish()), removed=result.removed)


def prompt_of(pieces: Mapping[str, Piece], *, letter: str, language: str, wish: Wish) -> Prompt:
    passages = "\n\n".join(
        prepared(f"{piece.hit.title}\n{piece.text}", f"passage {name}") for name, piece in pieces.items()
    )
    parts = [passages, prepared(letter[:LETTER], "letter of the customer")]
    if wish.short:
        parts.append("The agent wants it as short as can be.")
    if wish.words:
        parts.append(f"{WISHED}\n{prepared(wish.words[:500], 'wish of the agent')}")
    system = with_canary(SYSTEM.format(language=language, rule=RULE))
    return Prompt(system=system, user="\n\n".join(parts), max_tokens=TOKENS)


def draft_of(result: Proved, words: Courtesy, name: str, wish: Wish) -> Draft:
    end = [words.asks(wish.ask)] if wish.ask else []
    return Draft(
        (
            Sentence(text=words.greets(name), kind=Part.greeting),
            *result.sentences,
            *(Sentence(text=line, kind=Part.closing) for line in [*end, words.offer, words.ending]),
        )
    )
