"""Bulk changes that are too many for one request, batch after batch; each batch is committed alone."""

from helpdesk import bulk
from helpdesk.database import committed
from helpdesk.desk import Desk


async def change_many(desk: Desk) -> None:
    """Until every command is finished. Killed in the middle, it goes on where the last batch ended."""
    more = True
    while more:
        async with committed(desk.sessions) as session:
            more = await bulk.work(session)
