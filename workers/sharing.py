"""Tickets that look for somebody: shared out when one comes, or somebody becomes free; given back by who went away."""

from helpdesk import routing
from helpdesk.database import committed
from helpdesk.desk import Desk


async def share_out(desk: Desk) -> None:
    """Until nobody who is there can take more. Safe to run twice, and by several at once."""
    more = True
    while more:
        async with committed(desk.sessions) as session:
            more = await routing.share_out(session) > 0


async def give_back(desk: Desk) -> int:
    """What colleagues who went away hold, while a customer waits; it is shared out again at once."""
    async with committed(desk.sessions) as session:
        given = await routing.give_back(session)
    await share_out(desk)
    return given
