"""Channels that fetch: one task for each active inbox, started and ended as inboxes come, change and go."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import ColumnElement, case, func, select, update

from channels.contract import ChannelError, Interprets, Listens, Source
from helpdesk import intake
from helpdesk.clock import now
from helpdesk.database import CHANNEL, committed
from helpdesk.desk import Desk
from helpdesk.errors import HelpdeskError
from helpdesk.inboxes import Inbox
from helpdesk.texts import clean
from workers.connecting import channel_of
from workers.supervision import Supervisor
from workers.together import end
from workers.wakeup import Bell

LOOK = 5.0  # seconds between looks for inboxes that changed without a word

log = structlog.get_logger(__name__)


@dataclass
class Listener:
    settings: tuple[object, ...]
    """What it was started with; when that changes, it is started anew."""
    task: asyncio.Task[None] = field(repr=False)


async def listening(desk: Desk, supervisor: Supervisor, bell: Bell) -> None:
    """For ever: as many listeners as there are inboxes to listen to."""
    listeners: dict[int, Listener] = {}
    try:
        while True:
            await _follow(desk, supervisor, listeners)
            await bell.wait(LOOK)
    finally:
        await _end(list(listeners.values()))


async def _follow(desk: Desk, supervisor: Supervisor, listeners: dict[int, Listener]) -> None:
    async with desk.sessions() as session:
        active = (await session.scalars(select(Inbox).where(Inbox.active))).all()
    wanted = {inbox.id: inbox for inbox in active}
    over = [
        id_
        for id_, running in listeners.items()
        if id_ not in wanted or running.settings != _key(wanted[id_])
    ]
    await _end([listeners.pop(id_) for id_ in over])
    for id_ in wanted.keys() - listeners.keys():
        inbox = wanted[id_]
        work = supervisor.keep(f"listen to {inbox.address}", partial(_listen, desk, id_))
        listeners[id_] = Listener(_key(inbox), asyncio.create_task(work))


def _key(inbox: Inbox) -> tuple[object, ...]:
    return inbox.channel, inbox.address, inbox.sealed_settings


async def _end(listeners: Sequence[Listener]) -> None:
    await end([listener.task for listener in listeners])


async def _listen(desk: Desk, inbox_id: int) -> None:
    async with desk.sessions() as session:
        inbox = await session.get_one(Inbox, inbox_id)
    line = Line(desk, inbox_id)
    writing = asyncio.create_task(line.write_down())
    try:
        channel = channel_of(desk, inbox)
        if isinstance(channel, Listens):
            keep = partial(_keep, desk, inbox_id, handed=isinstance(channel, Interprets))
            await channel.listen(keep, inbox.cursor, trouble=line.says)
        else:
            line.says(None)
            await asyncio.Event().wait()  # it is written to; there is nothing to fetch
    except Exception as error:
        known = isinstance(error, HelpdeskError)
        line.says(error if known else ChannelError(f"{type(error).__name__}: {error}"))  # type: ignore[arg-type]
        raise
    finally:
        writing.cancel()
        with suppress(Exception):  # the database may be what went away
            await line.write()


async def _keep(
    desk: Desk, inbox_id: int, batch: Sequence[tuple[bytes, Source]], *, handed: bool = False
) -> None:
    if not batch:
        return
    cursor = batch[-1][1].cursor
    async with committed(desk.sessions) as session:
        await intake.keep(
            session,
            inbox_id,
            [(raw, source.key) for raw, source in batch],
            dict(cursor) if cursor else None,
            {source.key: source.cut_from for _, source in batch if source.cut_from},
            handed=handed,
        )


class Line:
    """How one channel's line is: told in words at any time, written on the inbox as soon as possible."""

    def __init__(self, desk: Desk, inbox_id: int) -> None:
        self.desk, self.inbox_id = desk, inbox_id
        self._trouble: str | None = None
        self._changed = asyncio.Event()

    def says(self, trouble: HelpdeskError | None) -> None:
        self._trouble = clean(str(trouble)) if trouble else ""
        self._changed.set()

    async def write_down(self) -> None:
        while True:
            await self._changed.wait()
            try:
                await self.write()
            except Exception as error:
                log.warning("trouble not written down", inbox=self.inbox_id, error=str(error))
                await asyncio.sleep(1)

    async def write(self) -> None:
        trouble = self._trouble
        if trouble is not None:
            async with committed(self.desk.sessions) as session:
                changed = await session.execute(
                    update(Inbox)
                    .where(Inbox.id == self.inbox_id, Inbox.trouble != trouble)
                    .values(trouble=trouble, trouble_since=_since() if trouble else None)
                    .returning(Inbox.id)
                )
                if changed.first():
                    await session.execute(select(func.pg_notify(CHANNEL, f"inbox-{self.inbox_id}")))
        if trouble == self._trouble:
            self._changed.clear()


def _since() -> ColumnElement[datetime | None]:
    return case((Inbox.trouble == "", now()), else_=Inbox.trouble_since)
