"""What the demo's tickets teach, looked for by the desk itself as soon as it knows its articles, not only at night."""

import asyncio

from sqlalchemy import select

from helpdesk.cli.demo.assistant import LOOK, is_searchable, stopped
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind


async def begin(desk: Desk, stop: asyncio.Event) -> None:
    """Once, in the background; incidents are seen within a minute anyway."""
    while not await is_searchable(desk):
        if await stopped(stop, LOOK):
            return
    async with committed(desk.sessions) as session:
        asked = select(Event.id).where(Event.kind == Kind.learning_wanted)
        if not await session.scalar(select(asked.exists())):
            session.add(Event(Kind.learning_wanted, by=DESK))
