"""Tickets that look for somebody: shared out when one comes, or somebody becomes free; given back by who went away."""

from helpdesk import routing
from helpdesk.database import committed
from helpdesk.desk import Desk


async def share_out(desk: Desk) -> int:
    """Every team's queue, page after page; returns how many tickets found somebody.

    Safe to run twice, by several at once, and to be killed between two pages.
    """
    async with desk.sessions() as session:
        teams = await routing.teams_waiting(session)
    return sum([await _shared(desk, team_id) for team_id in teams])


async def give_back(desk: Desk) -> int:
    """What colleagues who went away hold, while a customer waits; it is shared out again at once."""
    async with committed(desk.sessions) as session:
        given = await routing.give_back(session)
    await share_out(desk)
    return given


async def _shared(desk: Desk, team_id: int) -> int:
    given, after, more = 0, None, True
    while more:
        async with committed(desk.sessions) as session:
            page = await routing.assign_waiting(session, team_id, after)
        given, after, more = given + page.given, page.last, page.last is not None
    return given
