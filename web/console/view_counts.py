"""How many tickets each saved view holds: asked for all at once after the page, and remembered for a while."""

from collections.abc import Sequence
from time import monotonic

from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions, views
from helpdesk.clock import now
from helpdesk.conditions import Condition
from helpdesk.people import Agent
from helpdesk.saved_views import SavedView

FRESH = 20.0  # seconds for which a view's count is not counted again
KEPT = 2000  # counts that are remembered
SLOW = 1500  # milliseconds after which counting one is given up
LONGEST = 4.0  # seconds for all of a page's; the rest is counted when it is asked for next
UNKNOWN = "…"
_counted: dict[tuple[int, int], tuple[float, str, str]] = {}
"""By agent and view: when, what the view asked for, and the number in words."""


def remembered(agent_id: int, view_id: int) -> str:
    """What a page can show at once; empty where it was never counted."""
    return _counted.get((agent_id, view_id), (0.0, "", ""))[2]


async def counted(session: AsyncSession, agent: Agent, found: Sequence[SavedView]) -> dict[int, str]:
    """Each is counted at most every 20 seconds for each agent; a change of the view counts anew."""
    ends = monotonic() + LONGEST
    return {view.id: await _kept(session, agent, view, ends) for view in found}


async def _kept(session: AsyncSession, agent: Agent, view: SavedView, ends: float) -> str:
    key, wanted = (agent.id, view.id), repr(view.condition)
    at, before, words = _counted.get(key, (0.0, "", ""))
    if before == wanted and monotonic() - at <= FRESH:
        return words
    if monotonic() > ends:
        return words if before == wanted else UNKNOWN
    words = await number(session, agent, view.wanted)
    if len(_counted) >= KEPT:
        _counted.clear()
    _counted[key] = (monotonic(), wanted, words)
    return words


async def number(session: AsyncSession, agent: Agent, wanted: Condition) -> str:
    """`12`, `99+`, or `…` where counting would take too long."""
    try:
        async with session.begin_nested():
            await session.execute(views.patience(SLOW))
            where = await conditions.compiled(session, wanted, agent, now())
            found = await views.at_most(session, agent, where)
            await session.execute(views.patience(None))
    except OperationalError:
        return UNKNOWN
    return "99+" if found >= views.MOST else str(found)
