"""What stands beside a ticket, changed by keyboard: status, tag, field, link, snooze, spam, a note put right."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk import fields
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.fields import Description, Subject
from helpdesk.people import Agent
from helpdesk.statuses import Category
from tests.e2e.conftest import PASSWORD, person, process
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = [pytest.mark.browser]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        await fields.add(session, Subject.ticket, Description(name="Order number", required=True), by=DESK)
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


async def test_everything_about_a_ticket_is_changed_by_keyboard(browser: Browser, company: Scene, url: str):
    other = await company.receives(mail("An older one", subject="The older one"))
    ticket = await company.receives(mail("Where is it?", subject="Parcel"))
    await company.does(ticket, "note", "The cabel.", by=company.agents["Ada"])
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page, keys = ada.page, ada.page.keyboard
        await page.goto(f"{url}/tickets/{ticket.number}?view=all")
        beside = page.locator("#details")

        async def pick(key: str, words: str) -> None:
            await keys.press(key)
            await expect(page.locator(".picklist:popover-open .filter")).to_be_focused()
            await keys.type(words)
            marked = page.locator(".picklist:popover-open .options button.marked:visible")
            await expect(marked).to_contain_text(words)
            await keys.press("Enter")
            await expect(page.locator(".picklist:popover-open")).to_have_count(0)

        await pick("s", "On hold")
        await expect(page.get_by_text("Ada Novak set the status to On hold")).to_be_visible()
        await keys.press("z")
        await expect(beside.get_by_role("button", name="Status")).to_contain_text("New")
        await pick("t", "urgent parcel")
        await expect(beside.locator(".chip.tag")).to_contain_text("urgent parcel")

        await page.get_by_role("button", name="Resolve").click()
        await expect(page.get_by_role("alert").filter(has_text="Order number")).to_be_visible()
        await beside.get_by_label("Order number").fill("A-17")
        await keys.press("Tab")
        await expect(page.get_by_text("Ada Novak changed Order number")).to_be_visible()

        await keys.press("Escape")
        await pick("b", "The older one")
        await expect(beside.get_by_role("link", name="The older one")).to_be_visible()
        await keys.press("h")
        await keys.type("Until the cust")
        await company.does(ticket, "note", "Another note.", by=company.agents["Ada"])
        await expect(
            page.get_by_text("Another note.").first
        ).to_be_visible()  # renewed around who is choosing
        await keys.press("Enter")
        await expect(page.get_by_text("Snoozed until the customer writes")).to_be_visible()
        await page.get_by_role("button", name="Wake").click()
        await expect(page.get_by_text("Ada Novak woke the ticket")).to_be_visible()
        await keys.press("!")
        await expect(page.get_by_text("In spam since")).to_be_visible()
        await page.get_by_role("button", name="Restore").click()
        await expect(page.get_by_text("Ada Novak restored the ticket")).to_be_visible()

        await page.locator(".note-edit summary").first.click()
        await page.get_by_label("The note").first.fill("The cable.")
        await page.locator(".note-edit").first.get_by_role("button", name="Save").click()
        await expect(page.locator(".message.note").first).to_contain_text("as it was first")
        assert not ada.foreign
    after = await company.ticket(ticket.id)
    assert (after.category, after.removed, after.snoozed_until) == (Category.new, None, None)
    assert after.fields == {"order_number": "A-17"}
    assert other.id

    async with person(browser, url, **PHONE) as ada:
        await ada.sign_in("ada@desk.example")
        for path in (f"tickets/{ticket.number}", "settings/statuses", "settings/tags", "settings/fields"):
            await ada.page.goto(f"{url}/{path}")
            assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 390, path
        ada.assert_clean()
