"""Evaluations as somebody meets them: read, compared, ordered, and a bolder setting refused; also on a phone."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import person, picture
from tests.scenes import Scene
from tests.web.test_evaluation import BAD, GOOD, kept

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


async def test_what_answers_are_worth_is_read_and_measured_again(browser: Browser, scene: Scene, url: str):
    before, after = await kept(scene.desk, GOOD), await kept(scene.desk, BAD)
    async with person(browser, url, viewport={"width": 1440, "height": 900}) as ada:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.goto(f"{url}/settings")
        await page.get_by_role("link", name="Evaluation").first.click()
        await picture(page, "evaluations")
        await page.get_by_role("link", name="Solved tickets of this desk").first.click()
        await page.wait_for_url(f"**/settings/evaluation/{after}")
        await page.get_by_role("button", name="Compare").click()
        await expect(page.get_by_text(f"Worse than evaluation {before}")).to_be_visible()
        await picture(page, "evaluation")
        await page.get_by_role("link", name="Nothing answers this, and yet something was said.").click()
        await expect(page.get_by_text("How do I mend number 2?")).to_be_visible()
        await page.goto(f"{url}/settings/evaluation")
        await page.get_by_label("Questions").select_option(
            label="Titles and headings of this desk's articles"
        )
        await page.get_by_role("button", name="Measure now").click()
        await expect(page.get_by_text("Only 0 questions can be made")).to_be_visible(timeout=90_000)
        ada.assert_clean()
    async with person(browser, url, color_scheme="dark", **PHONE) as ada:
        await ada.sign_in("ada@desk.example")
        for path in ("", f"/{after}?than={before}"):
            await ada.page.goto(f"{url}/settings/evaluation{path}")
            assert not await ada.page.evaluate(TOO_WIDE), path
            await picture(ada.page, f"evaluation-phone{len(path)}")
        ada.assert_clean()
