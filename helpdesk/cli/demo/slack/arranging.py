"""Who is in the demo's Slack, the inbox that is connected to it, and both at work together."""

import asyncio
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from channels.slack.settings import SlackSettings
from helpdesk.cli.demo import content
from helpdesk.cli.demo.slack import keeping
from helpdesk.cli.demo.slack.page import Page
from helpdesk.cli.demo.slack.serving import SmallSlack
from helpdesk.cli.demo.slack.workspace import APP_TOKEN, BOT, HOME, TOKEN, TRIAGE
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.settings import Settings

PORT = 2526
CUSTOMERS = {"U0MARTA": "Marta Lumen", "U0BEN": "Ben Okafor"}
KEEP = 1.0  # seconds between looks whether something has to be kept


def chosen_port(wanted: int = PORT) -> int:
    """The usual one, so that the page's address stays; another where somebody has it."""
    for port in (wanted, 0):
        with socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


async def connect(desk: Desk, session: AsyncSession, company: content.Company, port: int) -> None:
    """Before the desk begins to work: it opens the connection as its inbox says."""
    api = f"{address(port)}api/"
    inbox = (
        await session.scalars(select(Inbox).where(Inbox.channel == "slack").order_by(Inbox.id).limit(1))
    ).first()
    if inbox is None:
        settings = SlackSettings(bot_token=TOKEN, app_token=APP_TOKEN, triage_channel=TRIAGE, api_url=api)
        given: dict[str, Any] = msgspec.to_builtins(settings)
        session.add(
            Inbox(
                name="Slack",
                channel="slack",
                address=f"slack@{company.domain}",
                sealed_settings=desk.keys.seal(given),
            )
        )
        return
    stored = msgspec.convert(desk.keys.unseal(inbox.sealed_settings), SlackSettings)
    if stored.bot_token == TOKEN:  # one of the visitor's own is left alone
        moved = msgspec.structs.replace(stored, api_url=api)
        inbox.sealed_settings = desk.keys.seal(msgspec.to_builtins(moved))


def people(slack: SmallSlack, company: content.Company) -> None:
    for user, name in CUSTOMERS.items():
        slack.add(user, name)
    admin = next(agent for agent in company.agents if agent.role == "admin")
    slack.add("U0AGENT", admin.name, team=HOME, email=admin.mail)
    slack.add(BOT, "helpdesk", team=HOME, is_bot=True)


def kept_in(settings: Settings) -> Path:
    return settings.home / "slack.json"


async def serve(desk: Desk, stop: asyncio.Event, *, company: content.Company, port: int) -> None:
    slack = SmallSlack()
    people(slack, company)
    path = kept_in(desk.settings)
    await asyncio.to_thread(keeping.get, slack, path)
    page = Page(slack, desk.settings.url)
    slack.changed = page.ring
    async with slack.served(port, also=page.routes):
        seen = page.version
        while not stop.is_set():
            try:
                async with asyncio.timeout(KEEP):
                    await stop.wait()
            except TimeoutError:
                pass
            if page.version != seen:
                seen = page.version
                await asyncio.to_thread(partial(keeping.put, slack, path))


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/"
