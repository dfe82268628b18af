"""What is looked after every few seconds: who has gone, what they left, who is silent, the chain of the audit."""

import asyncio

from helpdesk import audit, presence
from helpdesk.database import committed
from helpdesk.desk import Desk
from workers.patience import Silence
from workers.sharing import give_back

EVERY = 15.0  # seconds


async def rounds(desk: Desk) -> None:
    """For ever; several workers at once do no harm."""
    silence = Silence(desk)
    while True:
        await once(desk)
        await silence.once()
        await asyncio.sleep(EVERY)


async def once(desk: Desk) -> None:
    async with committed(desk.sessions) as session:
        await presence.sweep(session)
    await give_back(desk)
    sealed = audit.BATCH
    while sealed == audit.BATCH:
        async with committed(desk.sessions) as session:
            sealed = await audit.seal(session)
