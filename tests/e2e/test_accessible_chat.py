"""The chat for whoever cannot see or cannot use a mouse: from before the first word to how it was, with nothing but a
keyboard, and the same in a language that is read from the right."""

import pytest
from playwright.async_api import Browser, Frame, Page, expect

from tests.e2e.conftest import person, picture
from tests.e2e.test_accessibility import WIDE, note, told
from tests.e2e.test_chat import Site, frame_of, site
from tests.e2e.test_help_centre import library
from tests.scenes import Scene
from tests.web.chatting import chat_inbox
from tests.web.test_help_centre import brand

pytestmark = pytest.mark.browser
__all__ = ["site"]
SIDE = """(part) => {
  const words = new Range(), within = part.getBoundingClientRect()
  words.selectNodeContents(part)
  const at = words.getBoundingClientRect()
  return at.left - within.left < within.right - at.right ? "left" : "right"
}"""
"""Where the words of a part stand."""


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_chat_from_its_first_word_to_how_it_was(
    browser: Browser, scene: Scene, url: str, site: Site, language: str
) -> None:
    await library(scene)
    await brand(scene, "Lumen")
    chat = await chat_inbox(
        scene,
        origins=site.url,
        ask_name="optional",
        ask_email="required",
        accent="#f97316",
        reply_time="We answer within minutes.",
    )
    site.shows(chat, url)
    site.attributes = f'data-lang="{language}"'
    found: dict[str, list[str]] = {}
    async with person(browser, url, viewport=WIDE) as visitor:
        page = visitor.page
        await page.goto(site.url)
        launcher = page.get_by_role("button").first
        await launcher.focus()
        await launcher.press("Enter")
        frame = await frame_of(page)
        await expect(frame.locator("html")).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        await expect(frame.locator(".composer .row textarea")).to_be_focused()
        greeting, answer = frame.locator(".home h2"), frame.locator(".home > .small")
        for each in (greeting, answer):
            assert await each.evaluate(SIDE) == ("right" if language == "ar" else "left")
        await note(page, found, "before", frame)
        await searched(page, frame, found)
        await written(page, frame, found)
        await ended(page, frame, found)
        await page.keyboard.press("Escape")
        await expect(launcher).to_be_focused()
        assert not visitor.broken
    assert not found, told(found)


async def searched(page: Page, frame: Frame, found: dict[str, list[str]]) -> None:
    """What the help centre answers, one article of it, and back."""
    await frame.get_by_role("searchbox").focus()
    await page.keyboard.type("hub")
    await expect(frame.locator(".results button").first).to_be_visible()
    await note(page, found, "found articles", frame)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(frame.locator("article > h2")).to_be_focused()
    await note(page, found, "an article", frame)
    await frame.locator("button.back").focus()
    await page.keyboard.press("Enter")
    await expect(frame.get_by_role("searchbox")).to_be_visible()


async def written(page: Page, frame: Frame, found: dict[str, list[str]]) -> None:
    """Introduced, written and a file attached: the focus is where it is expected all the way."""
    field = frame.locator(".composer .row textarea")
    await frame.locator("#f-email").focus()
    await page.keyboard.type("marta@lumen.example")
    await page.keyboard.press("Tab")
    await expect(field).to_be_focused()
    await page.keyboard.type("Is the blue lamp back?")
    await page.keyboard.press("Tab")
    await expect(frame.locator("[popovertarget=faces]")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(frame.locator("#faces")).to_be_visible()
    await note(page, found, "emoji", frame)
    await page.keyboard.press("Escape")
    await expect(frame.locator("#faces")).to_be_hidden()
    await expect(frame.locator("[popovertarget=faces]")).to_be_focused()
    await page.keyboard.press("Tab")
    async with page.expect_file_chooser() as chosen:
        await page.keyboard.press("Enter")
    await (await chosen.value).set_files({"name": "lamp.txt", "mimeType": "text/plain", "buffer": b"blue"})
    await expect(frame.locator(".chosen")).to_contain_text("lamp.txt")
    await page.keyboard.press("Tab")
    await expect(frame.locator(".send")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(frame.locator(".own .text")).to_have_text("Is the blue lamp back?")
    await expect(frame.locator(".own time")).to_be_visible(timeout=20_000)
    await expect(field).to_be_focused()
    await expect(frame.locator(".waits")).to_have_text("We answer within minutes.", timeout=20_000)
    await note(page, found, "talking", frame)
    await picture(page, "accessible-chat")


async def ended(page: Page, frame: Frame, found: dict[str, list[str]]) -> None:
    """Over, by the menu, and rated with the arrows."""
    await frame.locator("[popovertarget=menu]").focus()
    await page.keyboard.press("Enter")
    ending = frame.locator("#menu > button:nth-last-of-type(2)")
    await expect(ending).to_be_visible()
    await note(page, found, "menu", frame)
    await ending.focus()
    await page.keyboard.press("Enter")
    await expect(frame.locator(".rating")).to_be_visible(timeout=20_000)
    await note(page, found, "rating", frame)
    await frame.locator(".rating input").last.focus()
    await page.keyboard.press("Space")
    await frame.locator(".rating button").focus()
    await page.keyboard.press("Enter")
    await expect(frame.locator(".rating input")).to_have_count(0)
    await note(page, found, "rated", frame)
    await frame.locator(".composer .row textarea").focus()
