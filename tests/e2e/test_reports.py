"""Reports in a browser: a number counts what came in, opens its tickets, and the report is kept and sent."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]
TOPS = """() => [...document.querySelectorAll(".tiles > div > dd")].map((it) => it.getBoundingClientRect().top)"""


async def test_a_lead_reads_keeps_and_sends_a_report(scene: Scene, browser: Browser, url: str):
    for name in ("one", "two"):
        await scene.receives(mail(f"Mail {name}", sender=f"{name}@x.example", subject=f"Mail {name}"))
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.keyboard.press("g")
        await page.keyboard.press("r")
        await page.wait_for_url("**/reports")
        created = page.locator(".tiles > div").filter(has_text="Created tickets")
        await expect(created.locator("dd b")).to_have_text("2")
        point = page.locator("svg.chart a").last
        await point.focus()
        await expect(point.locator("title")).to_have_text(re.compile(": 2$"))
        await picture(page, "reports")
        assert len({*await page.evaluate(TOPS)}) == 1, (
            "the numbers stand on one line, however long their names are"
        )
        assert await page.locator(".me b").evaluate("(it) => it.scrollWidth <= it.clientWidth"), (
            "one's own name"
        )

        await page.get_by_label("Split by").select_option("Team")
        await page.wait_for_url("**by=team**")
        await expect(page.locator("svg.chart.bars")).to_be_visible()
        await page.get_by_role("row", name=re.compile("^Billing")).get_by_role("link", name="2").first.click()
        await page.wait_for_url("**/reports/tickets?**")
        await expect(page.get_by_role("link", name="Mail one")).to_be_visible()
        await page.go_back()

        await page.get_by_role("button", name="Keep this report").click()
        await page.locator("#f-report-name").fill("By team")
        await page.get_by_role("button", name="Keep", exact=True).click()
        await expect(page.get_by_role("heading", name="By team")).to_be_visible()
        await page.get_by_role("link", name="Kept reports").first.click()
        await page.get_by_role("link", name="Send by mail").click()
        await page.get_by_label("When", exact=True).select_option("On days of the week")
        await page.get_by_label("Ada Novak").check()
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("heading", name="Sent to me")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("On days of the week: Mon at 08:00 (UTC)")
        await page.get_by_role("button", name="Stop sending it to me").click()
        await expect(page.locator("main")).to_contain_text("You stopped it.")

        await page.set_viewport_size({"width": 390, "height": 844})
        for path in ("/reports/kept", "/reports?by=hour", "/reports?period=custom"):
            await page.goto(f"{url}{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await picture(page, "reports-phone")
        ada.assert_clean()
