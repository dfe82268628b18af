"""A whole day without a mouse: signing in, the list, tickets, pickers, macros, search, and signing out."""

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.macros import Macro
from helpdesk.mentions import Mention
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from tests.e2e.conftest import PASSWORD, person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]
FOCUSED = """() => {
  const at = document.activeElement
  if (!at || at === document.body || !at.checkVisibility()) return ""
  return (at.getAttribute("aria-label") || at.textContent || at.name || at.tagName).trim().replace(/\\s+/g, " ")
}"""
MOST = 80
"""Steps of Tab within which everything on a page is reached."""


class Hands:
    """On the keys, and nowhere else."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, page.keyboard

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.keys.press(key)

    async def picks(self, key: str, words: str) -> None:
        """Opened by its key, found by typing, taken with Enter; afterwards the focus is somewhere."""
        listed = self.page.locator(".picklist:popover-open")
        await self.press(key)
        await expect(listed.locator(".filter")).to_be_focused()
        await self.keys.type(words)
        await expect(listed.locator(".options button.marked:visible")).to_contain_text(words)
        await self.press("Enter")
        await expect(listed).to_have_count(0)

    async def tabs_to(self, words: str, *, back: bool = False) -> None:
        for _step in range(MOST):
            if words in await self.focused():
                return
            await self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"no Tab leads to {words!r}, but to {await self.focused()!r}")

    async def focused(self) -> str:
        return str(await self.page.evaluate(FOCUSED))


async def test_a_day_without_a_mouse(browser: Browser, scene: Scene, url: str) -> None:
    expect.set_options(timeout=30_000)
    quiet = await scene.receives(mail("My lamp hums.", subject="A humming lamp", sender="ben@lumen.example"))
    ticket = await scene.receives(mail("I was charged twice.", subject="Charged twice", name="Marta Silva"))
    async with committed(scene.desk.sessions) as session:
        session.add(Macro(owner_id=scene.agents["Ada"].id, name="Refund", body="Your refund is on its way."))
    async with person(browser, url) as ada:
        page = ada.page
        hands = Hands(page)
        await signs_in(page, hands, url)
        await goes_through_the_list(page, hands)
        await changes_what_stands_beside(page, hands)
        await answers(page, hands)
        await asks_a_colleague(page, hands)
        await finds_and_puts_off(page, hands)
        await goes_around(page, hands)
        await signs_out(page, hands)
        ada.assert_clean()
    after = await scene.ticket(ticket.id)
    assert (after.priority, after.assignee_id) == (Priority.high, scene.agents["Liam"].id)
    put_off = await scene.ticket(quiet.id)
    assert put_off.snoozed_until is None
    assert put_off.category is not Category.resolved
    async with scene.desk.sessions() as session:
        assert list(await session.scalars(select(Mention.agent_id))) == [scene.agents["Tess"].id]


async def signs_in(page: Page, hands: Hands, url: str) -> None:
    await page.goto(f"{url}/sign-in")
    await expect(page.get_by_label("E-mail address")).to_be_focused()
    await hands.keys.type("ada@desk.example")
    await hands.press("Tab")
    await hands.keys.type(PASSWORD)
    await hands.press("Enter")
    await page.wait_for_url("**/tickets**")


async def goes_through_the_list(page: Page, hands: Hands) -> None:
    await hands.press("g", "a")
    await expect(page.get_by_role("heading", name="All open")).to_be_visible()
    rows = page.locator("[data-row]")
    await expect(rows).to_have_count(2)
    await hands.press("j")
    await expect(rows.nth(0)).to_be_focused()
    await hands.press("j")
    await expect(rows.nth(1)).to_be_focused()
    await hands.press("k")
    await expect(rows.nth(0)).to_be_focused()
    await hands.press("j", "o")
    await expect(page.get_by_role("heading", name="A humming lamp")).to_be_visible()
    await hands.press("k", "Enter")
    await expect(page.get_by_role("heading", name="Charged twice")).to_be_visible()


async def changes_what_stands_beside(page: Page, hands: Hands) -> None:
    thread, beside = page.locator("#thread"), page.locator("#details")
    await hands.picks("a", "Liam Osei")
    await expect(thread).to_contain_text("Ada Novak assigned the ticket to Liam Osei")
    await hands.picks("p", "High")
    await expect(beside.get_by_role("button", name="Priority")).to_contain_text("High")
    await hands.picks("t", "refund")
    await expect(beside.locator(".chip.tag")).to_contain_text("refund")
    await hands.picks("v", "Technical")
    await expect(beside.get_by_role("button", name="Team")).to_contain_text("Technical")
    await hands.press("z")
    await expect(beside.get_by_role("button", name="Team")).to_contain_text("Billing")
    await picture(page, "keys-beside")


async def answers(page: Page, hands: Hands) -> None:
    reply = page.get_by_role("textbox", name="Reply", exact=True)
    await hands.press("u")
    await expect(page.get_by_label("Macros", exact=True)).to_be_focused()
    await hands.keys.type("refund")
    await expect(page.locator("#macros-options button")).to_have_count(1)
    await hands.press("Enter")
    await expect(reply).to_have_value("Your refund is on its way.\n\n")
    await expect(reply).to_be_focused()
    await hands.press("Control+End")
    await hands.keys.type("Sorry!")
    await hands.press("Control+Enter")
    await expect(page.locator(".message.ours")).to_contain_text("Sorry!")


async def asks_a_colleague(page: Page, hands: Hands) -> None:
    await hands.press("Escape", "n")
    note = page.locator(".as-note textarea")
    await expect(note).to_be_focused()
    await hands.keys.type("@te")
    offered = page.get_by_role("listbox", name="Colleagues")
    await expect(offered.get_by_role("option", selected=True)).to_have_text("Tess Varga")
    await hands.press("Enter")
    await expect(note).to_have_value("@Tess Varga ")
    await hands.keys.type("is it in your log?")
    await hands.press("Control+Enter")
    await expect(page.locator(".message.note .mention")).to_contain_text("@Tess")
    await expect(note).to_have_value("")


async def finds_and_puts_off(page: Page, hands: Hands) -> None:
    """Found by its words, snoozed, and woken by taking that back; resolved, and opened again."""
    await hands.press("Escape", "/")
    await expect(page.get_by_label("Search tickets: words, a name, a number")).to_be_focused()
    await hands.keys.type("humming")
    await hands.press("Enter")
    await page.wait_for_url("**/search?**")
    await hands.press("j")
    await expect(page.locator("[data-row]").first).to_be_focused()
    await hands.press("Enter")
    await expect(page.get_by_role("heading", name="A humming lamp")).to_be_visible()
    await hands.press("h")
    await hands.keys.type("Until the cust")
    await hands.press("Enter")
    await expect(page.get_by_text("Snoozed until the customer writes")).to_be_visible()
    await hands.press("z")
    await expect(page.get_by_text("Snoozed until the customer writes")).to_have_count(0)
    await hands.press("e")
    await expect(page.get_by_text("Ada Novak resolved the ticket")).to_be_visible()
    await hands.press("z")
    await expect(page.locator("#work").get_by_role("button", name="Resolve").first).to_be_visible()


async def goes_around(page: Page, hands: Hands) -> None:
    at = page.url
    await hands.press("?")
    overview = page.get_by_role("dialog", name="Keyboard")
    await expect(overview.get_by_role("button", name="Close")).to_be_focused()
    await picture(page, "keys-overview")
    await hands.press("Escape")
    await expect(overview).to_be_hidden()
    for keys, path in (("gl", "/knowledge"), ("gc", "/contacts"), ("gd", "/board"), ("gs", "/settings")):
        await hands.press(*keys)
        await page.wait_for_url(f"**{path}**")
    for _page in range(4):
        await (
            page.go_back()
        )  # Alt and the left arrow are the browser's own, and have no effect without its window
    assert page.url == at
    await expect(page.get_by_role("heading", name="A humming lamp")).to_be_visible()


async def signs_out(page: Page, hands: Hands) -> None:
    await hands.tabs_to("Sign out")
    await hands.press("Enter")
    await page.wait_for_url("**/sign-in**")
