"""The board in a browser: a mail comes in and the number counts up by itself, opens its tickets, hangs on a wall."""

import re

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import text

from helpdesk.database import committed
from tests.e2e.conftest import person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]


async def test_a_lead_watches_the_desk(scene: Scene, browser: Browser, url: str):
    await scene.receives(mail("Where is it?", sender="a@x.example", subject="Where is it?"))
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.keyboard.press("g")
        await page.keyboard.press("d")
        await page.wait_for_url("**/board")
        await expect(page.locator("#tile-open .reading")).to_have_text("1")
        await expect(page.locator("#tile-online .reading")).to_have_text("1", timeout=15_000)

        await scene.receives(mail("And mine?", sender="b@x.example", subject="And mine?"))
        await expect(page.locator("#tile-open .reading")).to_have_text("2", timeout=10_000)
        await expect(page.locator("#tile-unattended .reading")).to_have_text("2")
        await expect(page.locator(".risks li")).to_have_count(2)
        await expect(page.locator(".risks")).to_contain_text("of working time left")

        says = page.locator("#says-unattended")
        await expect(says).to_be_hidden()
        await page.get_by_role("button", name="What “Unattended” means").focus()
        await expect(says).to_be_visible()
        await expect(says).to_contain_text("nobody has answered yet")
        await picture(page, "board")
        await page.get_by_text("As a table").first.click()
        await expect(page.locator("#table-hours table")).to_be_visible()
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await picture(page, "board-phone")
        await page.set_viewport_size({"width": 1280, "height": 800})

        await page.get_by_label("Team", exact=True).select_option("Technical")
        await page.wait_for_url(re.compile(r"/board\?team=\d+"))
        await expect(page.locator("#tile-open .reading")).to_have_text("0")
        await expect(page.locator(".risks")).to_contain_text("Nothing is at risk")
        await page.get_by_label("Team", exact=True).select_option("All teams")
        await expect(page.locator("#tile-open .reading")).to_have_text("2")

        await page.get_by_role("link", name="Unassigned", exact=True).last.click()
        await page.wait_for_url("**/tickets?where=**")
        await expect(page.locator("a.row")).to_have_count(2)
        await page.go_back()
        await on_the_wall(scene, page)
        ada.assert_clean()


async def on_the_wall(scene: Scene, page: Page) -> None:
    await page.keyboard.press("w")
    await page.wait_for_url("**wall=true")
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await expect(page.locator("#views")).to_have_count(0)
    await expect(page.locator("#tile-open .reading")).to_have_text("2")
    height = await page.locator("#tile-open .reading").evaluate(
        "element => element.getBoundingClientRect().height"
    )
    assert height > 80, "read from afar"
    assert await page.evaluate("document.documentElement.scrollHeight") <= 1080
    await picture(page, "board-wall")
    async with committed(scene.desk.sessions) as session:
        killed = await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'helpdesk live' AND datname = current_database()"
            )
        )
        assert len(killed.all()) == 1, "the line by which consoles hear of changes"
    await scene.receives(mail("Hello?", sender="c@x.example"))
    await expect(page.locator("#tile-open .reading")).to_have_text("3", timeout=12_000)
    await page.keyboard.press("w")
    await expect(page.get_by_role("heading", name="Board", exact=True)).to_be_visible()
