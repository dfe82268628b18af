"""One mail goes all the way: in by IMAP, live on two screens, answered with a draft that cites, and back again."""

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from kb.articles import Article
from tests.channels.email.dovecot import ADDRESS, Dovecot
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.scenes import Scene
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.mail, pytest.mark.models]

ARTICLE = """
A card can be charged twice when your bank confirms a payment late. You do not lose money: we find second
charges every night and send them back without being asked.

The refund reaches your card within five working days. You get a receipt by mail as soon as it has left.
If nothing has arrived after five working days, answer this mail with the last four digits of the card.
"""
OTHER = """
Open Settings, then People, and choose Invite. Everybody you invite gets a mail with a link that is good for
seven days. You can send it again from the same page.
"""


class Postman:
    """The SMTP server on the other side: what the customer gets."""

    def __init__(self) -> None:
        self.delivered: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.content
        assert isinstance(raw, bytes)
        self.delivered.append(email.message_from_bytes(raw, policy=email.policy.default))
        return "250 taken"


@pytest.fixture
async def postman() -> AsyncIterator[tuple[Postman, int]]:
    handler = Postman()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    yield handler, server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def company(scene: Scene, mailbox: Dovecot, postman: tuple[Postman, int]) -> Scene:
    mailbox.empty()
    settings = mailbox.settings(smtp_host="127.0.0.1", smtp_port=postman[1], smtp_security="none")
    async with committed(scene.desk.sessions) as session:
        session.add(
            Inbox(
                name="Support",
                channel="email",
                address=ADDRESS,
                sealed_settings=scene.desk.keys.seal(msgspec.to_builtins(settings)),
                team=await session.merge(scene.teams["Billing"]),
            )
        )
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        for title, body in (("Charged twice", ARTICLE), ("Invite your colleagues", OTHER)):
            article = Article.write(title, body)
            article.publish()
            session.add(article)
        session.add(Event(Kind.article_changed, by=DESK))
    return scene


async def until(check: Callable[[], Awaitable[bool] | bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            result = check()
            if result if isinstance(result, bool) else await result:
                return
            await asyncio.sleep(0.1)


def question() -> bytes:
    return (
        b"From: Marta Reyes <marta@lumen.example>\r\nTo: support@example.test\r\n"
        b"Subject: Charged twice for March\r\nMessage-ID: <first@lumen.example>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        b"Hi,\r\n\r\nmy card was charged twice in March. When do I get the second payment back?\r\n\r\nMarta\r\n"
    )


def answer_to(sent: EmailMessage, text: str) -> bytes:
    return (
        f"From: Marta Reyes <marta@lumen.example>\r\nTo: {sent['reply-to']}\r\nSubject: {sent['subject']}\r\n"
        f"Message-ID: <second@lumen.example>\r\nIn-Reply-To: {sent['message-id']}\r\n"
        f"References: <first@lumen.example> {sent['message-id']}\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"{text}\r\n\r\nOn Friday, Support wrote:\r\n> Hello Marta\r\n"
    ).encode()


async def test_one_mail_goes_all_the_way(
    browser: Browser, company: Scene, mailbox: Dovecot, postman: tuple[Postman, int], tmp_path: Path
):
    delivered = postman[0].delivered
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{postman[1]}"
    with process(
        tmp_path, company.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed, HELPDESK_WORKERS="apart"
    ) as url:
        async with person(browser, url) as ada, person(browser, url) as liam:
            await ada.sign_in("ada@desk.example")
            await liam.sign_in("liam@desk.example")
            await ada.page.goto(f"{url}/tickets?view=all")
            await liam.page.goto(f"{url}/tickets?view=all")

            mailbox.deliver_raw(question())
            row = ada.page.get_by_role("link", name="Charged twice for March")
            await expect(row).to_be_visible(timeout=10_000)
            await expect(liam.page.get_by_role("link", name="Charged twice for March")).to_be_visible(
                timeout=5_000
            )
            await row.click()
            await liam.page.get_by_role("link", name="Charged twice for March").click()

            suggestion = ada.page.get_by_role("region", name="Suggested reply")
            await expect(suggestion).to_be_visible(timeout=60_000)
            await expect(suggestion).to_contain_text("five working days")
            await suggestion.locator("a.cite").first.click()
            await expect(ada.page.locator("#beside")).to_contain_text("A card can be charged twice")

            await send_edited(ada.page)
            await expect(liam.page.get_by_text("P.S. I am on it.")).to_be_visible(timeout=8_000)

            await until(lambda: bool(delivered))
            sent = delivered[0]
            assert sent["in-reply-to"] == "<first@lumen.example>"
            assert sent["to"] == "marta@lumen.example" or "marta@lumen.example" in sent["to"]
            body = sent.get_body(("plain",))
            assert body is not None
            assert "P.S. I am on it." in body.get_content()

            mailbox.deliver_raw(answer_to(sent, "Thank you, it has arrived!"))
            await expect(liam.page.get_by_text("Thank you, it has arrived!").first).to_be_visible(
                timeout=10_000
            )
            (ticket,) = await company.tickets()
            messages = await company.messages(ticket)
            assert [message.direction for message in messages] == ["inbound", "outbound", "inbound"]
            assert messages[-1].matched == "token"
            assert mailbox.unseen() == 0
            everything_was_clean(ada, liam)


async def send_edited(page: Page) -> None:
    await page.get_by_role("region", name="Suggested reply").get_by_role("button", name="Use").click()
    box = page.get_by_role("textbox", name="Reply")
    await expect(box).to_have_value(re.compile(r"five\s+working\s+days"))
    await box.press("Control+End")
    await box.type("\n\nP.S. I am on it.")
    await page.locator(".as-reply footer button.primary").click()


def everything_was_clean(*people: Watched) -> None:
    for each in people:
        each.assert_clean()
