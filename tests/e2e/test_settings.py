"""An administrator finds a setting, changes it and reads it in the audit; a form asks, and a customer answers."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Dialog, Page, expect
from sqlalchemy import select

from helpdesk import fields
from helpdesk.database import committed
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.e2e.test_people import PHONE
from tests.scenes import Scene
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.models]


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        rooms = Description(name="Room", kind=FieldKind.choice, choices=["Hall", "Bath"], required=True)
        await fields.add(session, Subject.ticket, rooms, by=ada)
        sealed = scene.desk.keys.seal({"form_open": True, "form_title": "Write to us"})
        session.add(Inbox(name="Form", channel="api", address="form@desk.example", sealed_settings=sealed))
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


@pytest.fixture
async def ada(browser: Browser, url: str) -> AsyncIterator[Watched]:
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        yield ada


async def test_a_setting_is_found_changed_and_told(ada: Watched, browser: Browser, tmp_path: Path):
    page = ada.page
    await page.goto(f"{ada.url}/settings")
    await page.get_by_label("Find a setting").last.fill("copies")
    await expect(page.get_by_role("link", name="General")).to_be_visible()
    await expect(page.get_by_role("link", name="Webhooks")).to_be_hidden()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="General")).to_be_visible()
    await changed_and_kept(page)

    await page.get_by_label("Find a setting").fill("seals")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Changed: people in copy")).to_be_visible()
    await page.get_by_role("row", name="Changed the desk's options").get_by_text("Raw data").click()
    await expect(page.get_by_text('{"options":["take_copies"]}')).to_be_visible()

    await page.goto(f"{ada.url}/settings/programs")
    await page.get_by_role("link", name="Form form@").click()
    await page.get_by_label("Room").check()
    await page.get_by_text("Let people attach files").click()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    form = await page.get_by_role("link", name="See the form").get_attribute("href")
    assert form
    number = await filled_in(browser, ada.url, form.partition("/forms/")[2], tmp_path)
    await page.goto(f"{ada.url}/tickets/{number}")
    await expect(page.get_by_text("The switch is loose.").first).to_be_visible()
    await expect(page.get_by_text("switch.txt").first).to_be_visible()
    await expect(page.locator("option:checked", has_text="Bath")).to_have_count(1)
    ada.assert_clean()
    await on_a_phone(ada, browser)


async def changed_and_kept(page: Page) -> None:
    """Who leaves with something unsaved is asked; what is saved is said once."""
    await expect(page.get_by_text("Not saved yet")).to_be_hidden()
    await page.get_by_text("Take people in copy along").click()
    await expect(page.get_by_text("Not saved yet")).to_be_visible()
    asked = []

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.once("dialog", stay)
    await page.get_by_role("link", name="Tags").click(no_wait_after=True)
    await expect(page.get_by_role("heading", name="General")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Saved.")).to_be_visible()
    assert asked == ["beforeunload"]
    assert "done=" not in page.url
    await expect(page.get_by_role("switch", name="Take people in copy along")).not_to_be_checked()


async def filled_in(browser: Browser, url: str, public_id: str, folder: Path) -> str:
    """By somebody without scripts; the number of the ticket."""
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{url}/forms/{public_id}")
    await page.get_by_label("E-mail address").fill("marta@lumen.example")
    await page.get_by_label("Message").fill("The switch is loose.")
    await page.wait_for_timeout(2_100)  # nobody writes in less
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Please fill this in.")).to_be_visible()
    await page.get_by_label("Room").select_option("Bath")
    (folder / "switch.txt").write_text("a picture of it")
    await page.get_by_label("Files (optional)").set_input_files(folder / "switch.txt")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/sent/**")
    text = await page.locator("main").inner_text()
    await context.close()
    return text.partition("#")[2].split()[0].rstrip(".,")


async def on_a_phone(ada: Watched, browser: Browser) -> None:
    async with person(browser, ada.url, **PHONE) as mobile:
        await mobile.sign_in("ada@desk.example")
        for path in (
            "/settings",
            "/settings/audit",
            "/settings/desk",
            "/settings/programs",
            "/contacts/duplicates",
        ):
            await mobile.page.goto(f"{ada.url}{path}")
            assert await mobile.page.evaluate("document.documentElement.scrollWidth") <= 390, path
        mobile.assert_clean()
