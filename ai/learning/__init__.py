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

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from ai.learning.agreement import contradictions, duplicates
from ai.learning.findings import Finding, Found, Kind, drop_gaps_within, keep, of_incidents
from ai.learning.gaps import LEAST, gaps
from ai.learning.incidents import incidents
from ai.learning.questions import Asked, Memory, lately
from helpdesk.clock import now
from helpdesk.database import Opened
from helpdesk.ports import Embedder

NIGHTLY = (Kind.gap, Kind.duplicate, Kind.contradiction)

__all__ = ["Finding", "Kind", "Memory", "keep_night", "lately", "look", "watch"]


async def look(opened: Opened, embedder: Embedder, asked: Asked) -> list[Found]:
    """A night's look at everything. It takes minutes of a model, so it asks the database in short sessions and keeps
    nothing open or locked between them."""
    async with opened() as session:
        incident = await of_incidents(session)
    found = await gaps(opened, embedder, asked.without(incident))
    async with opened() as session:
        found += await duplicates(session, embedder)
    return found + await contradictions(opened, embedder)


async def keep_night(session: AsyncSession, found: Sequence[Found]) -> list[Finding]:
    """What is open now; the caller sees to it that nobody else keeps meanwhile."""
    return await keep(session, NIGHTLY, found)


async def watch(session: AsyncSession, asked: Asked) -> list[Finding]:
    """A quick look for incidents, whenever letters have come in."""
    found = await keep(session, (Kind.incident,), incidents(asked, now()))
    await drop_gaps_within(session, await of_incidents(session), LEAST)
    return found
