"""What customers have asked lately: the first letter of each ticket, and what became of it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.questions import asked
from helpdesk.clock import now
from helpdesk.ports import Embedder, Vectors

LATELY = timedelta(days=60)
MOST = 3_000
LENGTH = 1_200  # characters; the model reads 256 tokens
BATCH = 64
REMEMBERED = 20_000

LETTERS = """
    SELECT ticket.id, ticket.subject, ticket.contact_id, ticket.language, letter.id AS letter_id,
           letter.text, letter.sent_at,
           (SELECT count(*) FROM message AS answer WHERE answer.ticket_id = ticket.id AND answer.agent_id IS NOT NULL
              AND answer.direction = 'outbound' AND answer.withdrawn_at IS NULL AND answer.side_id IS NULL) AS answers,
           EXISTS (SELECT FROM suggestion WHERE suggestion.ticket_id = ticket.id AND (suggestion.state = 'used'
              OR suggestion.state = 'edited' AND suggestion.edit_distance <= :little)) AS helped
    FROM ticket
    CROSS JOIN LATERAL (
      SELECT id, text, sent_at FROM message WHERE ticket_id = ticket.id AND direction = 'inbound'
        AND side_id IS NULL AND copy_of_id IS NULL AND NOT automatic AND btrim(text) <> '' ORDER BY id LIMIT 1
    ) AS letter
    WHERE ticket.created_at >= :since AND ticket.removed IS NULL AND ticket.merged_into_id IS NULL
      AND ticket.erased_at IS NULL
    ORDER BY ticket.id DESC LIMIT :most
"""
LITTLE = 0.5
"""Share of a draft that may be changed where the article behind it still answered."""


@dataclass(frozen=True)
class Question:
    ticket_id: int
    letter_id: int
    contact_id: int
    text: str
    language: str | None
    at: datetime
    answers: int
    """That people wrote."""
    helped: bool
    """An article's draft was sent."""


@dataclass(frozen=True)
class Asked:
    questions: Sequence[Question]
    """The newest first."""
    vectors: Vectors

    def without(self, tickets: Container[int]) -> "Asked":
        left = [i for i, one in enumerate(self.questions) if one.ticket_id not in tickets]
        return Asked([self.questions[i] for i in left], self.vectors[left])


class Memory:
    """Vectors of letters, remembered from look to look: a look every few minutes must not read all of them again."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._known: dict[int, Vectors] = {}

    async def asked(self, questions: Sequence[Question]) -> Asked:
        new = [one for one in questions if one.letter_id not in self._known]
        for start in range(0, len(new), BATCH):
            some = new[start : start + BATCH]
            vectors = await self.embedder.embed([one.text[:LENGTH] for one in some])
            self._known |= {one.letter_id: vector for one, vector in zip(some, vectors, strict=True)}
        found = [self._known[one.letter_id] for one in questions]
        for letter_id in list(self._known)[: max(len(self._known) - REMEMBERED, 0)]:
            del self._known[letter_id]
        vectors = np.stack(found) if found else np.zeros((0, self.embedder.dimensions), np.float32)
        return Asked(questions, vectors)


async def lately(session: AsyncSession, within: timedelta = LATELY) -> list[Question]:
    """The newest first. Reading them with the model takes a while: end the transaction before."""
    rows = await session.execute(text(LETTERS), {"since": now() - within, "most": MOST, "little": LITTLE})
    return [
        Question(
            row.id, row.letter_id, row.contact_id, asked(row.subject, row.text), row.language, row.sent_at,
            row.answers, row.helped,
        )
        for row in rows
    ]  # fmt: skip
