"""python -m tests.pictures [FOLDER]: photographs the demo's pages, light and dark, wide and narrow.

Starts a demo of its own in a temporary home. Without FOLDER the README's pictures are made anew in docs/images.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from playwright.async_api import Browser, async_playwright

from helpdesk.cli.demo.seeding import PASSWORD
from tests.e2e.conftest import CHROMIUM, QUIET
from web.settings import menu

IMAGES = Path(__file__).parent.parent / "docs/images"
ADMIN = "ilse@benchlark.example"
SIZES = {"wide": (1440, 900), "laptop": (1280, 800), "phone": (390, 844)}
TICKET = "Charged TWICE"
PANELS = ["status", "assignment", "tags", "copies", "links", "snooze", "more"]
"""What opens over a ticket to choose from."""
SETTINGS = {entry.path.removeprefix("/").replace("/", "-"): entry.path for entry in menu.PAGES}
PAGES = {
    "empty": "/tickets?view=mine",
    "settled": "/tickets?view=settled",
    "new-ticket": "/tickets/new",
    "views": "/views",
    "view": "/views/new",
    "search": "/search?q=refund",
    "contacts": "/contacts",
    "contact": "/contacts/2",
    "contact-import": "/contacts/import",
    "contact-erasure": "/contacts/2/erasure",
    "forgotten": "/password",
    "contact-merge": "/contacts/2/merges",
    "contact-merge-two": "/contacts/2/merges?other=3",
    "contact-duplicates": "/contacts/duplicates",
    "companies": "/companies",
    "company": "/companies/1",
    "notices": "/notices",
    "outbox": "/outbox",
    "board": "/board",
    "board-wall": "/board?wall=true",
    "ratings": "/ratings",
    "ratings-recommendation": "/ratings?kind=nps",
    "settings-satisfaction-inbox": "/settings/satisfaction/inboxes/1",
    "settings-satisfaction-recommendation": "/settings/satisfaction/recommendation",
    "article": "/knowledge/refunds",
    "missing": "/tickets/999999",
    "first-day": "/first-day",
    "first-day-mailbox": "/first-day/mailbox",
    "first-day-desk": "/first-day/desk",
    "first-day-colleagues": "/first-day/colleagues",
    "settings": "/settings",
    **SETTINGS,
    "settings-agent": "/settings/agents/2",
    "settings-role": "/settings/roles/new",
    "settings-inbox": "/settings/inboxes/1",
    "settings-inbox-new": "/settings/inboxes/new/api",
    "settings-agent-new": "/settings/agents/new",
    "settings-team": "/settings/teams/1",
    "settings-template": "/settings/templates/new",
    "settings-type": "/settings/types/new",
    "settings-tag": "/settings/tags/1",
    "settings-audit-seal": "/settings/audit/seal",
    "settings-import-new": "/settings/data/imports/new",
    "settings-rule": "/settings/data/rules/1",
    "settings-rules-new": "/settings/rules/new?example=words",
    "settings-calendar": "/settings/calendars/1",
    "settings-calendar-holidays": "/settings/calendars/1/holidays",
    "settings-calendar-new": "/settings/calendars/new",
    "settings-status": "/settings/statuses/1",
    "settings-field": "/settings/fields/new",
    "settings-webhook": "/settings/webhooks/new",
    "settings-token": "/settings/tokens/new",
}


async def main() -> None:
    everything = len(sys.argv) > 1
    folder = Path(sys.argv[1]) if everything else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-") as home:
        Path(home).chmod(0o755)
        demo, url = started(Path(home))
        try:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
                await asyncio.sleep(45)  # the models load and propose
                for theme in ("light", "dark"):
                    for size in SIZES if everything else ["wide"]:
                        await photographed(browser, url, folder, theme, size, everything)
                await browser.close()
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(40)


def started(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        port, smtp = one.getsockname()[1], two.getsockname()[1]
    environ = {"HELPDESK_HOME": str(home / "desk"), "HELPDESK_DEMO_SMTP_PORT": str(smtp)}
    command = [str(Path(sys.executable).with_name("helpdesk")), "demo", "--port", str(port)]
    demo = subprocess.Popen(command, env={**os.environ, **environ})
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urlopen(f"{url}/health/live", timeout=2).close()  # noqa: S310 - our own loopback
        except OSError:
            time.sleep(0.1)
        else:
            return demo, url
    raise SystemExit("the demo does not answer")


async def photographed(
    browser: Browser, url: str, folder: Path, theme: str, size: str, everything: bool
) -> None:
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if theme == "dark" else "light"
    )
    page = await context.new_page()

    async def shoot(name: str) -> None:
        await page.wait_for_timeout(400)
        await page.screenshot(path=folder / f"{name}-{theme}{'' if size == 'wide' else '-' + size}.png")

    if everything:
        await page.goto(f"{url}/sign-in")
        await shoot("sign-in")
    await page.goto(f"{url}/sign-in")
    await page.get_by_label("E-mail").fill(ADMIN)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.goto(f"{url}/tickets?view=all")
    if everything:
        await shoot("list")
    await page.locator("a.row", has_text=TICKET).first.click()
    await page.wait_for_selector(".composer")
    await shoot("console")
    if everything:
        for name in PANELS:
            await page.evaluate("id => document.getElementById(id)?.showPopover()", f"choices-{name}")
            await shoot(f"ticket-{name}")
            await page.keyboard.press("Escape")
        for name, path in PAGES.items():
            await page.goto(f"{url}{path}")
            await shoot(name)
    await context.close()


if __name__ == "__main__":
    asyncio.run(main())
