"""One reader a kind, as it is at this moment: what was learned at night, and every correction since."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from ai.fewshot import FewShot
from ai.predictions import Kind
from ai.regression import Weights
from ai.sentiment import FrustrationReader, SentimentReader
from ai.triage import examples
from ai.triage.examples import NONE, Example
from ai.triage.packing import unpacked
from ai.triage.rows import Correction, Learned
from helpdesk.clock import now
from helpdesk.messages import Message
from helpdesk.ports import Embedder, Scores, Vectors

FEWEST = {Kind.tag: 20, Kind.priority: 20, Kind.sentiment: 30, Kind.frustration: 30}
"""Examples below which a kind that has no phrases of its own is not learned."""
OWN_WORD = 0.8
HALFWAY = 150
"""Corrections with which the desk's own learning weighs as much as the shipped coefficients."""


class Reader(Protocol):
    @property
    def name(self) -> str: ...

    def read(self, texts: Sequence[str], vectors: Vectors) -> list[Scores]: ...


@dataclass(frozen=True)
class Silent:
    """Nothing to learn from yet."""

    why: str
    name: str = "none"

    def read(self, texts: Sequence[str], vectors: Vectors) -> list[Scores]:
        return [Scores(None, 0.0, reasons=(self.why,))] * len(texts)


@dataclass(frozen=True)
class Taught:
    """By examples."""

    model: FewShot
    name: str

    def read(self, texts: Sequence[str], vectors: Vectors) -> list[Scores]:
        """What is most like something that an agent called none of these is not known."""
        said = self.model.classify(texts, vectors)
        return [replace(each, label=None) if each.label == NONE else each for each in said]


@dataclass(frozen=True)
class Mood:
    """Shipped coefficients, and beside them, with growing weight, what this desk corrected."""

    shipped: SentimentReader | FrustrationReader
    own: FewShot | None
    share: float
    name: str

    def read(self, texts: Sequence[str], vectors: Vectors) -> list[Scores]:
        said = self.shipped.read(vectors)
        if self.own is None:
            return said
        ours = self.own.classify(texts, vectors)
        return [blended(*pair, share=self.share) for pair in zip(said, ours, strict=True)]


def blended(shipped: Scores, own: Scores, *, share: float) -> Scores:
    """Where the desk's own examples are sure, because one says almost the same, they decide."""
    if own.confidence > OWN_WORD and own.label:
        share = max(share, own.confidence)
    chances = {
        label: (1 - share) * shipped.all.get(label, 0.0) + share * own.all.get(label, 0.0)
        for label in {**shipped.all, **own.all}
    }
    best = max(chances, key=chances.__getitem__)
    sure = (1 - share) * shipped.confidence + share * own.confidence
    said = best if shipped.label or own.label else None
    return Scores(said, sure, chances, own.reasons if best == own.label else shipped.reasons)


async def reader(session: AsyncSession, embedder: Embedder, kind: Kind) -> Reader:
    """Kept until something that it was learned from changes, and for an hour at most: then what was erased since
    is no example any more."""
    learned = await session.scalar(
        select(Learned).where(Learned.kind == kind, Learned.embedder == embedder.name, Learned.active)
    )
    known = await examples.phrases(session, kind)
    newest = (
        await session.execute(
            select(func.count(), func.max(Correction.id), func.max(Correction.created_at)).where(
                Correction.kind == kind
            )
        )
    ).one()
    key = hashlib.sha256(
        repr((embedder.name, learned and learned.id, known, tuple(newest), now().hour)).encode()
    ).hexdigest()
    place = (kind, embedder.name)
    if place not in _made or _made[place][0] != key:
        _made[place] = key, await _make(session, embedder, kind, learned, known)
    return _made[place][1]


_made: dict[tuple[Kind, str], tuple[str, Reader]] = {}
"""The latest of each kind, with what it was made from."""


def forget() -> None:
    """Make every reader anew."""
    _made.clear()


async def _make(
    session: AsyncSession, embedder: Embedder, kind: Kind, learned: Learned | None, known: list[Example]
) -> Reader:
    late, _ = await examples.corrections(session, kind)
    if learned is None:
        model = await taught(embedder, kind, known, late)
        return wrapped(embedder, kind, model, len(late), f"fewshot/{embedder.name}")
    known_to = {number for number, _ in learned.shape["messages"]}
    late = [each for each in late if each.message_id not in known_to]
    model = await again(session, embedder, learned, known, late)
    return wrapped(embedder, kind, model, learned.examples, f"desk-{learned.id}/{embedder.name}")


def wrapped(embedder: Embedder, kind: Kind, model: FewShot | None, count: int, name: str) -> Reader:
    """`count`: examples of this desk that it learned from."""
    if kind not in examples.MOODS:
        return Taught(model, name) if model else Silent(SILENT[kind])
    shipped = SentimentReader(embedder) if kind is Kind.sentiment else FrustrationReader(embedder)
    called = f"{name}+{shipped.name}" if model else shipped.name
    return Mood(shipped, model, count / (count + HALFWAY), called)


SILENT = {
    Kind.topic: "fewer than two topics",
    Kind.team: "fewer than two teams say what they do",
    Kind.tag: "too few tickets were tagged by people",
    Kind.priority: "too few priorities were set by people",
    Kind.urgency: "nothing to learn from",
}


async def taught(
    embedder: Embedder, kind: Kind, known: Sequence[Example], late: Sequence[Example]
) -> FewShot | None:
    """Learned on the spot; None where there is nothing to tell apart."""
    both = [*known, *late]
    if len({each.label for each in both} - {NONE}) < 2 and kind not in examples.MOODS:
        return None
    if kind in examples.MOODS:  # a few corrections are no classifier, but a memory
        return await memory(embedder, late)
    if len(both) < FEWEST.get(kind, 2):
        return None
    vectors = await embedder.embed([each.text for each in both])
    texts, labels = [each.text for each in both], [each.label for each in both]
    sources = [each.source for each in both]
    made = await asyncio.to_thread(FewShot.learn, texts, labels, vectors, sources=sources)
    return replace(made, late=len(late))


async def memory(embedder: Embedder, late: Sequence[Example]) -> FewShot | None:
    """Nothing but its examples: sure only of what is almost the same."""
    if not late:
        return None
    names = list(dict.fromkeys(each.label for each in late))
    weights = Weights(
        np.zeros((len(names), embedder.dimensions), np.float32),
        np.zeros(len(names), np.float32),
        np.array([10.0, -9.0]),
    )
    return FewShot.of(
        weights,
        names,
        [each.text for each in late],
        [each.label for each in late],
        await embedder.embed([each.text for each in late]),
        sources=[each.source for each in late],
        late=len(late),
    )


async def again(
    session: AsyncSession,
    embedder: Embedder,
    learned: Learned,
    known: Sequence[Example],
    late: Sequence[Example],
) -> FewShot:
    """What was erased since is gone from the examples, too."""
    weights, vectors = unpacked(learned.weights)
    refs: list[list[Any]] = learned.shape["messages"]
    kept = await _texts(session, learned.kind, [number for number, _ in refs])
    rows = [at for at, (number, _) in enumerate(refs) if number in kept]
    fresh = [*known, *late]
    # the corrections come last: their number says which of the examples are late
    texts = [kept[refs[at][0]] for at in rows] + [each.text for each in fresh]
    labels = [str(refs[at][1]) for at in rows] + [each.label for each in fresh]
    sources = [{"message": refs[at][0]} for at in rows] + [each.source for each in fresh]
    new = await embedder.embed([each.text for each in fresh]) if fresh else vectors[:0]
    return FewShot.of(
        weights,
        learned.shape["labels"],
        texts,
        labels,
        np.concatenate([vectors[rows], new]),
        sources=sources,
        late=len(late),
    )


async def _texts(session: AsyncSession, kind: Kind, ids: Sequence[int]) -> dict[int, str]:
    found = await session.scalars(
        select(Message).where(Message.id.in_(ids), Message.text != "").options(joinedload(Message.ticket))
    )
    return {message.id: examples.text_of(kind, message) for message in found}
