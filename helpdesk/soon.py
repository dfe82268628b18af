"""A time that comes soon is told to whoever sleeps until the next one: a promise due, a ticket that wakes.

They look every half minute anyway, so only what comes before that is told. It is a hint: lost, it costs half a minute.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from helpdesk.clock import now
from helpdesk.database import CHANNEL

SOON = "soon"
"""What is notified, once the transaction that brought it about is committed."""
LONGEST = 30.0  # seconds that anybody sleeps
_WITHIN = timedelta(seconds=2 * LONGEST)


def tell(connection: Connection, *times: datetime | None) -> None:
    """In the transaction that wrote these times."""
    if any(at and at < now() + _WITHIN for at in times):
        connection.execute(select(func.pg_notify(CHANNEL, SOON)))
