"""From an empty database to the first answered ticket, and a colleague who accepts the mail that really came."""

import asyncio
import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from helpdesk.desk import Desk
from tests.channels.email.dovecot import ADDRESS, Dovecot
from tests.channels.email.dovecot import PASSWORD as MAILBOX_PASSWORD
from tests.e2e.conftest import PASSWORD, leads_to, person, process
from tests.e2e.test_whole_path import Postman, postman

__all__ = ["postman"]
pytestmark = [pytest.mark.browser, pytest.mark.mail]


async def arrived(post: Postman, to: str) -> EmailMessage:
    """The newest mail to this address, as the peer took it over."""
    for _ in range(600):
        if found := [mail for mail in post.delivered if to in str(mail["To"])]:
            return found[-1]
        await asyncio.sleep(0.1)
    raise AssertionError(f"no mail for {to}; there were {[str(m['To']) for m in post.delivered]}")


async def test_the_first_day(
    browser: Browser,
    mailbox: Dovecot,
    postman: tuple[Postman, int],
    desk: Desk,
    tmp_path: Path,
) -> None:
    mailbox.empty()
    tmp_path.chmod(0o755)
    post, port = postman
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{port}"
    with process(tmp_path, desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        async with person(browser, url) as ada:
            page = ada.page
            page.set_default_timeout(60_000)
            await page.goto(url)
            await page.wait_for_url("**/welcome")
            await page.get_by_label("Your name").fill("Ada Novak")
            await page.get_by_label("Your e-mail address").fill("ada@founder.example")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Begin").click()

            await page.wait_for_url("**/first-day/desk")
            await page.get_by_label("Name of the desk").fill("Lumen Support")
            await page.get_by_label("Time zone").select_option("Europe/Berlin")
            await page.get_by_role("button", name="Go on").click()

            await page.wait_for_url("**/first-day/mailbox")
            await page.get_by_label("Address", exact=True).fill(ADDRESS)
            await page.get_by_label("IMAP server").fill("localhost")
            await page.get_by_label("User", exact=True).fill(ADDRESS)
            await page.get_by_label("Password", exact=True).fill("not the password")
            await page.get_by_label("SMTP server").fill("127.0.0.1")
            await page.get_by_text("More settings").click()
            await page.get_by_label("IMAP port").fill(str(mailbox.imaps))
            await page.get_by_label("SMTP port").fill(str(port))
            await page.get_by_label("SMTP security").select_option("none")
            await page.get_by_label("Certificate file").fill(str(mailbox.home / "cert.pem"))
            await page.get_by_role("button", name="Only check").click()
            await expect(page.locator("#check .bad")).to_contain_text("refuses the login")
            await page.get_by_label("Password", exact=True).fill(MAILBOX_PASSWORD)
            await page.get_by_role("button", name="Only check").click()
            await expect(page.locator("#check .sum")).to_have_text("Everything works.")
            await page.get_by_role("button", name="Check and go on").click()

            await page.wait_for_url("**/first-day/colleagues")
            await page.get_by_label("Name", exact=True).fill("Noor Haddad")
            await page.get_by_label("E-mail address").fill("noor@colleague.example")
            async with leads_to(page, "**/first-day?done=invited"):
                await page.get_by_role("button", name="Send the invitation").click()

            await page.get_by_role("button", name="Make a test ticket").click()
            await page.wait_for_url("**/tickets/*")
            await page.locator(".as-reply textarea").fill("Welcome on board. This is how an answer looks.")
            await page.locator(".as-reply textarea").press("Control+Enter")
            answer = await arrived(post, "ada@founder.example")
            assert "This is how an answer looks" in answer.get_content()

            invitation = await arrived(post, "noor@colleague.example")
            assert "Ada Novak invites you to Lumen Support" in str(invitation["Subject"])
            link = re.search(r"http://\S+/invitation/[\w-]+", invitation.get_content())
            assert link
            async with person(browser, url) as noor:
                await noor.page.goto(link[0])
                await noor.page.get_by_label("Password").fill("noor chooses four words")
                await noor.page.get_by_role("button", name="Join the desk").click()
                await noor.page.wait_for_url("**/tickets**")
                await noor.page.goto(f"{url}/tickets?view=all")
                await expect(noor.page.get_by_text("My first ticket").first).to_be_visible()
                noor.assert_clean()

            await page.goto(f"{url}/first-day")
            await expect(page.locator(".bar .count")).to_have_text("5/5")
            await page.get_by_role("button", name="All done: to the tickets").click()
            await page.wait_for_url("**/tickets")
            ada.broken = [words for words in ada.broken if "status of 422" not in words]
            ada.assert_clean()
