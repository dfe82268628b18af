"""What is promised: arranged by a lead, seen at a ticket, and why it is due then; wide, narrow and in the dark."""

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.conftest import Watched, person, picture
from tests.scenes import Scene

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


async def test_promises_are_arranged_seen_and_explained(browser: Browser, scene: Scene, url: str):
    ticket = await scene.receives()
    await scene.does(ticket, "hold", by=scene.agents["Liam"])
    await scene.does(ticket, "take_up", by=scene.agents["Liam"])
    async with person(browser, url, viewport={"width": 1440, "height": 900}) as ada:
        await ada.sign_in("ada@desk.example")
        await _arranged(ada)
        await _explained(ada, ticket.number)
        ada.assert_clean()
    for theme in ("light", "dark"):
        async with person(browser, url, **PHONE, color_scheme=theme) as ada:
            await ada.sign_in("ada@desk.example")
            for name, path in (
                ("why", f"/tickets/{ticket.number}/promises"),
                ("sla", "/settings/sla"),
                ("sla-policy", "/settings/sla/1"),
            ):
                await ada.page.goto(f"{url}{path}")
                assert not await ada.page.evaluate(TOO_WIDE), (name, theme)
                await picture(ada.page, f"{name}-{theme}-phone")


async def _arranged(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/sla")
    await page.get_by_role("link", name="Standard", exact=True).click()
    await page.get_by_label("Normal: First response").fill("2h")
    await page.get_by_role("button", name="What would change?").click()
    await expect(page.locator("#sla-preview")).to_contain_text("One ticket would change")
    await picture(page, "sla-edit")
    await page.get_by_role("button", name="Condition", exact=True).click()
    await page.get_by_label("Field").last.select_option("priority")
    await page.get_by_label("Value").last.select_option("normal")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".said-box")).to_contain_text("counted anew")
    await page.goto(f"{ada.url}/settings/sla")
    await expect(page.locator("main")).to_contain_text("Priority is Normal")
    await picture(page, "sla-list")


async def _explained(ada: Watched, number: int) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{number}")
    await expect(page.locator(".promises .due").first).to_contain_text("First response due")
    await page.locator(".promises").get_by_role("link", name="why?").first.click()
    beside = page.locator("#beside")
    await expect(beside.get_by_role("heading", name="First response")).to_be_visible()
    await expect(beside).to_contain_text("within 4h for normal priority")
    await expect(beside).to_contain_text("The policy was edited. It was reckoned anew from its start.")
    await expect(beside.locator("svg line.due").first).to_be_attached()
    await picture(page, "why-beside")
    await beside.get_by_role("button", name="Close").click()
    policy = page.locator("#pick-policy")
    await policy.get_by_role("button", name="Policy").click()
    await policy.get_by_role("button", name="Standard").click()
    await expect(policy).to_contain_text("by hand")
    await expect(page.locator("#thread")).to_contain_text("chose the policy Standard by hand")
    await picture(page, "policy-by-hand")
    await policy.get_by_role("button", name="Policy").click()
    await policy.get_by_role("button", name="By conditions").click()
    await expect(policy).not_to_contain_text("by hand")
