"""What work teaches: questions that no article answers, articles that say the same or another thing than people
answer, and sudden clusters of letters. Findings, each with what it stands on; a person decides what becomes of them.

questions.py   what was asked, with its vector
groups.py      which of them ask for the same thing
gaps.py        groups that no article answers, by what they cost
incidents.py   groups that came all at once
agreement.py   articles that double or contradict each other, or recent answers
findings.py    what is kept, from night to night
proposing.py   a new article from solved tickets, an edit from answers, a problem ticket with its children
"""

from sqlalchemy.ext.asyncio import AsyncSession

from ai.learning.agreement import contradictions, duplicates
from ai.learning.findings import Finding, Kind, keep
from ai.learning.gaps import gaps
from ai.learning.incidents import incidents
from ai.learning.questions import Asked, Memory, lately
from helpdesk.clock import now
from helpdesk.ports import Embedder

NIGHTLY = (Kind.gap, Kind.duplicate, Kind.contradiction)

__all__ = ["Finding", "Kind", "Memory", "lately", "learn", "watch"]


async def learn(session: AsyncSession, embedder: Embedder, asked: Asked) -> list[Finding]:
    """A night's look at everything; returns what is open now."""
    found = await gaps(session, embedder, asked)
    found += await duplicates(session, embedder)
    found += await contradictions(session, embedder)
    return await keep(session, NIGHTLY, found)


async def watch(session: AsyncSession, asked: Asked) -> list[Finding]:
    """A quick look for incidents, whenever letters have come in."""
    return await keep(session, (Kind.incident,), incidents(asked, now()))
