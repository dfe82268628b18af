"""The chat on a brand's own help centre: a reader who is nobody, walking from page to page, and a customer who has
signed in there and finds among their tickets what they wrote in it."""

import pytest
from playwright.async_api import Browser, expect

from helpdesk.tickets import Ticket
from tests.e2e.conftest import Watched, person, picture
from tests.e2e.test_chat import answer, frame_of, write
from tests.e2e.test_help_centre import library
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from tests.web.test_help_centre import brand
from tests.web.test_help_centre_customers import mailed
from tests.workers.hands import eventually

pytestmark = pytest.mark.browser
MARTA = "marta@lumen.example"
ASKED, ANSWERED = "Is the blue lamp back?", "Next week, on Tuesday."
SAID, REPLIED = "My hub is silent again.", "I look into it, Marta."


async def test_a_reader_asks_and_walks_on_and_a_customer_is_known_by_who_they_are(
    browser: Browser, scene: Scene, url: str
) -> None:
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins="", reply_time="We answer within minutes.", greeting="Hi there")
    await brand(scene, "Lumen", chat_inbox_id=chat.id, is_default=True)
    await library(scene)
    known = await scene.receives(mail("My hub does not start.", subject="Hub is dead", name="Marta Silva"))
    async with (
        person(browser, url) as ada,
        person(browser, url) as reader,
        person(browser, url) as marta,
    ):
        await ada.sign_in("ada@desk.example")
        await reads_and_asks(scene, reader, ada)
        ticket = await signs_in_and_asks(scene, marta, ada)
        assert ticket.contact_id == known.contact_id
        await finds_it_again(marta, ticket)
        for each in (ada, reader, marta):
            each.assert_clean()


async def newest(scene: Scene, number: int) -> Ticket:
    async def there() -> list[Ticket]:
        found = await scene.tickets()
        return found if len(found) == number else []

    found: list[Ticket] = await eventually(there, within=60)
    return max(found, key=lambda ticket: ticket.number)


async def reads_and_asks(scene: Scene, reader: Watched, ada: Watched) -> None:
    """Their conversation goes with them, and what is answered meanwhile is there on the next article."""
    page = reader.page
    arrived = await page.goto(f"{reader.url}/help")
    assert arrived
    policy = (await arrived.all_headers())["content-security-policy"]
    assert "'unsafe-inline'" not in policy
    assert "script-src 'self'" in policy
    await page.get_by_role("link", name="Your hub").first.click()
    await page.get_by_role("link", name="How do I reset my hub?").first.click()
    await page.get_by_role("button", name="Open the chat").click()
    frame = await frame_of(page)
    await write(frame, ASKED)
    await expect(frame.locator(".own time")).to_be_visible()
    await picture(page, "help-chat-reader")
    ticket = await newest(scene, 2)

    await page.get_by_role("link", name="Your hub").first.click()
    await page.get_by_role("link", name="Why is the light red?").first.click()
    await expect(page.get_by_role("heading", name="Why is the light red?")).to_be_visible()
    await page.get_by_role("button", name="Open the chat").click()
    frame = await frame_of(page)
    await expect(frame.locator(".own .text")).to_have_text(ASKED)

    await ada.page.goto(f"{ada.url}/tickets/{ticket.number}?view=all")
    await expect(ada.page.locator("#thread")).to_contain_text(ASKED)
    await expect(ada.page.locator(".visitor-line")).to_contain_text("Not signed in")
    await answer(ada, ANSWERED)
    await expect(frame.locator(".agent .text")).to_have_text(ANSWERED)
    await expect(frame.locator(".own .text")).to_have_count(1)


async def signs_in_and_asks(scene: Scene, marta: Watched, ada: Watched) -> Ticket:
    """The link from their mail is all they show; the chat asks them for nothing."""
    page = marta.page
    await page.goto(f"{marta.url}/help/tickets")
    await page.get_by_label("E-mail address").fill(MARTA)
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_role("status")).to_contain_text("If we know this address")
    await page.goto(marta.url + await mailed(scene))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("list").filter(has_text="Hub is dead")).to_be_visible()
    await page.goto(f"{marta.url}/help/articles/how-do-i-reset-my-hub")
    await page.get_by_role("button", name="Open the chat").click()
    frame = await frame_of(page)
    await expect(frame.get_by_label("Your e-mail address")).to_have_count(0)
    await expect(frame.get_by_text(ASKED)).to_have_count(0)
    await write(frame, SAID)
    await expect(frame.locator(".own time")).to_be_visible()
    ticket = await newest(scene, 3)

    await ada.page.goto(f"{ada.url}/tickets/{ticket.number}?view=all")
    await expect(ada.page.locator("#thread")).to_contain_text(SAID)
    await expect(ada.page.locator("#thread .message.theirs").first).to_contain_text("Marta Silva")
    await expect(ada.page.locator("body")).to_contain_text(MARTA)
    await expect(ada.page.locator(".visitor-line")).to_contain_text("On the site now")
    await expect(ada.page.locator(".visitor-line")).not_to_contain_text("Not signed in")
    await picture(ada.page, "help-chat-known")
    await answer(ada, REPLIED)
    await expect(frame.locator(".agent .text")).to_have_text(REPLIED)
    return ticket


async def finds_it_again(marta: Watched, ticket: Ticket) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help/tickets")
    mine = page.get_by_role("main").locator(f"a[href*='/tickets/{ticket.number}']")
    await expect(mine).to_contain_text(SAID)
    await expect(page.get_by_role("main")).not_to_contain_text(ASKED)
    await picture(page, "help-chat-tickets")
    await mine.click()
    await expect(page.locator(".theirs")).to_contain_text(SAID)
    await expect(page.locator(".ours")).to_contain_text(REPLIED)
    await picture(page, "help-chat-thread")
