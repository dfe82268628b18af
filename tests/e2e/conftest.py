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

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from sqlalchemy import update

from helpdesk.database import committed
from helpdesk.people import Agent
from tests.channels.email.dovecot import BINARY, Dovecot, dovecot
from tests.conftest import SECRET, missing
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
        await self.page.get_by_label("E-mail").fill(email)
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url("**/tickets**")

    def assert_clean(self) -> None:
        """No violation of the page's own rules, no script error, no request to another host."""
        assert not self.foreign
        assert not self.broken


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
    """`helpdesk serve` as anybody would start it; yields its address once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    settings = {
        "DATABASE_URL": database_url,
        "HELPDESK_HOME": str(home),
        "HELPDESK_PORT": str(port),
        "HELPDESK_SECRET": SECRET,
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
    for _ in range(600):
        assert served.poll() is None, f"the desk ended: {log.read_text()[-2000:]}"
        with suppress(OSError), urlopen(f"{url}/health/live", timeout=2):  # noqa: S310 - our own loopback
            return
        time.sleep(0.05)
    raise AssertionError(f"the desk does not answer: {log.read_text()[-2000:]}")


@pytest.fixture
async def url(scene: Scene, tmp_path: Path) -> AsyncIterator[str]:
    """The scene's desk as anybody would start it; all colleagues sign in with PASSWORD."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
    with process(tmp_path, scene.desk.database_url) as url:
        yield url


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=f"{PICTURES}/{name}.png")
