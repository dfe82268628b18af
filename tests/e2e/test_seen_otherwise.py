"""For people who see or move otherwise: nothing moves where they wish for rest, and with a system's own few colours
what is chosen and what is switched on can still be told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, person, picture, process
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox
from web.passwords import hashed

pytestmark = pytest.mark.browser
MOVES = """() => [...document.querySelectorAll("*")].flatMap((each) => [null, "::before", "::after"].flatMap((part) => {
  const style = getComputedStyle(each, part)
  const times = [style.transitionDuration, style.transitionDelay, style.animationDuration, style.animationDelay]
  const longest = Math.max(...times.join().split(",").map((time) => parseFloat(time) * 1000)) // computed: in seconds
  return longest > 1 ? [`${each.tagName}.${each.className} ${part ?? ""} ${longest}`] : []
}))"""
"""What would move for longer than a millisecond, or begin later."""


@pytest.fixture
def url(scene: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, scene.desk.database_url) as url:
        yield url


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    ticket = await scene.receives(mail("Where is it?", subject="My parcel"))
    await scene.does(ticket, "note", "The depot has it.", by=scene.agents["Liam"])
    return scene


async def outline(page: Page, selector: str) -> tuple[str, str]:
    found: list[str] = await page.locator(selector).first.evaluate(
        "(it) => { const s = getComputedStyle(it); return [s.outlineStyle, s.outlineWidth] }"
    )
    return found[0], found[1]


async def test_nothing_moves_for_who_wishes_for_rest(browser: Browser, company: Scene, url: str) -> None:
    await chat_inbox(company)
    async with person(browser, url, reduced_motion="reduce") as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        for address in ("/tickets?view=all", "/tickets/1?view=all", "/board", "/knowledge", "/settings/chat"):
            await page.goto(url + address)
            assert await page.evaluate(MOVES) == [], address


async def test_a_systems_own_colours_show_what_is_chosen(browser: Browser, company: Scene, url: str) -> None:
    async with person(browser, url, forced_colors="active") as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/tickets/1?view=all")
        await expect(page.locator("#list .row[aria-current]")).to_be_visible()
        assert (await outline(page, "#list .row[aria-current]"))[0] == "solid"
        await picture(page, "forced-colours-ticket")
        borders = "(it) => getComputedStyle(it).borderTopStyle"
        assert await page.locator(".message.note > .body").evaluate(borders) == "dashed"
        assert await page.locator(".message:not(.note) > .body").first.evaluate(borders) == "solid"
        await page.goto(f"{url}/settings/me/notices")
        await picture(page, "forced-colours-toggles")
        assert (await outline(page, ".toggle input"))[0] == "solid"
        await page.keyboard.press("Tab")
        assert (await outline(page, ":focus-visible"))[0] != "none"


async def test_a_ticket_is_printed_whole_and_dark_on_light(
    browser: Browser, company: Scene, url: str
) -> None:
    (ticket,) = await company.tickets()
    for n in range(30):
        await company.does(ticket, "note", f"Call {n}", by=company.agents["Liam"])
    async with person(browser, url, color_scheme="dark") as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/tickets/1?view=all")
        await expect(page.locator("#thread")).to_contain_text("Call 29")
        await page.emulate_media(media="print", color_scheme="dark")
        for shown in ("#ticket h1", ".message"):
            await expect(page.locator(shown).first).to_be_visible()
        for hidden in ("#list", ".details", ".composer", ".tools", ".nav"):
            await expect(page.locator(hidden).first).to_be_hidden()
        whole = (
            "(it) => it.scrollHeight <= it.clientHeight + 1 && document.body.scrollHeight >= it.clientHeight"
        )
        assert await page.locator("#thread").evaluate(whole), "nothing is cut off"
        ink = await page.locator(".message > .body").first.evaluate("(it) => getComputedStyle(it).color")
        assert await page.evaluate(
            "(ink) => { const on = new OffscreenCanvas(1, 1).getContext('2d'); on.fillStyle = ink;"
            " on.fillRect(0, 0, 1, 1);"
            " return [...on.getImageData(0, 0, 1, 1).data].slice(0, 3).every((each) => each < 100) }",
            ink,
        ), ink
        await picture(page, "printed-ticket")


async def test_the_first_keys_lead_past_the_menu(browser: Browser, company: Scene, url: str) -> None:
    """To the list, and to the ticket that was opened beside it without a new page."""
    async with person(browser, url) as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/tickets?view=all")
        await page.locator("#list .row").first.click()
        await expect(page.locator("#thread")).to_contain_text("Where is it?")
        await page.evaluate(
            "document.activeElement.blur(); document.body.focus(); getSelection().removeAllRanges()"
        )
        links = page.locator("a.skip")
        await expect(links).to_have_text(["Skip to the tickets", "Skip to the ticket"])
        await links.first.focus()
        await page.keyboard.press("Tab")
        await expect(links.last).to_be_focused()
        await expect(links.last).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("#ticket")).to_be_focused()
        await page.keyboard.press("Tab")
        assert await page.evaluate("!!document.activeElement.closest('#ticket')")
