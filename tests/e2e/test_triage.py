"""A reading in a browser: seen beside the ticket, corrected with one key, and counting for the next customer."""

import pytest
from playwright.async_api import Browser, expect

from ai.embedding import OnnxEmbedder
from ai.triage.reading import triage
from helpdesk.database import committed
from helpdesk.tickets import Ticket
from tests.e2e.conftest import Watched, person
from tests.e2e.test_rules import pictures
from tests.models import model, model_home
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser, pytest.mark.models]
__all__ = ["model", "model_home"]
WIDE = {"width": 1440, "height": 900}


async def read(scene: Scene, model: OnnxEmbedder, ticket: Ticket) -> None:
    """What the models' process does when a message has come."""
    *_, newest = await scene.messages(ticket)
    async with committed(scene.desk.sessions) as session:
        await triage(session, model, [newest.id])


async def test_a_correction_counts_at_once(scene: Scene, browser: Browser, url: str, model: OnnxEmbedder):
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await name_topics(ada)
        first = await scene.receives(mail("The drum makes a howling noise when it spins.", subject="Washer"))
        await read(scene, model, first)
        await correct(ada, first)
        text = "My drum howls with a loud noise as soon as it spins."
        second = await scene.receives(mail(text, subject="Washer", sender="joe@x.example"))
        await read(scene, model, second)
        await ada.page.goto(f"{ada.url}/tickets/{second.number}")
        await expect(ada.page.locator(".readings")).to_contain_text("Repair")
        await ada.page.get_by_role("button", name="why?").first.click()
        await expect(ada.page.locator("#beside")).to_contain_text("Closest to a message of")
        await pictures(ada.page, "triage-why")
        await ada.page.goto(f"{ada.url}/settings/triage/readers/topic")
        await expect(ada.page.get_by_text("corrected", exact=True)).to_be_visible()
        await pictures(ada.page, "triage-reader")
        await ada.page.goto(f"{ada.url}/settings/triage")
        await pictures(ada.page, "triage-settings")
        ada.assert_clean()


async def name_topics(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/triage")
    await pictures(page, "triage-empty")
    for name, examples in (
        ("Repair", "it broke and needs a mechanic\nplease send somebody to fix it"),
        ("Delivery", "where is my parcel\nwhen will it arrive"),
        ("Invoice", "I need a copy of the bill\nthe amount charged is wrong"),
    ):
        await page.goto(f"{ada.url}/settings/triage/topics/new")
        await page.get_by_label("Name", exact=True).fill(name)
        await page.get_by_label("Examples, one a line").fill(examples)
        await page.get_by_role("button", name="Add it").click()
        await expect(page.get_by_text("Added.")).to_be_visible()


async def correct(ada: Watched, ticket: Ticket) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{ticket.number}")
    await expect(page.locator(".readings")).to_be_visible()
    await pictures(page, "triage-ticket")
    await page.locator("body").press("q")
    await expect(page.locator(".picklist:popover-open .filter")).to_be_focused()
    await page.keyboard.type("Rep")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Corrected. Readings learn from it at once.")).to_be_visible()
    await expect(page.locator(".readings")).to_contain_text("Repair")
