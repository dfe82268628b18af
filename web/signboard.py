"""What every page says of the desk itself: its name, and which inbox does not work at the moment."""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from sqlalchemy import select

from helpdesk import options
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.options import Options

FRESH = 10.0  # seconds that an answer is good for: every page asks


@dataclass(frozen=True)
class Trouble:
    address: str
    words: str
    since: datetime | None


class Signboard:
    """The desk is called as it chose, else as its first inbox, which is the name that customers know."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.name = "Helpdesk"
        self.options = Options()
        self.troubles: tuple[Trouble, ...] = ()
        self._read_at = -FRESH

    def forget(self) -> None:
        """Something it shows has changed: the next page asks again."""
        self._read_at = -FRESH

    async def refresh(self) -> None:
        if monotonic() - self._read_at < FRESH:
            return
        self._read_at = monotonic()
        query = select(Inbox.name, Inbox.address, Inbox.trouble, Inbox.trouble_since)
        async with self.desk.sessions() as session:
            rows = (await session.execute(query.where(Inbox.active).order_by(Inbox.id))).all()
            self.options = await options.load(session)
        self.name = self.options.desk_name or (rows[0].name if rows else "Helpdesk")
        self.troubles = tuple(
            Trouble(row.address, row.trouble, row.trouble_since) for row in rows if row.trouble
        )
