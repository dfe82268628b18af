"""A macro in a browser: made in the settings, found while typing, seen before it is done, sent, taken back."""

import pytest
from playwright.async_api import Browser, expect

from helpdesk.tickets import Priority
from tests.e2e.conftest import Watched, leads_to, person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]


async def test_a_macro_from_its_making_to_its_undoing(scene: Scene, browser: Browser, url: str):
    ticket = await scene.receives(mail("I was charged twice.", subject="Charged twice", name="Marta Silva"))
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        await make(ada)
        await use(scene, ada, ticket.number)
        now = await scene.ticket(ticket.id)
        assert now.priority is Priority.normal, "taken back with its reply"
        ada.assert_clean()


async def make(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/macros")
    await picture(page, "macros-empty")
    await page.get_by_role("link", name="Make the first one").click()
    await page.get_by_label("Name", exact=True).fill("Refund is on its way")
    await page.get_by_label("Folder").fill("Billing")
    await page.get_by_label("Words", exact=True).fill(
        "Hello {{contact.first_name|there}}, your {{company.name}} refund …"
    )
    await page.get_by_label("Priority").select_option("high")
    await page.get_by_label("Add tags").fill("refund")
    await picture(page, "macro-form")
    async with leads_to(page, "**/settings/macros?done=added"):
        await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("main")).to_contain_text("Add tags: refund")
    await picture(page, "macros-list")


async def use(scene: Scene, ada: Watched, number: int) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{number}")
    reply = page.get_by_role("textbox", name="Reply", exact=True)
    await reply.press("/")
    await page.get_by_label("Macros", exact=True).fill("refund")
    await expect(page.locator("#macros-options button")).to_have_count(1)
    await picture(page, "macro-picker")
    await page.keyboard.press("Enter")
    await expect(reply).to_have_value("Hello Marta, your [Customer's company] refund …\n\n")
    chosen = page.locator(".chosen")
    await expect(chosen).to_contain_text("Not known, so fill it in: Customer's company")
    await expect(chosen.get_by_label("Set the priority: High")).to_be_checked()
    await picture(page, "macro-chosen")
    await page.set_viewport_size({"width": 390, "height": 844})
    await picture(page, "macro-chosen-phone")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await chosen.get_by_label("Add tags: refund").uncheck()
    # what others do meanwhile leaves alone what is being written
    await scene.does(await scene.ticket(1), "note", "Looking into it.", by=scene.agents["Liam"])
    await expect(page.locator("#thread")).to_contain_text("Looking into it.")
    await expect(chosen.get_by_label("Add tags: refund")).not_to_be_checked()
    await reply.press("Control+Enter")
    await expect(page.locator(".message.ours")).to_contain_text("Hello Marta")
    await expect(chosen).to_have_count(0)
    now = await scene.ticket(1)
    assert now.priority is Priority.high
    await page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(reply).to_have_value("Hello Marta, your [Customer's company] refund …")
