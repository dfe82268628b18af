"""The chat on its trial page, as a site can have it; and the puzzle that strangers' browsers solve unseen."""

import re

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, select

from helpdesk import fields
from helpdesk.chat import Visitor
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.fields import Description, Subject
from helpdesk.tickets import Ticket
from tests.e2e.conftest import Watched, leads_to, person, picture
from tests.e2e.test_chat import Site, frame_of, site, write
from tests.scenes import Scene
from tests.web.chatting import chat_inbox
from tests.workers.hands import eventually

__all__ = ["site"]
pytestmark = pytest.mark.browser
PUZZLE = "Strangers' browsers solve a small puzzle first"
COMES_WITHOUT = """async (path) => {
  const answer = await fetch(path, {
    method: "POST", headers: {"content-type": "application/json"}, body: "{}", credentials: "omit"
  })
  return [answer.status, (await answer.json()).title ?? ""]
}"""


async def test_an_admin_tries_all_that_a_site_can_have_it_do(
    browser: Browser, scene: Scene, url: str
) -> None:
    expect.set_options(timeout=30_000)
    async with committed(scene.desk.sessions) as session:
        await fields.add(session, Subject.ticket, Description(name="Order number"), by=DESK)
    chat = await chat_inbox(scene, ask_email="optional", ask_fields="order_number")
    async with person(browser, url) as ada, person(browser, url) as liam:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/settings")
        await page.locator('a.tile[href="/settings/chat"]').click()
        await page.get_by_role("link", name=chat.name).first.click()
        await page.get_by_role("link", name="Try it").click()
        await expect(page.get_by_role("heading", name=f"Try {chat.name}")).to_be_visible()
        told = page.locator(".chat-events")
        await expect(told).to_contain_text("ready")
        await looks(page, "chat-try")

        # By the page's buttons, as by a site's own.
        await page.get_by_role("button", name="Open it", exact=True).click()
        await expect(page.get_by_role("button", name="Close the chat")).to_be_visible()
        await page.get_by_role("button", name="Close it", exact=True).click()
        await expect(page.get_by_role("button", name="Open the chat")).to_be_visible()
        await expect(told).to_contain_text(re.compile(r"ready.*open\n.*close\n", re.DOTALL))

        # Somebody who is made up, with what a site would know of them.
        await page.get_by_label("Name", exact=True).fill("Ines Trial")
        await page.get_by_label("E-mail address").fill("ines@trial.example")
        await page.get_by_role("button", name="Identify").click()
        await expect(told).to_contain_text('identify() {"name":"Ines Trial","email":"ines@trial.example"}')
        await page.get_by_label("Value", exact=True).fill("A-17")
        await page.get_by_role("button", name="Set it").click()
        await expect(told).to_contain_text('setFields() {"order_number":"A-17"}')
        await page.get_by_role("button", name="Open it", exact=True).click()
        frame = await frame_of(page)
        await expect(frame.get_by_label("Your e-mail address")).to_have_value("ines@trial.example")
        await expect(frame.get_by_label("Order number")).to_have_value("A-17")
        await write(frame, "Is this how it looks?")

        # A colleague has it as they would have a customer's, and what they answer is told to the page.
        (ticket,) = await eventually(scene.tickets, within=60)
        assert ticket.fields == {"order_number": "A-17"}
        await liam.sign_in("liam@desk.example")
        await liam.page.goto(f"{url}/tickets/{ticket.number}")
        await expect(liam.page.locator("#thread")).to_contain_text("Is this how it looks?")
        await expect(liam.page.locator("body")).to_contain_text("ines@trial.example")
        await liam.page.locator("textarea[data-mode=reply]").fill("It is.")
        await liam.page.keyboard.press("Control+Enter")
        await expect(frame.locator(".agent .text")).to_have_text("It is.")
        await expect(told).to_contain_text('"text":"It is."')
        await looks(page, "chat-tried")

        await page.get_by_role("button", name="Close it", exact=True).click()
        await page.get_by_role("button", name="Forget me").click()
        await page.get_by_role("button", name="Open it", exact=True).click()
        await expect(frame.locator(".own")).to_have_count(0)
        ada.assert_clean()
        liam.assert_clean()


async def looks(page: Page, name: str) -> None:
    """Wide and narrow, light and dark: nothing stands out at the side."""
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await picture(page, f"{name}-{theme}-{width}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 844})


async def test_the_puzzle_is_switched_on_bothers_nobody_and_is_switched_off(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins=site.url)
    base = f"/chat/{chat.public_id}"
    site.desk = f"{url}{base}"
    async with person(browser, url) as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/settings/chat/{chat.id}")
        choice = page.get_by_label(PUZZLE)
        await expect(choice).to_have_accessible_description(re.compile("Half a second on a phone"))
        assert await comes_without(ada, base) == 201
        await choose(page, "Always")

        # Without it nobody comes in, and is told why.
        status, words = await page.evaluate(COMES_WITHOUT, f"{base}/visitors")
        assert (status, words) == (425, "Your browser has not solved this chat's puzzle yet. Try again.")
        assert await solved(scene) == 0
        ticket = await comes_and_writes(browser, url, scene, site, "Does anybody see a puzzle?")
        assert await solved(scene) == 1
        await page.goto(f"{url}/tickets/{ticket.number}?view=all")
        await expect(page.locator("#thread")).to_contain_text("Does anybody see a puzzle?")

        await page.goto(f"{url}/settings/chat/{chat.id}")
        await choose(page, "Never")
        assert await comes_without(ada, base) == 201
        await comes_and_writes(browser, url, scene, site, "And now without one")
        assert await solved(scene) == 1
        assert not [each for each in ada.broken if "status of 425" not in each]
        assert not ada.foreign


async def choose(page: Page, often: str) -> None:
    await page.get_by_label(PUZZLE).select_option(label=often)
    async with leads_to(page, "**?done=saved"):
        await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_label(PUZZLE).locator("option:checked")).to_have_text(often)


async def comes_without(ada: Watched, base: str) -> int:
    status, _words = await ada.page.evaluate(COMES_WITHOUT, f"{base}/visitors")
    return int(status)


async def comes_and_writes(browser: Browser, url: str, scene: Scene, site: Site, text: str) -> Ticket:
    """Nothing is asked, and nothing of it is seen."""
    before = len(await scene.tickets())
    async with person(browser, url) as visitor:
        await visitor.page.goto(site.url)
        await visitor.page.get_by_role("button", name="Open the chat").click()
        frame = await frame_of(visitor.page)
        await write(frame, text)

        async def filed() -> list[Ticket]:
            return (await scene.tickets())[before:]

        found: list[Ticket] = await eventually(filed, within=60)
        await expect(frame.locator(".own .text")).to_have_text(text)
        await expect(frame.locator("body")).not_to_contain_text(re.compile("puzzle yet|Not sent"))
        assert not visitor.broken
    return found[0]


async def solved(scene: Scene) -> int:
    """Visitors whose browser solved one."""
    async with scene.desk.sessions() as session:
        return await session.scalar(select(func.count(Visitor.puzzle))) or 0
