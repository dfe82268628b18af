"""Notifications wake those who wait; a lost connection is made anew, and nothing that was missed stays unseen."""

import asyncio
import time

import psycopg
from sqlalchemy import text

from helpdesk.database import committed
from helpdesk.desk import Desk
from workers.supervision import Supervisor
from workers.wakeup import Wakeup

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'helpdesk listen'"


async def notify(desk: Desk, name: str) -> None:
    async with committed(desk.sessions) as session:
        await session.execute(text("SELECT pg_notify('helpdesk', :name)"), {"name": name})


async def rang(bell: object, within: float) -> bool:
    started = time.monotonic()
    await bell.wait(within)  # type: ignore[attr-defined]
    return time.monotonic() - started < within


async def test_a_cut_connection_is_made_anew_and_everybody_woken(desk: Desk):
    wakeup, supervisor = Wakeup(desk.database_url), Supervisor()
    tickets, mails = wakeup.bell("ticket-"), wakeup.bell("kept-")
    listening = asyncio.create_task(supervisor.keep("wakeup", wakeup.run))
    assert await rang(tickets, 5)
    assert await rang(mails, 5)
    await notify(desk, "ticket-7")
    assert await rang(tickets, 5)
    assert not await rang(mails, 0.2)
    async with await psycopg.AsyncConnection.connect(desk.database_url, autocommit=True) as other:
        await other.execute(CUT)
    assert await rang(mails, 5)
    await notify(desk, "kept-1")
    assert await rang(mails, 5)
    assert supervisor.parts["wakeup"].restarts == 1
    listening.cancel()
    await asyncio.wait({listening})


async def test_without_a_word_a_look_is_taken_every_second(desk: Desk):
    started = time.monotonic()
    await Wakeup(desk.database_url).bell("x").wait()
    assert 0.9 < time.monotonic() - started < 5
