"""The demo's mail server: what customers write goes to the desk, what the desk answers goes into a folder."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from channels.email.submission import submission
from helpdesk import intake
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.settings import Settings


def outbox(settings: Settings) -> Path:
    return settings.home / "outbox"


async def serve(desk: Desk, stop: asyncio.Event) -> None:
    async def keep(raw: bytes, recipients: Sequence[str]) -> None:
        async with committed(desk.sessions) as session:
            ours = {inbox.address: inbox.id for inbox in await session.scalars(select(Inbox))}
            reached = {ours[known] for address in recipients if (known := _without_tag(address)) in ours}
            for inbox_id in reached:
                await intake.keep(session, inbox_id, [(raw, f"smtp/{secrets.token_hex(16)}")])
        if any(_without_tag(address) not in ours for address in recipients):
            await asyncio.to_thread(_deliver, outbox(desk.settings), raw)

    async with submission(keep, port=desk.settings.demo_smtp_port):
        await stop.wait()


def _without_tag(address: str) -> str:
    local, _, domain = address.partition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _deliver(folder: Path, raw: bytes) -> None:
    """As any mail server would: whole, or not at all; names sort by time."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns()}.eml"
    (folder / f".{name}").write_bytes(raw)
    (folder / f".{name}").rename(folder / name)
