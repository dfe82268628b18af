"""A model's letter against the passages it was shown: what is proved stays, with its source; the rest is taken out."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ai.compose import Citation, Part, Sentence
from ai.drafting.answering import Removed
from ai.drafting.checking import MARK, Fault, best_source, fault_of
from ai.drafting.evidence import Piece
from ai.output import Leaked, safe
from helpdesk.ports import Embedder

NEAR = 0.6
"""Cosine of a sentence and its source; true ones lie above .75, and below .5 it is about something else."""
WISH = "wish"
"""What a model names as the source of a sentence that the agent asked for."""
ENDS = re.compile(r"[.!?;\n]+(?:\s+|$)")
SURE = 0.9
"""Probability of entailment below which a sentence is taken out, where such a model is asked."""


class Said(Protocol):
    """One sentence as a model gave it."""

    @property
    def text(self) -> str: ...
    @property
    def sources(self) -> Sequence[str]: ...
    @property
    def new_paragraph(self) -> bool: ...


class Entailment(Protocol):
    """Whether a text follows from another one, by a model of its own."""

    async def follows(self, pairs: Sequence[tuple[str, str]]) -> Sequence[float]:
        """For each (source, sentence) the probability that the sentence follows."""
        ...


class GaveAway(Exception):
    """The model wrote its instructions down: nothing of the letter is used."""


@dataclass(frozen=True)
class Proved:
    sentences: tuple[Sentence, ...]
    removed: tuple[Removed, ...]

    @property
    def holds(self) -> bool:
        """Enough is left, and no step of a list is missing: steps with a gap mislead."""
        if any(MARK.match(each.text) for each in self.removed):
            return False
        quoted = [sentence for sentence in self.sentences if sentence.citations]
        return bool(quoted) and len(self.sentences) >= len(self.removed)


async def proved(
    letter: Sequence[Said],
    pieces: Mapping[str, Piece],
    embedder: Embedder,
    *,
    links: Collection[str] = (),
    told: str = "",
    wished: str = "",
    entailment: Entailment | None = None,
) -> Proved:
    """Raises GaveAway. `links`: addresses that the passages hold; `told`: the model's instructions; `wished`: what an
    agent asked for in words of their own, which may be said as well."""
    kept: list[Sentence] = []
    removed: list[Removed] = []
    for each in letter:
        if not (text := _safe(each.text, links, told)):
            continue
        begins = each.new_paragraph or bool(MARK.match(text)) or not kept
        citation, fault = _cited(text, each.sources, pieces)
        if citation is not None:
            kept.append(Sentence(text=text, citations=(citation,), begins=begins))
        elif is_wished(text, each.sources, wished):
            kept.append(Sentence(text=text, kind=Part.wished, begins=begins))
        else:
            removed.append(Removed(text, fault))
    doubts = await _doubts(kept, embedder, entailment)
    removed += [Removed(s.text, doubt) for s, doubt in zip(kept, doubts, strict=True) if doubt]
    return Proved(tuple(s for s, d in zip(kept, doubts, strict=True) if not d), tuple(removed))


def _safe(text: str, links: Collection[str], told: str) -> str:
    checked = safe(text, links, told=told)
    if isinstance(checked, Leaked):
        raise GaveAway(checked.why)
    return " ".join(checked.text.split())


def _cited(text: str, sources: Sequence[str], pieces: Mapping[str, Piece]) -> tuple[Citation | None, Fault]:
    """The first of the cited passages that has a sentence which says it."""
    if not sources:
        return None, Fault.no_source
    fault = Fault.unknown_source
    for name in sources:
        if (piece := pieces.get(name.strip(" []"))) is None:
            continue
        place, wrong = best_source(text, piece.sentences)
        if wrong is None:
            return piece.citation(place), Fault.unsaid
        fault = wrong
    return None, fault


def is_wished(text: str, sources: Sequence[str], wished: str) -> bool:
    """One sentence of the agent's wish says it: a model under a stranger's spell can say no more than that."""
    if WISH not in {name.strip(" []").lower() for name in sources}:
        return False
    return any(fault_of(text, part, to_us=True) is None for part in ENDS.split(wished) if part.strip())


async def _doubts(
    kept: Sequence[Sentence], embedder: Embedder, entailment: Entailment | None
) -> list[Fault | None]:
    """What the models say against sentences that the words allow."""
    places = [i for i, sentence in enumerate(kept) if sentence.citations]
    found: list[Fault | None] = [None] * len(kept)
    if not places:
        return found
    pairs = [(kept[i].citations[0].quote, kept[i].text) for i in places]
    vectors = await embedder.embed([text for pair in pairs for text in pair])
    near = (vectors[0::2] * vectors[1::2]).sum(axis=1)
    doubts: list[Fault | None] = [None if cosine >= NEAR else Fault.unlike for cosine in near]
    if entailment:
        sure = await entailment.follows(pairs)
        doubts = [d or (None if p >= SURE else Fault.not_entailed) for d, p in zip(doubts, sure, strict=True)]
    for place, doubt in zip(places, doubts, strict=True):
        found[place] = doubt
    return found


def is_grounded(sentences: Sequence[Sentence]) -> bool:
    """Every sentence that claims something names the place that says it."""
    return all(
        each.citations and best_source(each.text, [c.quote for c in each.citations])[1] is None
        for each in sentences
        if each.kind is Part.content
    )
