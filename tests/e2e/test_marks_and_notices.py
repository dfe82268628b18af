"""What is new is told once: on the desktop, by a sound, before the title, and to visitors as agents marked it."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from helpdesk.tickets import Ticket
from tests.e2e.conftest import person, picture
from tests.e2e.test_chat import Site, answer, frame_of, site, write
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from tests.workers.hands import eventually

pytestmark = pytest.mark.browser
__all__ = ["site"]

WATCH = """
window.shown = []; window.tones = 0
window.Notification = class { static permission = "default"
  static async requestPermission() { return (Notification.permission = "granted") }
  constructor(title, given) { shown.push([title, given.body, given.tag]); window.last = this } close() {} }
if (location.pathname !== "/settings/me/notices") Notification.permission = "granted"
const start = OscillatorNode.prototype.start
OscillatorNode.prototype.start = function (...at) { tones++; return start.apply(this, at) }
"""
"""The browser's own notices can't be read back: what is handed to them can."""


async def shown(page: Page) -> list[list[str]]:
    found: list[list[str]] = await page.evaluate("shown")
    return found


async def test_what_concerns_an_agent_is_shown_once_among_their_tabs(
    browser: Browser, scene: Scene, url: str
) -> None:
    expect.set_options(timeout=30_000)
    tickets: list[Ticket] = [await scene.receives(mail(subject=f"Lamp {n}")) for n in (1, 2)]
    async with person(browser, url) as ada:
        await ada.context.add_init_script(WATCH)
        await ada.sign_in("ada@desk.example")
        await ada.page.goto(f"{url}/settings/me/notices")
        await ada.page.get_by_role("button", name="Show notices on this computer").click()
        await expect(ada.page.get_by_text("This browser shows notices on the desktop")).to_be_visible()
        await picture(ada.page, "notices-preferences")
        second = await ada.context.new_page()
        for page in (ada.page, second):
            await page.goto(f"{url}/tickets")
            await page.locator("#list").click(position={"x": 5, "y": 5})

        # Both know how far the desk has told before anything happens.
        async def ready() -> bool:
            return bool(
                await second.evaluate("(localStorage.getItem('notices told') ?? '').includes('upto')")
            )

        await eventually(ready, within=20)

        await scene.does(tickets[0], "assign", scene.agents["Ada"], by=scene.agents["Liam"])
        for page in (ada.page, second):
            await expect(page).to_have_title(re.compile(r"^\(1\) "))

        async def once() -> list[list[str]]:
            return [*await shown(ada.page), *await shown(second)]

        (notice,) = await eventually(once, within=20)
        assert "assigned this ticket to you" in notice[0]
        assert "Lamp 1" in notice[1]
        await second.wait_for_timeout(1500)
        assert len(await once()) == 1
        assert (
            await ada.page.evaluate("tones") + await second.evaluate("tones") == 2
        )  # one chime of two tones

        # A press on it opens the ticket; there nothing of it is told again, and the number goes.
        told_by = second if await shown(second) else ada.page
        await told_by.bring_to_front()  # as the press would
        await told_by.evaluate("last.onclick()")
        await told_by.wait_for_url(f"**/tickets/{tickets[0].number}")
        await expect(told_by).not_to_have_title(re.compile(r"^\("))
        ada.assert_clean()


async def test_what_an_agent_marks_is_formatted_for_the_visitor(
    browser: Browser,
    scene: Scene,
    url: str,
    site: Site,
) -> None:
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins=site.url)
    site.shows(chat, url)
    async with (
        person(browser, url) as ada,
        person(
            browser, url, color_scheme="dark", viewport={"width": 390, "height": 780}, locale="en-GB"
        ) as visitor,
    ):
        await visitor.page.goto(site.url)
        await visitor.page.get_by_role("button", name="Open the chat").press("Enter")
        frame = await frame_of(visitor.page)
        await write(frame, "Is **it** back?")
        await expect(frame.locator(".own .text")).to_have_text("Is **it** back?")
        await ada.sign_in("ada@desk.example")
        (ticket,) = await eventually(scene.tickets, within=20)
        await ada.page.goto(f"{url}/tickets/{ticket.number}?view=all")
        await expect(ada.page.locator("#thread")).to_contain_text("Is **it** back?")
        await expect(ada.page.locator(".composer .to")).to_have_text("to Visitor from Lamps")
        body = "**Yes**, see\n\n- [the lamp](https://lamps.example/blue)\n- `LAMP-7`\n\n> as you asked"
        await ada.page.locator("textarea[data-mode=reply]").fill(body)
        await ada.page.get_by_role("button", name="See how it will look").click()
        await expect(ada.page.locator(".as-shown strong")).to_have_text("Yes")
        await picture(ada.page, "marks-preview")
        await answer(ada, body)
        await expect(ada.page.locator("#thread .marked strong")).to_have_text("Yes")
        said = frame.locator(".agent .text")
        await expect(said.locator("strong")).to_have_text("Yes", timeout=25_000)
        await expect(said.locator("li")).to_have_count(2)
        await expect(said.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer nofollow")
        await picture(visitor.page, "marks-chat-phone-dark")
        await expect(ada.page.locator("#thread")).to_contain_text("Ada Novak has the ticket now")
        await picture(ada.page, "marks-console")
        assert not visitor.broken
        ada.assert_clean()
