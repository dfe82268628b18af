"""Views and search as people use them: a view built by keyboard, found words, a table, and all of it on a phone."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.labels import Tag, ticket_tag
from helpdesk.people import Agent
from helpdesk.tickets import Priority
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    for n, (subject, text) in enumerate(
        [
            ("Charged twice", "Two invoices were charged to my card in March, please refund one of them."),
            ("Printer is silent", "The label printer does nothing since yesterday morning."),
            ("Where is my parcel?", "It was sent a week ago, and the invoice says delivered."),
        ]
    ):
        ticket = await scene.receives(
            mail(text, subject=subject, sender=f"p{n}@x.example", name=f"Pia Johnson {n}")
        )
        if n == 0:
            await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
            async with committed(scene.desk.sessions) as session:
                session.add(Tag(id=1, name="vip", colour="violet"))
                await session.flush()
                await session.execute(ticket_tag.insert().values(ticket_id=ticket.id, tag_id=1))
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


@pytest.fixture
async def ada(browser: Browser, url: str) -> AsyncIterator[Watched]:
    async with person(browser, url, viewport={"width": 1440, "height": 900}) as ada:
        await ada.sign_in("ada@desk.example")
        yield ada


async def pictured(page: Page, name: str) -> None:
    """Where PICTURES names a folder, what the story passes is kept there, in both themes."""
    if folder := os.environ.get("PICTURES"):
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=Path(folder) / f"{name}-{scheme}.png")
        await page.emulate_media(color_scheme="light")


async def test_a_view_is_built_kept_and_used_by_keyboard(ada: Watched):
    page, keys = ada.page, ada.page.keyboard
    await page.goto(f"{ada.url}/views")
    await expect(page.get_by_role("heading", name="No views yet")).to_be_visible()
    await pictured(page, "views-empty")
    await page.get_by_role("link", name="New view").focus()
    await keys.press("Enter")
    await page.get_by_label("Name", exact=True).fill("Burning")
    await expect(page.locator(".preview b")).to_have_text("3")
    await page.get_by_role("button", name="Condition", exact=True).focus()
    await keys.press("Enter")
    await expect(page.locator(".statement")).to_have_count(2)
    second = page.locator(".statement").nth(1)
    await second.get_by_label("Field").select_option("priority")
    await second.get_by_label("Value").select_option("urgent")
    await expect(page.locator(".preview b")).to_have_text("1")
    await page.get_by_role("button", name="Group", exact=True).focus()
    await keys.press("Enter")
    await expect(page.locator(".group .group")).to_be_visible()
    await page.locator(".group .group").get_by_label("Field").select_option("tags")
    await page.locator(".group .group").get_by_label("vip").check()
    await expect(page.locator(".preview")).to_contain_text("vip")
    await pictured(page, "view-builder")
    await page.get_by_label("Layout").select_option("table")
    await pictured(page, "view-columns")
    await page.get_by_role("button", name="Save view").focus()
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Burning")).to_be_visible()
    await expect(page.locator("table.tickets tbody tr")).to_have_count(1)
    await expect(page.locator("#list .bar .count")).to_have_text("1")
    await pictured(page, "view-table")
    await page.get_by_role("link", name="Charged twice").click()
    await expect(page.get_by_role("heading", name="Charged twice")).to_be_visible()
    await page.goto(f"{ada.url}/tickets?view=all")
    await page.get_by_role("button", name="Order:").click()
    await page.get_by_role("link", name="Most urgent first").click()
    await expect(page.locator("[data-row]").first).to_contain_text("Charged twice")
    await pictured(page, "list")
    ada.assert_clean()


async def test_words_are_found_and_fields_offered(ada: Watched):
    page, keys = ada.page, ada.page.keyboard
    await keys.press("/")
    box = page.get_by_role("combobox", name="Search tickets: words")
    await box.press_sequentially("ta")
    await expect(page.get_by_role("option", name="tag:")).to_be_visible()
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await box.press_sequentially("v")
    await expect(page.get_by_role("option", name="tag:vip")).to_be_visible()
    await pictured(page, "search-offers")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await box.press_sequentially("invoice")
    await keys.press("Enter")
    await expect(page.locator(".hits [data-row]")).to_have_count(1)
    await expect(page.locator(".hits mark").first).to_have_text("invoices")
    await pictured(page, "search-found")
    await page.get_by_title("Search without this").click()
    await expect(page.locator(".hits [data-row]")).to_have_count(2)
    await page.goto(f"{ada.url}/search?q=jonhson")
    await expect(page.get_by_role("heading", name="Did you mean")).to_be_visible()
    await expect(page.locator(".hits [data-row]")).to_have_count(3)
    await pictured(page, "search-fuzzy")
    ada.assert_clean()


async def test_all_of_it_fits_a_phone(browser: Browser, url: str):
    async with person(browser, url, **PHONE) as ada:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        for name, path in {
            "builder": "/views/new",
            "search": "/search?q=invoice",
            "syntax": "/search",
            "list": "/tickets?view=all&sort=priority",
        }.items():
            await page.goto(f"{ada.url}{path}")
            assert not await page.evaluate(TOO_WIDE), path
            await pictured(page, f"phone-{name}")
        await page.goto(f"{ada.url}/tickets")
        await page.get_by_role("button", name="Views").first.click()
        await expect(page.locator("#queues").get_by_role("link", name="Unassigned")).to_be_visible()
        await pictured(page, "phone-nav")
        ada.assert_clean()
