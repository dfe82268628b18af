"""Whoever cannot see or cannot use a mouse gets as far as everybody else: what axe says of our pages, light and dark,
wide and on a phone, and whether they fit into a window as narrow as a page at 400 % leaves of one."""

import pytest
from playwright.async_api import Browser, Frame, Page, ViewportSize, expect

from tests.e2e.axe import violations
from tests.e2e.conftest import Watched, person
from tests.e2e.test_help_centre import library
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from tests.web.test_help_centre import brand
from tests.web.test_help_centre_customers import form_inbox

pytestmark = pytest.mark.browser
WIDE: ViewportSize = {"width": 1280, "height": 1800}
PHONE: ViewportSize = {"width": 390, "height": 844}
NARROWEST: ViewportSize = {"width": 320, "height": 800}
"""1280 points at 400 %: https://www.w3.org/TR/WCAG22/#reflow"""
CUSTOMERS = [
    "/help",
    "/help/articles/how-do-i-reset-my-hub",
    "/help/search?q=hub",
    "/help/contact",
    "/help/sign-in",
    "/sign-in",
]
WORK = [
    "/tickets?view=all",
    "/tickets/1",
    "/tickets/new",
    "/search",
    "/search?q=hub",
    "/views",
    "/views/new",
    "/bulk",
    "/notices",
    "/outbox",
    "/board",
    "/board?wall=true",
    "/reports",
    "/reports/tickets",
    "/ratings",
    "/findings",
    "/contacts",
    "/contacts/1",
    "/companies",
    "/knowledge",
    "/knowledge/articles/new",
    "/knowledge/articles/1/edit",
]
SETTINGS = [
    "/settings",
    "/settings/me",
    "/settings/me/notices",
    "/settings/me/signatures",
    "/settings/me/safety",
    "/settings/agents",
    "/settings/agents/new",
    "/settings/agents/2",
    "/settings/teams",
    "/settings/teams/1",
    "/settings/assignment",
    "/settings/roles",
    "/settings/roles/new",
    "/settings/rules",
    "/settings/rules/new",
    "/settings/macros",
    "/settings/macros/new",
    "/settings/templates",
    "/settings/assistant",
    "/settings/triage",
    "/settings/drafts",
    "/settings/evaluation",
    "/settings/search",
    "/settings/models",
    "/settings/webhooks",
    "/settings/webhooks/new",
    "/settings/tokens",
    "/settings/api",
    "/settings/inboxes",
    "/settings/inboxes/1",
    "/settings/chat",
    "/settings/slack",
    "/settings/programs",
    "/settings/help-centres",
    "/settings/desk",
    "/settings/audit",
    "/settings/data",
    "/settings/sla",
    "/settings/sla/new",
    "/settings/sla/1",
    "/settings/calendars",
    "/settings/calendars/1",
    "/settings/satisfaction",
    "/settings/statuses",
    "/settings/types",
    "/settings/tags",
    "/settings/fields",
]
OPENED = """() => [...document.querySelectorAll("[popover]")].map((each) => each.id)
  .filter((id) => !["views", "beside"].includes(id))"""
"""What opens on a page; at this width the views stand beside it, and what is beside is empty until it is asked for."""


async def test_pages_of_customers(browser: Browser, scene: Scene, url: str) -> None:
    await library(scene)
    await brand(scene, "Lumen", contact_inbox_id=await form_inbox(scene))
    async with person(browser, url, viewport=WIDE) as visitor:
        await looked_at(visitor, CUSTOMERS)


async def test_pages_of_agents_and_what_opens_on_a_ticket(browser: Browser, scene: Scene, url: str) -> None:
    await library(scene)
    ticket = await scene.receives(mail("My hub does not start.", subject="Hub is dead", name="Marta Silva"))
    await scene.replies(ticket, "Please hold the power key for ten seconds.")
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await looked_at(ada, WORK)
        await opened(ada, "/tickets/1?view=all")


async def test_pages_of_the_settings(browser: Browser, scene: Scene, url: str) -> None:
    chat = await chat_inbox(scene)
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await looked_at(ada, [*SETTINGS, f"/settings/chat/{chat.id}", f"/settings/chat/{chat.id}/try"])


async def looked_at(who: Watched, addresses: list[str]) -> None:
    """All are looked at before anything is said, so that one run tells the whole work."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        answer = await who.page.goto(who.url + address)
        if answer and answer.status == 200:
            await note(who.page, found, address)
        else:
            found[address] = [f"answers {answer and answer.status}"]
    assert not found, told(found)
    who.assert_clean()


async def opened(who: Watched, address: str) -> None:
    """Each menu and dialog of a page while it is open."""
    page = who.page
    await page.goto(who.url + address)
    found: dict[str, list[str]] = {}
    popovers = await page.evaluate(OPENED)
    assert {"choices-assignment", "choices-tags", "choices-snooze", "macros", "keys"} <= {*popovers}
    for each in popovers:
        popover = page.locator(f"#{each}")
        await popover.evaluate("(it) => it.showPopover()")
        await expect(popover).to_be_visible()
        if broken := await violations(page):
            found[f"{address}, {each}"] = broken
        await popover.evaluate("(it) => it.hidePopover()")
    assert not found, told(found)
    who.assert_clean()


async def note(page: Page, found: dict[str, list[str]], where: str, inside: Frame | None = None) -> None:
    """Light and dark, wide and on a phone."""
    for theme, size in (("light", WIDE), ("dark", PHONE)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size(size)
        if broken := await violations(inside or page):
            found[f"{where}, {theme}, {size['width']}"] = broken
    await page.set_viewport_size(NARROWEST)
    has, given = await (inside or page).evaluate("[document.documentElement.scrollWidth, innerWidth]")
    if has > given:
        found[f"{where}, {given}"] = [f"is {has} wide"]
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(WIDE)


def told(found: dict[str, list[str]]) -> str:
    return "\n".join(f"{where}\n  " + "\n  ".join(what) for where, what in found.items())
