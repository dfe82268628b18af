"""What is promised: arranged by a lead, seen at a ticket, and why it is due then; wide, narrow and in the dark."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.scenes import Scene
from web.passwords import hashed

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
async def url(scene: Scene, tmp_path: Path) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    with process(tmp_path, scene.desk.database_url) as url:
        yield url


async def shot(page: Page, name: str) -> None:
    """Where somebody wants to look: PICTURES=/tmp/folder."""
    if folder := os.environ.get("PICTURES"):
        size = page.viewport_size or {"width": 1440, "height": 900}
        await page.set_viewport_size({"width": size["width"], "height": 1900})
        await page.wait_for_timeout(300)
        await page.screenshot(path=Path(folder) / f"{name}.png")
        await page.set_viewport_size(size)


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
                await shot(ada.page, f"{name}-{theme}-phone")


async def _arranged(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/sla")
    await page.get_by_role("link", name="Standard", exact=True).click()
    await page.get_by_label("Normal: First response").fill("2h")
    await page.get_by_role("button", name="What would change?").click()
    await expect(page.locator("#sla-preview")).to_contain_text("One ticket would change")
    await shot(page, "sla-edit")
    await page.get_by_role("button", name="Condition", exact=True).click()
    await page.get_by_label("Field").last.select_option("priority")
    await page.get_by_label("Value").last.select_option("normal")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".said-box")).to_contain_text("counted anew")
    await page.goto(f"{ada.url}/settings/sla")
    await expect(page.locator("main")).to_contain_text("Priority is Normal")
    await shot(page, "sla-list")


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
    await shot(page, "why-beside")
