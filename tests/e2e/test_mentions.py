"""Asking a colleague in a note: their name offered while it is typed, by keyboard and by a tap on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.mentions import Mention
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, person, picture, process
from tests.scenes import Scene, mail
from tests.workers.hands import eventually
from web.passwords import hashed

pytestmark = [pytest.mark.browser]


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


async def there(company: Scene) -> list[str]:
    """Who is present; their page may have been read before they were."""
    async with company.desk.sessions() as session:
        return list(await session.scalars(select(Agent.name).where(Agent.present_at.is_not(None))))


async def test_colleagues_are_offered_after_an_at(browser: Browser, company: Scene, url: str) -> None:
    expect.set_options(timeout=60_000)
    ticket = await company.receives(mail("Where is my parcel?"))
    async with person(browser, url) as ada:
        page = ada.page
        page.set_default_timeout(60_000)
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/tickets/{ticket.number}")
        await eventually(lambda: there(company), 60)
        await page.get_by_role("radio", name="Note").check()
        field = page.locator(".as-note textarea")
        offered = page.get_by_role("listbox", name="Colleagues")
        await field.press_sequentially("write to ada@lumen")
        await expect(offered).to_be_hidden()
        await field.fill("")
        await field.press_sequentially("@")
        await expect(offered.get_by_role("option")).to_have_text(["Liam Osei", "Tess Varga"])
        await field.press("ArrowDown")
        await expect(offered.get_by_role("option", selected=True)).to_have_text("Tess Varga")
        await picture(page, "mentions")
        await field.press("Escape")
        await expect(offered).to_be_hidden()
        await expect(field).to_be_focused()
        await field.press_sequentially("os")
        await expect(offered.get_by_role("option", selected=True)).to_have_text("Liam Osei")
        await field.press("Enter")
        await expect(field).to_have_value("@Liam Osei ")
        await field.press_sequentially("can you look?")
        await field.press("Control+Enter")
        await expect(page.locator(".thread .mention").first).to_contain_text("@Liam")
        await page.keyboard.press("Escape")
        choices = page.locator("#options-assignment button")
        await expect(choices.filter(has_text="Ada Novak").locator(".presence")).to_have_attribute(
            "data-state", "online"
        )
        await page.locator("#pick-assignment .pick").click()  # an open list stays as it is
        await expect(choices.filter(has_text="Tess Varga").get_by_role("img", name="Offline")).to_be_visible()
        await picture(page, "assignees")
        ada.assert_clean()
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}
    async with person(browser, url, **phone) as ada:
        page = ada.page
        page.set_default_timeout(60_000)
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/tickets/{ticket.number}")
        await page.locator(".modes").get_by_text("Note").tap()
        await page.locator(".as-note textarea").press_sequentially("Please @te")
        await picture(page, "mentions-phone")
        await page.get_by_role("option", name="Tess Varga").tap()
        await expect(page.locator(".as-note textarea")).to_have_value("Please @Tess Varga ")
        ada.assert_clean()
    async with company.desk.sessions() as session:
        assert (await session.scalars(select(Mention.agent_id))).all() == [company.agents["Liam"].id]
