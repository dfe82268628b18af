"""An admin brings a former desk along, sets how long things are kept, and forgets one person."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, person, picture, process
from tests.imports.hands import FIXTURES
from tests.scenes import Scene
from web.passwords import hashed

pytestmark = [pytest.mark.browser]
WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth + 1"


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    return scene


@pytest.fixture
def served(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


@pytest.fixture
def export(tmp_path: Path) -> Path:
    with zipfile.ZipFile(tmp_path / "zendesk.zip", "w") as packed:
        for path in (FIXTURES / "zendesk").rglob("*"):
            packed.write(path, path.relative_to(FIXTURES / "zendesk"))
    return tmp_path / "zendesk.zip"


async def fits(page: Page, name: str) -> None:
    """In both themes and on a phone, and nothing is wider than its screen."""
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)
        await picture(page, f"{name}-{theme}")
    await page.set_viewport_size({"width": 390, "height": 844})
    await picture(page, f"{name}-phone")
    assert not await page.evaluate(WIDE), name
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.emulate_media(color_scheme="light")


async def test_a_former_desk_comes_along_and_a_person_is_forgotten(
    browser: Browser, company: Scene, served: str, export: Path
):
    async with person(browser, served, viewport={"width": 1280, "height": 800}) as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{served}/settings/data/imports")
        await fits(page, "imports")
        await page.get_by_role("link", name="New import").click()
        await page.get_by_label("Zendesk").check()
        await page.get_by_label("A ZIP of its files").set_input_files(export)
        await fits(page, "import-new")
        await page.get_by_role("button", name="Begin").click()
        await expect(page.get_by_text("dry run: nothing was changed")).to_be_visible()
        await page.get_by_role("button", name="Import it").click(timeout=30_000)
        await expect(page.get_by_role("button", name="Take it back")).to_be_visible(timeout=30_000)
        await fits(page, "import-done")
        await page.goto(f"{served}/settings/data")
        await fits(page, "retention")
        await page.get_by_role("link", name="Set a rule").click()
        await page.get_by_label("Days after a ticket was settled").fill("100")
        await page.get_by_role("button", name="Save, switched off").click()
        await expect(page.get_by_text("What it would do today")).to_be_visible()
        await fits(page, "rule")
        await page.goto(f"{served}/settings/data/exports")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Write an export").click()
        await fits(page, "exports")
        await page.goto(f"{served}/settings/data/backups")
        await fits(page, "backups")
        ticket = next(one for one in await company.tickets() if one.subject == "Invoice of May")
        await page.goto(f"{served}/contacts/{ticket.contact_id}/erasure")
        await fits(page, "erasure")
        await page.get_by_label("to confirm").fill("marta@lumen.example")
        await page.get_by_role("button", name="Erase for good").click()
        await expect(page.get_by_text("Nothing is known of this person any more")).to_be_visible()
        await fits(page, "erased")
        assert (await company.messages(ticket))[0].text == ""
        ada.assert_clean()
        await expect(page).to_have_title(re.compile("Erased person"))
