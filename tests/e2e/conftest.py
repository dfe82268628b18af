"""A real desk in its own process, a real mailbox, a real browser: nothing in these tests is pretended."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from tests.channels.email.dovecot import ADDRESS, BINARY, Dovecot, dovecot
from tests.conftest import SECRET, missing
from tests.models import model_home
from tests.scenes import Scene
from web.passwords import hashed

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
__all__ = ["model_home"]
PASSWORD = "a password for browsers"
PICTURES = os.environ.get("PICTURES", "")
"""A folder in which stories keep what they pass."""


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    if not CHROMIUM:
        missing("Chromium (apt install chromium)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield launched
        await launched.close()


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Dovecot]:
    if not BINARY:
        missing("Dovecot (apt install dovecot-imapd dovecot-lmtpd)")
    with dovecot() as server:
        yield server


@asynccontextmanager
async def leads_to(page: Page, url: str) -> AsyncIterator[None]:
    """`async with leads_to(page, "**?done=saved"): await button.click()`: a page that says what was done drops that at
    once from its address, so that waiting for the address has to begin before."""
    async with page.expect_navigation(url=url, wait_until="commit"):
        yield


@dataclass
class Watched:
    """A browser of one person, and everything in it that must never happen."""

    context: BrowserContext
    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def watch(self) -> None:
        host = urlsplit(self.url).netloc
        self.context.on(
            "request",
            lambda request: (
                None
                if urlsplit(request.url).netloc == host
                or request.url.startswith(("data:", "blob:", "about:"))
                else self.foreign.append(request.url)
            ),
        )
        self.page.on(
            "console",
            lambda message: self.broken.append(message.text) if message.type == "error" else None,
        )
        self.page.on("pageerror", lambda error: self.broken.append(str(error)))

    async def sign_in(self, email: str) -> None:
        await self.page.goto(f"{self.url}/sign-in")
        await expect(self.page.get_by_label("E-mail")).to_be_visible()  # else it says what is there
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url("**/tickets**")

    def assert_clean(self) -> None:
        """No violation of the page's own rules, no script error, no request to another host."""
        assert not self.foreign
        assert not self.broken


async def published(page: Page) -> None:
    """In the editor, until the article stands there: its preview says the same a moment earlier."""
    await page.get_by_role("button", name="Publish").click()
    await page.wait_for_url(lambda url: "/articles/" not in url)


@asynccontextmanager
async def person(browser: Browser, url: str, **options: object) -> AsyncIterator[Watched]:
    context = await browser.new_context(**options)  # type: ignore[arg-type]
    try:
        watched = Watched(context, await context.new_page(), url)
        watched.watch()
        yield watched
    finally:
        await context.close()


@contextmanager
def process(home: Path, database_url: str, **environ: str) -> Iterator[str]:
    """`helpdesk serve` as anybody would start it; yields its address once it answers.

    Its workers are in the same process, as on one core: at work as soon as it answers, and one program less to start
    for each story. The whole path and Slack's stories have them in a process of their own.
    """
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": database_url,
        "HELPDESK_HOME": str(home),
        "HELPDESK_PORT": str(port),
        "HELPDESK_SECRET": SECRET,
        "HELPDESK_WORKERS": "here",
        **environ,
    }
    with (home / "serve.log").open("wb") as log:
        command = [str(Path(sys.executable).with_name("helpdesk")), "serve"]
        served = subprocess.Popen(command, env={**os.environ, **settings}, stdout=log, stderr=log)
    try:
        await_answer(served, url, home / "serve.log")
        yield url
    finally:
        served.terminate()
        with suppress(subprocess.TimeoutExpired):
            served.wait(30)
        served.kill()


def await_answer(served: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + 120  # a busy machine takes long to load what a desk is made of
    while time.monotonic() < until:
        assert served.poll() is None, f"the desk ended: {log.read_text()[-2000:]}"
        with suppress(OSError), urlopen(f"{url}/health/live", timeout=2):  # noqa: S310 - our own loopback
            return
        time.sleep(0.05)
    raise AssertionError(f"the desk does not answer: {log.read_text()[-2000:]}")


async def real_inbox(session: AsyncSession, scene: Scene, mailbox: Dovecot, smtp_port: int) -> Inbox:
    """Mail comes in by IMAP from the emptied mailbox, and leaves by an SMTP server on loopback."""
    mailbox.empty()
    settings = mailbox.settings(smtp_host="127.0.0.1", smtp_port=smtp_port, smtp_security="none")
    inbox = Inbox(
        name="Lumen Support",
        channel="email",
        address=ADDRESS,
        sealed_settings=scene.desk.keys.seal(msgspec.to_builtins(settings)),
        team=await session.merge(scene.teams["Billing"]),
    )
    session.add(inbox)
    return inbox


@pytest.fixture(autouse=True)
def exported(model_home: Path, tmp_path: Path) -> None:
    """No desk of these stories exports the model by itself, which takes torch and all the machine."""
    (tmp_path / "models").symlink_to(model_home / "models")


@pytest.fixture
async def url(scene: Scene, tmp_path: Path) -> AsyncIterator[str]:
    """The scene's desk as anybody would start it; all colleagues sign in with PASSWORD."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
    with process(tmp_path, scene.desk.database_url) as url:
        yield url


async def picture(page: Page, name: str) -> None:
    """Of all that is on the page, not only of what a screen shows of it."""
    if PICTURES:
        size = page.viewport_size or {"width": 1440, "height": 900}
        await page.set_viewport_size({"width": size["width"], "height": 2200})
        await page.screenshot(path=f"{PICTURES}/{name}.png")
        await page.set_viewport_size(size)
