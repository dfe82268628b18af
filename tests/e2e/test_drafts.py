"""A draft from its article to the customer: published, asked by mail, cited, edited, sent; and the old words stay."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from ai.providers import Connection, Kind, Purpose, Served
from ai.suggestions import State, Suggestion
from helpdesk.database import committed
from tests.channels.email.dovecot import Dovecot
from tests.e2e.conftest import Watched, person, picture, process, published
from tests.e2e.test_whole_path import Postman, company, postman, until
from tests.scenes import Scene

__all__ = ["company", "postman"]
pytestmark = [pytest.mark.browser, pytest.mark.mail, pytest.mark.models]

FLICKERS = """A lamp flickers when its dimmer is older than the lamp. The lamp itself is fine.

To stop the flickering:

1. Switch the lamp off for ten seconds.
2. Hold the dimmer until its light turns green.
3. Switch the lamp on again.

The lamp does not flicker any more when the light of the dimmer is green.
"""
LETTER = (
    b"From: Marta Reyes <marta@lumen.example>\r\nTo: support@example.test\r\n"
    b"Subject: My lamp flickers\r\nMessage-ID: <lamp@lumen.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Hi,\r\n\r\nmy new lamp flickers with the dimmer. How do I stop the flickering of the lamp?\r\n\r\nMarta\r\n"
)


async def test_a_draft_from_its_article_to_the_customer(
    browser: Browser, company: Scene, mailbox: Dovecot, postman: tuple[Postman, int], tmp_path: Path
):
    async with committed(company.desk.sessions) as session:  # it says one word, whatever it is asked
        connection = Connection(name="Scripted", kind=Kind.scripted, model="none")
        session.add(connection)
        await session.flush()
        for purpose in (Purpose.rewrite, Purpose.translate):
            session.add(Served(purpose=purpose, connection_id=connection.id))
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{postman[1]}"
    with process(tmp_path, company.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        async with person(browser, url) as ada:
            ada.page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            await ada.sign_in("ada@desk.example")
            await publish(ada)
            mailbox.deliver_raw(LETTER)
            await ada.page.goto(f"{url}/tickets?view=all")
            await ada.page.get_by_role("link", name="My lamp flickers").click()
            cited = await read(ada.page)
            await translated(ada.page)
            await words(ada.page)
            await send(ada.page)
            await until(lambda: bool(postman[0].delivered), 60)
            body = postman[0].delivered[0].get_body(("plain",))
            assert body is not None
            assert "2. Hold the dimmer until its light turns green." in body.get_content()
            assert "P.S. Write if it does not help." in body.get_content()
            await change(ada, cited)
            await ada.page.goto(f"{url}/settings/drafts")
            await expect(ada.page.locator(".figures")).to_contain_text("1 of 1")
            await picture(ada.page, "drafts-figures")
            await ada.page.goto(f"{url}/settings/drafts/tone")
            await picture(ada.page, "drafts-tone")
            ada.assert_clean()
    async with company.desk.sessions() as session:
        first, kept = (await session.scalars(select(Suggestion).order_by(Suggestion.id))).all()
    assert (first.state, kept.state) == (State.replaced, State.edited)
    assert 0 < (kept.edit_distance or 0) < 0.4


async def publish(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/knowledge/articles/new")
    await page.get_by_label("Title").fill("The lamp flickers with a dimmer")
    await page.get_by_role("button", name="Begin writing").click()
    await page.wait_for_url("**/edit")
    await page.get_by_label("Text, in Markdown").fill(FLICKERS)
    await expect(page.locator(".kept")).to_have_text("Saved")
    await published(page)
    await expect(page.locator(".prose")).to_contain_text("ten seconds")


async def read(page: Page) -> str:
    """The draft, and the place that it cites; the address of that."""
    draft = page.get_by_role("region", name="Suggested reply")
    await expect(draft).to_contain_text("Hold the dimmer until its light turns green")
    await expect(draft).to_contain_text("Hello Marta,")
    await draft.get_by_text("Another draft").click()
    await draft.get_by_label("What the customer should tell").fill("the number on the lamp")
    await picture(page, "drafts-draft")
    await page.set_viewport_size({"width": 390, "height": 844})
    await picture(page, "drafts-phone")
    await page.set_viewport_size({"width": 1440, "height": 900})
    await draft.get_by_role("button", name="Ask for it too").click()
    await expect(draft).to_contain_text("Please also tell us: the number on the lamp.")
    link = draft.locator("a.cite").first
    await link.click()
    await expect(page.locator("#beside")).to_contain_text("Switch the lamp off for ten seconds")
    await page.keyboard.press("Escape")
    return await link.get_attribute("href") or ""


async def translated(page: Page) -> None:
    """In its place, with its own words one press away."""
    letter = page.locator("article.message.theirs").first
    await letter.hover()
    await letter.get_by_role("button", name="Translate").click()
    await expect(letter).to_contain_text("Translated by a language model")
    await expect(letter.locator(".translation > .text")).to_have_text("Scripted.")
    folded = letter.locator(".translation .fold .text")
    await expect(letter.locator(".body > .text")).to_be_hidden()
    await expect(folded).to_be_hidden()
    await letter.locator(".translation").get_by_text("As it was written").click()
    await expect(folded).to_contain_text("my new lamp flickers")
    await expect(folded).to_be_visible()
    await picture(page, "drafts-translated")


async def words(page: Page) -> None:
    """A change of one's own words: shown, taken, taken back; and a summary, which needs no model."""
    box = page.get_by_role("textbox", name="Reply")
    await box.fill("Dear Marta, we look into it.")
    await box.press("Alt+w")
    await page.locator("#tools").get_by_role("button", name="Shorter").click()
    shown = page.locator("word-tools")
    await expect(shown.locator("ins").first).to_contain_text("Scripted")
    await picture(page, "drafts-change")
    await shown.get_by_role("button", name="Take it").click()
    await expect(box).to_have_value("Scripted.")
    await shown.get_by_role("button", name="Undo").click()
    await expect(box).to_have_value("Dear Marta, we look into it.")
    await box.fill("")
    await box.press("Alt+w")
    await picture(page, "drafts-tools")
    await page.locator("#tools").get_by_role("button", name="Summarise").click()
    await expect(page.locator("#beside")).to_contain_text("How do I stop the flickering of the lamp?")
    await picture(page, "drafts-summary")
    await page.keyboard.press("Escape")


async def send(page: Page) -> None:
    await page.get_by_role("region", name="Suggested reply").get_by_role("button", name="Use").click()
    box = page.get_by_role("textbox", name="Reply")
    await expect(box).to_have_value(re.compile("turns green"))
    await box.press("Control+End")
    await box.type("\n\nP.S. Write if it does not help.")
    await page.locator(".as-reply footer button.primary").click()


async def change(ada: Watched, cited: str) -> None:
    """The article says something else now; what was cited says what it said."""
    page = ada.page
    await page.goto(f"{ada.url}/knowledge")
    await page.get_by_role("link", name="The lamp flickers with a dimmer").first.click()
    await page.get_by_role("link", name="Edit").first.click()
    await page.wait_for_url("**/edit")
    text = page.get_by_label("Text, in Markdown")
    await text.fill((await text.input_value()).replace("ten seconds", "a whole minute"))
    await expect(page.locator(".kept")).to_have_text("Saved")
    await published(page)
    await expect(page.locator(".prose")).to_contain_text("a whole minute")
    await page.goto(f"{ada.url}{cited}")
    await expect(page.locator(".article")).to_contain_text("ten seconds")
    await expect(page.locator(".article")).not_to_contain_text("a whole minute")
    await picture(page, "drafts-cited")
