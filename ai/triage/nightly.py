"""Every night each reader is learned anew, and replaces the one at work only where it does better on messages that
neither of them has learned from."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intervals import wilson
from ai.fewshot import FewShot
from ai.predictions import Kind
from ai.triage import examples, readers
from ai.triage.examples import Example
from ai.triage.packing import packed
from ai.triage.promotion import activate
from ai.triage.rows import Learned
from helpdesk.events import DESK
from helpdesk.ports import Embedder, Scores

EVERY = 5
"""Each fifth message is held back for good: what is measured on them was never learned from."""
FEWEST_HELD = 12
LEARNED = tuple(kind for kind in Kind if kind is not Kind.language)


def is_held_back(message_id: int) -> bool:
    return message_id % EVERY == 0


async def learn(session: AsyncSession, embedder: Embedder, kind: Kind) -> Learned | None:
    """What came of this night: a row that is active, or one that says why not. None: too little to learn from."""
    said, last = await examples.corrections(session, kind)
    people = examples.merged(await examples.history(session, kind), said)
    held = [each for each in people if is_held_back(each.message_id or 0) and each.label]
    kept = [each for each in people if not is_held_back(each.message_id or 0)]
    known = await examples.phrases(session, kind)
    if len(held) < FEWEST_HELD or len({each.label for each in [*kept, *known]} - {examples.NONE}) < 2:
        return None
    both = [*kept, *known]
    vectors = await embedder.embed([each.text for each in both])
    model = await asyncio.to_thread(
        FewShot.learn,
        [each.text for each in both],
        [each.label for each in both],
        vectors,
        sources=[each.source for each in both],
        letters=len(kept),
        none=examples.NONE,
    )
    current = await session.scalar(
        select(Learned).where(Learned.kind == kind, Learned.embedder == embedder.name, Learned.active)
    )
    ours, theirs = await _compared(session, embedder, kind, model, current, known, held, len(kept))
    row = Learned(
        kind=kind,
        embedder=embedder.name,
        weights=packed(model.weights, vectors[: len(kept)]),
        shape={
            "labels": list(model.labels),
            "messages": [[each.message_id, each.label] for each in kept],
        },
        examples=len(kept),
        last_example_id=last,
        measured={"held_back": len(held), "ours": ours, "theirs": theirs},
        replaced_id=current.id if current else None,
    )
    if ours["net"] > theirs["net"]:
        await activate(session, row, current, by=DESK)
    else:
        row.weights, row.shape = b"", {}  # for the record only
        session.add(row)
    await session.flush()
    return row


async def _compared(
    session: AsyncSession,
    embedder: Embedder,
    kind: Kind,
    model: FewShot,
    current: Learned | None,
    known: list[Example],
    held: Sequence[Example],
    count: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    texts = [each.text for each in held]
    vectors = await embedder.embed(texts)
    truth = [each.label for each in held]
    if current:
        before = await readers.again(session, embedder, current, known, [])
        theirs = readers.wrapped(embedder, kind, before, current.examples, "")
    else:
        first = await readers.taught(embedder, kind, known, [])
        theirs = readers.wrapped(embedder, kind, first, 0, "")
    ours = readers.wrapped(embedder, kind, replace(model, late=0), count, "")
    return measured(ours.read(texts, vectors), truth), measured(theirs.read(texts, vectors), truth)


def measured(said: Sequence[Scores], truth: Sequence[str]) -> dict[str, Any]:
    """`net`: right less wrong words, of all; to say nothing costs nothing."""
    spoken = [(each.label, label) for each, label in zip(said, truth, strict=True) if each.label]
    right = sum(label == wanted for label, wanted in spoken)
    low, high = wilson(right, len(spoken))
    return {
        "said": len(spoken),
        "right": right,
        "interval": [round(low, 4), round(high, 4)],
        "net": round((2 * right - len(spoken)) / max(1, len(truth)), 4),
    }
