"""One story of a customer who writes from two addresses: suggested, merged, found, noted, blocked, and imported."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk import companies
from helpdesk.database import committed
from helpdesk.fields import CustomField, FieldKind, Subject
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.models]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SMALL_TARGETS = """() => [...document.querySelectorAll("main a, main button, main input, main select, main summary")]
  .filter((e) => e.checkVisibility() && !e.matches(".link, .text a, [type=checkbox]"))
  .map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, r]) => r.width && (r.width < 24 || r.height < 24)).map(([html]) => html)"""
FILE = "Name;Mail;Company;Favourite\nNoor Haddad;noor@acme.example;Acme;Blue\nTypo;nonsense;;\n"


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        await companies.create(session, "Lumen", by=ada, domain="lumen.example")
        session.add_all(
            [
                CustomField(subject=Subject.contact, key="seats", name="Seats", kind=FieldKind.number),
                CustomField(
                    subject=Subject.contact,
                    key="plan",
                    name="Plan",
                    kind=FieldKind.choice,
                    choices=["Small", "Large"],
                ),
            ]
        )
    ticket = await scene.receives(
        mail(
            "The export ends after 200 rows.",
            sender="marta.reyes@lumen.example",
            name="Marta Reyes",
            subject="Export",
        )
    )
    await scene.replies(ticket, "That is mended now; please try again.")
    await scene.receives(
        mail(
            "And the invoice is missing.",
            sender="marta.reyes+shop@lumen.example",
            name="M. Reyes",
            subject="Invoice",
        )
    )
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


async def test_one_person_with_two_addresses(company: Scene, ada: Watched, browser: Browser, tmp_path: Path):
    page = ada.page
    await page.goto(f"{ada.url}/tickets?view=all")
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await expect(page.get_by_role("heading", name="Contacts")).to_be_visible()

    await page.get_by_label("Find a contact").fill("marta rayes")
    await page.get_by_role("link", name="Marta Reyes").click()
    await expect(page.get_by_role("heading", name="Marta Reyes")).to_be_visible()
    await expect(page.get_by_role("link", name="Lumen")).to_be_visible()
    await expect(page.get_by_text("are the same mailbox")).to_be_visible()

    await page.get_by_role("link", name="Compare").click()
    await page.get_by_role("button", name="Merge").click()
    await expect(page.get_by_text("And the invoice is missing.")).to_be_visible()
    await expect(page.get_by_text("Merged into this contact")).to_be_visible()

    await page.get_by_text("Edit", exact=True).click()
    await page.get_by_label("Title").fill("Head of Operations")
    await page.get_by_label("Language").select_option("de")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Head of Operations")).to_be_visible()
    await page.get_by_text("Edit fields").click()
    await page.get_by_label("Seats").fill("12")
    await page.get_by_label("Plan").select_option("Large")
    await page.get_by_role("button", name="Save fields").click()
    await page.get_by_label("Write a note").fill("Prefers to be called.")
    await page.get_by_role("button", name="Add note").click()
    await expect(page.get_by_text("Prefers to be called.")).to_be_visible()

    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="M. Reyes")).to_be_visible()
    await page.get_by_role("button", name="Block").click()
    await expect(page.get_by_text("goes straight to spam")).to_be_visible()

    file = tmp_path / "people.csv"
    file.write_text(FILE)
    await page.goto(f"{ada.url}/contacts/import")
    await page.get_by_label("CSV file").set_input_files(file)
    await page.get_by_role("button", name="Upload").click()
    await page.get_by_role("button", name="Check, without").click()
    await expect(page.get_by_text("is no e-mail address")).to_be_visible(timeout=20_000)
    await page.get_by_role("button", name="Import them").click()
    await expect(page.get_by_role("button", name="Take this import back")).to_be_visible(timeout=20_000)
    await page.goto(f"{ada.url}/companies")
    await page.get_by_role("link", name="Acme").click()
    await expect(page.get_by_role("link", name="Noor Haddad")).to_be_visible()
    ada.assert_clean()
    await on_a_phone(ada, browser)


async def on_a_phone(ada: Watched, browser: Browser) -> None:
    async with person(browser, ada.url, **PHONE) as mobile:
        await mobile.sign_in("ada@desk.example")
        for path in (
            "/contacts",
            "/contacts/1",
            "/companies",
            "/companies/1",
            "/contacts/import",
            "/contacts/import/1",
        ):
            await mobile.page.goto(f"{ada.url}{path}")
            assert await mobile.page.evaluate("document.documentElement.scrollWidth") <= 390, path
            assert await mobile.page.evaluate(SMALL_TARGETS) == [], path
        mobile.assert_clean()
