"""Are topics read as colleagues chose them? Measured on this desk's own messages, in folds: each is read by what was
learned from the others, and from the topics' names and phrases."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intents import measured
from ai.fewshot import FewShot
from ai.predictions import Kind
from ai.triage import examples
from ai.triage.examples import NONE, Example
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.ports import Embedder, Scores, Vectors

FEWEST = 20
"""Messages whose topic somebody chose."""
FOLDS = 5


async def evaluate_topics(session: AsyncSession, embedder: Embedder) -> dict[str, Any]:
    """On messages whose topic was chosen or corrected, the newest 1,500. Raises Invalid where they are too few."""
    said, _last = await examples.corrections(session, Kind.topic)
    known = await examples.phrases(session, Kind.topic)
    people = examples.merged(said)
    labels = {each.label for each in known}
    if len(people) < FEWEST or len(labels) < 2:
        raise Invalid(
            gettext(
                "Only %(n)s messages have a topic that a colleague chose or corrected; it takes %(least)s, "
                "and two topics."
            )
            % {"n": len(people), "least": FEWEST}
        )
    vectors = await embedder.embed([each.text for each in people])
    phrases = await embedder.embed([each.text for each in known])
    scores = await asyncio.to_thread(_read, people, vectors, known, phrases)
    truth = [each.label if each.label in labels else None for each in people]
    return {
        "topics": len(labels),
        "messages": len(people),
        **measured(scores, truth),
        "embedder": embedder.name,
    }


def _read(
    people: Sequence[Example], vectors: Vectors, known: Sequence[Example], phrases: Vectors
) -> list[Scores]:
    found: dict[int, Scores] = {}
    for fold in range(FOLDS):
        held, kept = (
            [i for i in range(len(people)) if (i % FOLDS == fold) is is_held] for is_held in (True, False)
        )
        taught = [*(people[i] for i in kept), *known]
        model = FewShot.learn(
            [each.text for each in taught],
            [each.label for each in taught],
            np.concatenate([vectors[kept], phrases]),
            letters=len(kept),
            none=NONE,
        )
        read = model.classify([people[i].text for i in held], vectors[held])
        found |= dict(zip(held, map(_honest, read), strict=True))
    return [found[i] for i in range(len(people))]


def _honest(scores: Scores) -> Scores:
    """`None of them` is no topic: whoever says it says nothing."""
    return replace(scores, label=None) if scores.label == NONE else scores
