"""What every page says of the desk itself: its name, its words and people, what does not work at the moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import and_, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import aside, options, registers
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.i18n import gettext, ngettext
from helpdesk.inboxes import Inbox
from helpdesk.options import Options
from helpdesk.registers import Registers
from helpdesk.webhooks import Webhook
from web.console.shell import Directory

FRESH = 10.0  # seconds that an answer is good for: every page asks
IDLE = 300.0  # seconds without a sign of life of any worker, and since this process began, until somebody is told
PATIENCE = timedelta(hours=1)  # that a webhook may take nothing before everybody who can mend it is told


@dataclass(frozen=True)
class Trouble:
    address: str
    words: str
    since: datetime | None
    webhook_id: int | None = None
    """Which webhook it is, where it is none of the inboxes."""
    aside_in: int | None = None
    """The inbox in which something was put aside."""
    idle: bool = False
    """Nobody does the desk's work."""


@dataclass(frozen=True)
class Account:
    id: int
    name: str
    address: str


class Signboard:
    """The desk is called as it chose, else as its first inbox, which is the name that customers know."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.name = "Helpdesk"
        self.options = Options()
        self.registers = Registers()
        self.directory = Directory({}, {})
        self.inboxes: tuple[Account, ...] = ()
        self.troubles: tuple[Trouble, ...] = ()
        self._read_at, self._began = -FRESH, monotonic()

    def forget(self) -> None:
        """Something it shows has changed: the next page asks again."""
        self._read_at = -FRESH

    async def refresh(self) -> None:
        if monotonic() - self._read_at < FRESH:
            return
        self._read_at = monotonic()
        query = select(Inbox.id, Inbox.name, Inbox.address, Inbox.trouble, Inbox.trouble_since)
        async with self.desk.beside() as session:
            rows = (await session.execute(query.where(Inbox.active).order_by(Inbox.id))).all()
            self.options = await options.load(session)
            self.registers = await registers.load(session)
            self.directory = await Directory.load(session)
            more = await _unheard(session) + await _put_aside(session)
            if monotonic() - self._began > IDLE:
                more += await _idle(session)
        self.name = self.options.desk_name or (rows[0].name if rows else "Helpdesk")
        self.inboxes = tuple(Account(row.id, row.name, row.address) for row in rows)
        self.troubles = tuple(
            Trouble(row.address, row.trouble, row.trouble_since) for row in rows if row.trouble
        )
        self.troubles += more


async def _idle(session: AsyncSession) -> tuple[Trouble, ...]:
    """By the signs of life that workers write every few seconds."""
    alive = text(
        "SELECT max(last_heartbeat), max(last_heartbeat) > now() - make_interval(secs => :idle) "
        "FROM procrastinate_workers"
    )
    last, is_alive = (await session.execute(alive, {"idle": IDLE})).one()
    if is_alive:
        return ()
    words = gettext(
        "No process does the desk's work: mail is neither fetched nor sent, and no promise is watched. Nothing is "
        "lost. The log of “helpdesk serve” or “helpdesk work” says why it ended."
    )
    return (Trouble(gettext("The desk's work"), words, last, idle=True),)


async def _put_aside(session: AsyncSession) -> tuple[Trouble, ...]:
    return tuple(
        Trouble(
            each.address,
            ngettext(
                "One thing that arrived could not be dealt with.",
                "%(num)s things that arrived could not be dealt with.",
                each.number,
            )
            % {"num": each.number},
            each.since,
            aside_in=each.inbox_id,
        )
        for each in await aside.counts(session)
    )


async def _unheard(session: AsyncSession) -> tuple[Trouble, ...]:
    """Webhooks that have taken nothing for an hour, or that the desk has switched off."""
    found = await session.scalars(
        select(Webhook)
        .where(
            or_(
                and_(Webhook.active, Webhook.failing_since < now() - PATIENCE),
                and_(not_(Webhook.active), Webhook.off_because != ""),
            )
        )
        .order_by(Webhook.id)
    )
    return tuple(
        Trouble(each.name, each.off_because or each.trouble, each.failing_since or each.off_at, each.id)
        for each in found
    )
