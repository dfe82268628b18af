"""Whoever cannot see or cannot use a mouse gets as far as everybody else: what axe says of our pages, light and dark,
wide and on a phone, and the chat with nothing but a keyboard."""

import pytest
from playwright.async_api import Browser, Frame, Page, ViewportSize, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import person, picture
from tests.e2e.test_chat import Site, frame_of, site
from tests.e2e.test_help_centre import library
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from tests.web.test_help_centre import brand
from tests.web.test_help_centre_customers import form_inbox

pytestmark = pytest.mark.browser
__all__ = ["site"]
WIDE: ViewportSize = {"width": 1280, "height": 1800}
PHONE: ViewportSize = {"width": 390, "height": 844}
CUSTOMERS = [
    "/help",
    "/help/articles/how-do-i-reset-my-hub",
    "/help/search?q=hub",
    "/help/contact",
    "/help/sign-in",
    "/sign-in",
]
CONSOLE = [
    "/tickets?view=all",
    "/tickets/1",
    "/settings",
    "/settings/chat",
    "/settings/slack",
    "/settings/help-centres",
    "/settings/assistant",
    "/settings/inboxes",
    "/board",
    "/reports",
    "/knowledge",
    "/contacts",
]


async def test_axe_finds_nothing_and_a_keyboard_is_enough(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    await library(scene)
    await brand(scene, "Lumen", contact_inbox_id=await form_inbox(scene))
    ticket = await scene.receives(mail("My hub does not start.", subject="Hub is dead", name="Marta Silva"))
    await scene.replies(ticket, "Please hold the power key for ten seconds.")
    chat = await chat_inbox(scene, origins=site.url, ask_name="optional", accent="#f97316")
    site.desk = f"{url}/chat/{chat.public_id}"
    found: dict[str, list[str]] = {}
    async with person(browser, url, viewport=WIDE) as visitor:
        await by_keyboard(visitor.page, site, found)
        for path in CUSTOMERS:
            await looked_at(visitor.page, url + path, found)
        visitor_broken = list(visitor.broken)
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        for path in CONSOLE:
            await looked_at(ada.page, url + path, found)
        ada.assert_clean()
    assert not visitor_broken
    assert not found, "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in found.items())


async def by_keyboard(page: Page, site: Site, found: dict[str, list[str]]) -> None:
    """Open, write, attach, send, close: the focus is where it is expected all the way."""
    await page.goto(site.url)
    launcher = page.get_by_role("button", name="Open the chat")
    await launcher.focus()
    await launcher.press("Enter")
    frame = await frame_of(page)
    field = frame.get_by_label("Write a message")
    await expect(field).to_be_focused()
    await note(page, found, "chat, before", frame)
    await page.keyboard.type("Is the blue lamp back?")
    await page.keyboard.press("Tab")
    await expect(frame.get_by_role("button", name="Emoji")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(frame.get_by_role("button", name="Attach a file")).to_be_focused()
    async with page.expect_file_chooser() as chosen:
        await page.keyboard.press("Enter")
    await (await chosen.value).set_files({"name": "lamp.txt", "mimeType": "text/plain", "buffer": b"blue"})
    await expect(frame.locator(".chosen")).to_contain_text("lamp.txt")
    await page.keyboard.press("Tab")
    await expect(frame.get_by_role("button", name="Send", exact=True)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(frame.locator(".own .text")).to_have_text("Is the blue lamp back?")
    await expect(frame.locator(".own time")).to_be_visible()
    await expect(field).to_be_focused()
    await note(page, found, "chat, talking", frame)
    await picture(page, "accessible-chat")
    await page.keyboard.press("Escape")
    await expect(launcher).to_be_focused()


async def looked_at(page: Page, address: str, found: dict[str, list[str]]) -> None:
    await page.set_viewport_size(WIDE)
    answer = await page.goto(address)
    assert answer, address
    if answer.status != 200:
        found[address] = [f"answers {answer.status}"]
        return
    await note(page, found, address)


async def note(page: Page, found: dict[str, list[str]], where: str, inside: Frame | None = None) -> None:
    """Light and dark, wide and on a phone."""
    for theme, size in (("light", WIDE), ("dark", PHONE)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size(size)
        if broken := await violations(inside or page):
            found[f"{where}, {theme}, {size['width']}"] = broken
        wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], f"{where} is wider than its window: {wide}"
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(WIDE)
