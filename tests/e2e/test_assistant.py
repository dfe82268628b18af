"""The assistant may answer: a mail gets its answer with a source, and a person as soon as one is asked for."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import update

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from kb.articles import Article
from tests.ai.test_suggestions import ASKED, OTHERS, PRINTER
from tests.channels.email.dovecot import Dovecot
from tests.e2e.conftest import PASSWORD, Watched, person, picture, process, real_inbox
from tests.e2e.test_whole_path import Postman, postman, until
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.mail, pytest.mark.models]
__all__ = ["postman"]


@pytest.fixture
async def company(scene: Scene, mailbox: Dovecot, postman: tuple[Postman, int]) -> tuple[Scene, Inbox]:
    async with committed(scene.desk.sessions) as session:
        inbox = await real_inbox(session, scene, mailbox, postman[1])
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
        articles = [
            Article.write("Label printer shows PRT-09: lost the wireless network", PRINTER, slug="prt-09")
        ]
        for article in [*articles, *(Article.write(title, body) for title, body in OTHERS.items())]:
            article.publish()
            session.add(article)
    return scene, inbox


async def test_from_the_switch_to_a_person(
    browser: Browser,
    company: tuple[Scene, Inbox],
    mailbox: Dovecot,
    postman: tuple[Postman, int],
    tmp_path: Path,
) -> None:
    scene, inbox = company
    delivered = postman[0].delivered
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{postman[1]}"
    with process(tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        async with (
            person(browser, url) as ada,
            person(browser, url, viewport={"width": 390, "height": 844}) as phone,
        ):
            await ada.sign_in("ada@desk.example")
            await try_it(ada)
            await switch_on(ada)
            ticket = await scene.receives(
                mail(ASKED, subject="Printer shows PRT-09", name="Marta Lind"), inbox=inbox
            )
            await until(lambda: any("Hold the power key" in text(each) for each in delivered), 90)
            answer = next(each for each in delivered if "Hold the power key" in text(each))
            assert answer["auto-submitted"] == "auto-replied"
            assert "Source: “Label printer shows PRT-09" in text(answer)
            assert "I am Milo, the automatic assistant" in text(answer)

            await ada.page.goto(f"{url}/tickets/{ticket.number}")
            await expect(ada.page.get_by_text("The assistant answers this customer.")).to_be_visible()
            await picture(ada.page, "assistant-ticket")
            await ada.page.get_by_role("link", name="What it did").first.click()
            await expect(ada.page.get_by_text("Every sentence is said by a passage it cites")).to_be_visible()
            await picture(ada.page, "assistant-did")
            await ada.page.keyboard.press("Escape")

            token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
            await scene.receives(mail("Human please!", name="Marta Lind", tokens=(token,)), inbox=inbox)
            await until(lambda: any("passed this on to a colleague" in text(each) for each in delivered), 60)
            await ada.page.goto(f"{url}/tickets/{ticket.number}")
            thread = ada.page.locator("#thread")
            await expect(
                thread.get_by_text("handed over because the customer asked for a person").first
            ).to_be_visible()
            await expect(thread.get_by_text("Tried so far")).to_be_visible()
            await picture(ada.page, "assistant-handed-over")
            await ada.page.get_by_role("textbox", name="Reply").fill("I am a person. How can I help?")
            await ada.page.locator(".as-reply footer button.primary").click()
            await until(lambda: any("I am a person" in text(each) for each in delivered), 60)
            assert sum("Hold the power key" in text(each).partition("\n>")[0] for each in delivered) == 1

            await in_a_chat(browser, ada, scene)
            await phone.sign_in("ada@desk.example")
            for path in ("", "/policies/1", "/tools/new", "/try"):
                await phone.page.goto(f"{url}/settings/assistant{path}")
                wide = await phone.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= 390, path
                await picture(phone.page, f"assistant-phone{path.replace('/', '-')}")
            await ada.page.goto(f"{url}/settings/assistant")
            await picture(ada.page, "assistant-settings")
            ada.assert_clean()
            phone.assert_clean()


async def in_a_chat(browser: Browser, ada: Watched, scene: Scene) -> None:
    """It answers with a source, hands over with a summary, says when a person can be expected, and stays silent."""
    chat = await chat_inbox(scene, reply_time="We answer within the hour.", ask_email="no")
    await ada.page.goto(f"{ada.url}/settings/assistant")
    await answers_in(ada, "Lumen chat")
    async with person(browser, ada.url, viewport={"width": 390, "height": 844}) as visitor:
        page = visitor.page
        await page.goto(f"{ada.url}/chat/{chat.public_id}/frame")
        words = page.locator(".composer .row textarea")
        await words.fill(ASKED)
        await words.press("Enter")
        said = page.locator(".said.assistant .text")
        await expect(said.first).to_contain_text("Hold the power key", timeout=60_000)
        await expect(said.first).to_contain_text("Source: “Label printer shows PRT-09")
        await picture(page, "assistant-chat")
        await page.get_by_role("button", name="Talk to a person").click()
        await expect(said.last).to_contain_text("passed this on to a colleague", timeout=30_000)
        await expect(page.locator(".waits")).to_have_text("We answer within the hour.")
        await expect(page.get_by_role("button", name="Talk to a person")).to_be_hidden()
        spoken = await said.count()
        (ticket,) = [each for each in await scene.tickets() if each.inbox_id == chat.id]
        await ada.page.goto(f"{ada.url}/tickets/{ticket.number}")
        await expect(ada.page.locator("#thread").get_by_text("Tried so far")).to_be_visible()
        await ada.page.get_by_role("textbox", name="Reply").fill("I am a person.")
        await ada.page.keyboard.press("Control+Enter")
        await expect(page.locator(".said.agent .text")).to_have_text("I am a person.", timeout=20_000)
        await expect(page.locator(".waits")).to_be_hidden()
        await words.fill(ASKED)
        await words.press("Enter")
        await expect(page.locator(".said.own time")).to_have_count(3)
        heard = ada.page.locator("#thread .message.theirs").last  # unread, it would hold the reply back
        await expect(heard).to_contain_text("PRT-09 since this morning", timeout=20_000)
        await ada.page.get_by_role("textbox", name="Reply").fill("Still me.")
        await ada.page.keyboard.press("Control+Enter")
        await expect(page.locator(".said.agent .text").last).to_have_text("Still me.", timeout=20_000)
        assert await said.count() == spoken
        assert not [
            each for each in visitor.broken if "404" not in each
        ]  # opened as a page, it has no favicon


async def try_it(ada: Watched) -> None:
    """Before anything is allowed: what would it say? The models may still be made ready."""
    page = ada.page
    await page.goto(f"{ada.url}/settings/assistant/try")
    await page.get_by_label("Message").fill(ASKED)
    for _ in range(30):
        await page.get_by_role("button", name="Ask", exact=True).click()
        await page.wait_for_timeout(2_000)
        if await page.locator("#tried").get_by_text("Hold the power key").count():
            break
    await expect(page.locator("#tried").get_by_text("Hold the power key").first).to_be_visible()
    await picture(page, "assistant-tried")


async def switch_on(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/assistant")
    await expect(page.get_by_text("It does nothing yet")).to_be_visible()
    await answers_in(ada, "Lumen Support")


async def answers_in(ada: Watched, inbox: str) -> None:
    page = ada.page
    await page.get_by_role("link", name="New line").first.click()
    await page.get_by_label("Inbox", exact=True).select_option(label=inbox)
    await page.locator('input[name="mode"][value="answer"]').check()
    await page.get_by_label("Name", exact=True).fill("Milo")
    await picture(page, "assistant-policy")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("link", name=f"{inbox} Any topic")).to_be_visible()


def text(mail: object) -> str:
    body = mail.get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content()) if body else ""
