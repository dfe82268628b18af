"""A language model is connected, tried and chosen; what it used and what left is seen, on a telephone as well."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import update

from ai.providers import Purpose, language_model
from ai.writing import written
from helpdesk.database import committed
from helpdesk.people import Agent
from helpdesk.ports import Prompt
from tests.e2e.conftest import PASSWORD, person, picture
from tests.language_server import KEY, LanguageServer, allowing
from tests.scenes import Scene, mail
from tests.web.served import served
from web.passwords import hashed

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LETTER = (
    "I am waiting for my refund. My card is 4111 1111 1111 1111, please write to mina.private@example.com."
)


@pytest.fixture
async def server() -> AsyncIterator[LanguageServer]:
    async with LanguageServer.running() as running:
        yield running


@pytest.fixture
async def url(scene: Scene, server: LanguageServer) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
    async with served(allowing(scene.desk, server)) as (_app, url, _log):
        yield url


async def test_from_an_address_to_what_left(browser: Browser, scene: Scene, server: LanguageServer, url: str):
    ticket = await scene.receives(mail(LETTER, subject="Refund"))
    async with person(browser, url) as ada:
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await page.goto(f"{url}/settings")
        await page.get_by_role("link", name="Language models").first.click()
        await picture(page, "models-empty")
        await page.get_by_role("link", name="Connect a language model").click()
        await page.get_by_label("Name", exact=True).fill("Our server")
        await page.get_by_label("Address").fill("http://10.0.0.7/v1")
        await page.get_by_label("Model", exact=True).fill("locked")
        await page.get_by_label("API key").fill(KEY)
        await page.get_by_label("Price for a million tokens read").fill("2.50")
        await page.get_by_label("Price for a million tokens written").fill("10")
        await page.get_by_label("Tokens a day").fill("5000")
        await picture(page, "models-new")
        await page.get_by_role("button", name="Connect").click()
        await expect(
            page.get_by_text("https://").first
        ).to_be_visible()  # an address of the house is refused in words
        await expect(page.get_by_label("Model", exact=True)).to_have_value(
            "locked"
        )  # and what was typed stays
        ada.broken.clear()  # the browser itself reports the refusal
        await page.get_by_label("Address").fill(server.base_url)
        await page.get_by_role("button", name="Connect").click()

        await page.get_by_role("button", name="Ask it something harmless").click()
        await expect(page.get_by_text("Your parcel left on Monday.")).to_be_visible()
        await expect(page.get_by_text("40 tokens read, 7 written")).to_be_visible()
        await picture(page, "models-tried")

        await page.get_by_role("link", name="Choose what it does").click()
        await page.wait_for_url("**/settings/models#purposes")
        await picture(page, "models-purposes")
        await page.get_by_label("Summaries").select_option("Our server")
        await page.locator("#purposes").get_by_role("button", name="Save").click()
        await expect(page.get_by_text("It counts from now on.")).to_be_visible()

        desk = allowing(scene.desk, server)
        async with desk.sessions() as session:
            model = await language_model(session, desk.settings, Purpose.summary, ticket_id=ticket.id)
        assert model
        await written(model, Prompt(system="Sum this letter up.", user=LETTER, max_tokens=300))
        await page.reload()
        await expect(page.get_by_role("group", name="Tokens by day")).to_be_visible()
        await expect(page.locator("#usage").get_by_role("cell", name="Summaries")).to_be_visible()
        await picture(page, "models-home")

        await page.get_by_role("link", name="What left").click()
        await page.get_by_label("Ticket", exact=True).fill(str(ticket.number))
        await page.get_by_role("button", name="Show", exact=True).click()
        await picture(page, "models-log")
        await page.get_by_role("row").filter(has_text="Summaries").get_by_role("link").first.click()
        await expect(page.get_by_text("[CARD_1]")).to_be_visible()
        await expect(page.get_by_text("4111")).to_have_count(0)
        await expect(page.get_by_text("mina.private")).to_have_count(0)
        await picture(page, "models-call")
        ada.assert_clean()
    async with person(browser, url, color_scheme="dark", **PHONE) as ada:
        await ada.sign_in("ada@desk.example")
        for name, path in (("home", ""), ("new", "/new"), ("log", "/log"), ("one", "/1")):
            await ada.page.goto(f"{url}/settings/models{path}")
            wide = await ada.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, (path, wide)
            await picture(ada.page, f"models-phone-{name}")
        ada.assert_clean()
