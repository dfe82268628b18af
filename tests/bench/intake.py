"""Mails through a real IMAP server into tickets: CPU a mail, and mails a second."""

import asyncio
import os
import time
from uuid import uuid4

import msgspec
from sqlalchemy import func, select

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.logs import configure
from helpdesk.settings import Settings
from tests.bench.processes import cpu_ms
from tests.channels.email.dovecot import ADDRESS, BINARY, dovecot
from workers.run import run

MAILS, SENDERS = 600, 200


async def mails_in(settings: Settings, postmaster: int, tickets: int) -> str:
    """One row of the table; the mails wait on the server before the desk connects."""
    if not BINARY:
        return "mail in: not measured, Dovecot is missing"
    with dovecot() as server:
        await asyncio.to_thread(server.deliver_raw, *(_mail(n) for n in range(MAILS)))
        configure(settings)
        desk = Desk.open(settings)
        inbox = Inbox(
            name="Bench",
            channel="email",
            address=ADDRESS,
            sealed_settings=desk.keys.seal(msgspec.to_builtins(server.settings())),
        )
        async with committed(desk.sessions) as session:
            session.add(inbox)
        stop = asyncio.Event()
        ours, database, began = cpu_ms(os.getpid()), cpu_ms(postmaster), time.monotonic()
        working = asyncio.create_task(run(desk, assist=False, stop=stop))
        while await _received(desk, inbox.id) < MAILS:
            await asyncio.sleep(0.1)
        seconds = time.monotonic() - began
        application = (cpu_ms(os.getpid()) - ours) / MAILS
        on_database = (cpu_ms(postmaster) - database) / MAILS
        stop.set()
        await working
        await desk.close()
    return (
        f"| mail in, 2 KB, through IMAP | {tickets:,} | {application:.1f} + {on_database:.1f} | "
        f"{MAILS / seconds:.0f} mails/s | | |"
    )


async def _received(desk: Desk, inbox_id: int) -> int:
    query = select(func.count()).where(Kept.inbox_id == inbox_id, Kept.state == KeptState.received)
    async with desk.sessions() as session:
        return await session.scalar(query) or 0


def _mail(number: int) -> bytes:
    text = f"My card was charged twice in March, the second time on day {number}. " * 28
    return (
        f"From: Person {number} <p{number % SENDERS}@customers.example>\r\nTo: {ADDRESS}\r\n"
        f"Subject: Charged twice {number}\r\nMessage-ID: <{uuid4()}@customers.example>\r\n"
        f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()
