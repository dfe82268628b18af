"""What agents made of drafts, as far as it bears on how sure the next one must be."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intervals import wilson

ENOUGH = 30
"""Drafts above the threshold that agents decided on, before they move it."""
NEWEST = 300
LEFT = 0.8
"""A draft of which more than this share was changed before it was sent had not answered."""


@dataclass(frozen=True)
class Verdict:
    chance: float
    right: bool


async def verdicts(session: AsyncSession) -> list[Verdict]:
    """Of the newest drafts that an agent used, edited or dismissed. In SQL, because drafts are made with levels."""
    rows = await session.execute(
        text("""
            SELECT confidence, state <> 'dismissed' AND coalesce(edit_distance, 0) <= :left AS right
            FROM suggestion WHERE state IN ('used', 'edited', 'dismissed') ORDER BY id DESC LIMIT :newest
        """),
        {"left": LEFT, "newest": NEWEST},
    )
    return [Verdict(row.confidence, row.right) for row in rows]


def raised(threshold: float, judged: Sequence[Verdict], *, wrong: float) -> float:
    """The threshold from which on at most this share was wrong, where it is certain (95 %) that more were.

    Never lower: what was withheld nobody could judge.
    """
    above = sorted((each for each in judged if each.chance >= threshold), key=lambda each: each.chance)
    misses = sum(not each.right for each in above)
    if len(above) < ENOUGH or wilson(misses, len(above))[0] <= wrong:
        return threshold
    for dropped, each in enumerate(above, 1):
        misses -= not each.right
        left = len(above) - dropped
        if left < ENOUGH or misses <= wrong * left:
            return above[dropped].chance if left else each.chance
    return threshold
