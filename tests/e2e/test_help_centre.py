"""A help centre from its settings to a customer's own ticket: made with a live preview, searched while typing, read on
a phone and in the dark, written to, signed in to by a link, answered, and done."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from helpdesk.database import committed
from helpdesk.people import Agent
from kb import shelves, writing
from tests.e2e.conftest import Watched, person, picture
from tests.scenes import Scene, mail
from tests.web.test_help_centre_customers import mailed

pytestmark = pytest.mark.browser
PHONE: ViewportSize = {"width": 390, "height": 844}
ARTICLES = {
    "How do I reset my hub?": "Most troubles end with a reset.\n\n## Before you begin\n\n"
    "Unplug every **device** from the hub."
    "\n\n## The reset\n\n1. Hold the power key for ten seconds.\n2. Wait until the light is green.\n\n"
    "| light | what it says |\n|---|---|\n| green | ready |\n| red | call us |\n\n> Your settings stay.",
    "Why is the light red?": "The hub is too warm. Let it cool for an hour.",
    "Where do I find my invoice?": "Under *Account*, then *Invoices*.",
    "How do I pay by card?": "Choose *Card* and enter its number.",
}


async def library(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        names = {
            "Your hub": ("plug", "Set up, reset, repair."),
            "Payment": ("tag", "Invoices, cards, refunds."),
        }
        places = []
        for name, (icon, words) in names.items():
            made = await shelves.edit_collection(
                session, None, by=ada, name=name, description=words, icon=icon
            )
            places += [
                await shelves.edit_category(session, None, by=ada, name=each, collection_id=made.id)
                for each in (("First steps", "Troubles") if name == "Your hub" else ("Invoices", "Cards"))
            ]
        for place, (title, body) in zip(places, ARTICLES.items(), strict=True):
            article = await writing.write(session, title, body, by=ada, category_id=place.id)
            await session.flush()
            await writing.publish(session, article, by=ada)


async def test_from_the_settings_to_a_ticket_that_is_done(browser: Browser, scene: Scene, url: str) -> None:
    await library(scene)
    ticket = await scene.receives(mail("My hub does not start.", subject="Hub is dead", name="Marta Silva"))
    await scene.replies(ticket, "Please hold the power key for ten seconds. Does the light turn green?")
    async with person(browser, url) as ada, person(browser, url) as marta:
        await make(ada)
        await find(marta)
        await write(marta)
        await sign_in(marta, scene)
        await answer(marta, ticket.number)
        ada.assert_clean()
        marta.assert_clean()


async def make(ada: Watched) -> None:
    page = ada.page
    await ada.sign_in("ada@desk.example")
    await page.goto(f"{ada.url}/settings/help-centres")
    await page.get_by_role("link", name="Make the first one").click()
    preview = page.frame_locator("iframe")
    await page.get_by_label("Name", exact=True).fill("Lumen")
    await page.get_by_label("Colour").fill("#0a7f5a")
    await page.get_by_label("Greeting").fill("What can we do for you?")
    await page.get_by_label("Address: /help/…").fill("lumen")
    await expect(preview.get_by_role("heading", name="What can we do for you?")).to_be_visible()
    await expect(preview.locator(".brand")).to_contain_text("Lumen")
    await page.get_by_label("Who gets “Contact us”").select_option(
        label="A new form, answered from support@desk.example"
    )
    await picture(page, "help-settings")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="Added.")).to_be_visible()
    await page.set_viewport_size(PHONE)
    await picture(page, "help-settings-phone")
    await page.set_viewport_size({"width": 1280, "height": 800})


async def find(marta: Watched) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help")
    await expect(page.get_by_role("heading", name="What can we do for you?")).to_be_visible()
    await picture(page, "help-home")
    field = page.get_by_role("combobox", name="Search the help centre")
    for _ in range(60):  # until the articles are in the index
        await field.fill("")
        await field.press_sequentially("reset the hub", delay=5)
        await page.wait_for_timeout(1000)
        if await page.get_by_role("option").first.is_visible():
            break
    await expect(page.get_by_role("option", name="How do I reset my hub?")).to_be_visible()
    await picture(page, "help-offers")
    await field.press("ArrowDown")
    await field.press("Enter")
    await page.wait_for_url("**/help/articles/how-do-i-reset-my-hub")
    await expect(page.get_by_role("navigation", name="On this page")).to_contain_text("The reset")
    await picture(page, "help-article")
    await page.emulate_media(color_scheme="dark")
    await picture(page, "help-article-dark")
    await page.set_viewport_size(PHONE)
    await fits(page)
    await picture(page, "help-article-phone-dark")
    await page.emulate_media(color_scheme="light")
    await page.get_by_role("button", name="No").click()
    await page.get_by_label("In a few words", exact=False).fill("Which key?")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you")
    await page.get_by_role("link", name="Your hub").click()
    await fits(page)
    await picture(page, "help-collection-phone")
    await page.goto(f"{marta.url}/help")
    await fits(page)
    await picture(page, "help-home-phone")
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(f"{marta.url}/help/search?q=invoice")
    await expect(page.get_by_role("main")).to_contain_text("Where do I find my invoice?")
    await picture(page, "help-search")
    await page.emulate_media(color_scheme="dark")
    await page.goto(f"{marta.url}/help")
    await picture(page, "help-home-dark")
    await page.emulate_media(color_scheme="light")


async def write(marta: Watched) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help/contact")
    await page.get_by_label("E-mail address").fill("marta@lumen.example")
    await page.get_by_label("Message").press_sequentially("Why is the light red?", delay=5)
    await expect(page.locator(".likely a", has_text="Why is the light red?")).to_be_visible()
    await picture(page, "help-contact")
    await page.wait_for_timeout(2100)  # quicker than that no person writes
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("status")).to_contain_text("Does one of these answer it?")
    await picture(page, "help-contact-before")
    await page.get_by_role("button", name="Send all the same").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you, your message is here")
    await picture(page, "help-sent")


async def sign_in(marta: Watched, scene: Scene) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help/tickets")
    await picture(page, "help-sign-in")
    await page.get_by_label("E-mail address").fill("marta@lumen.example")
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_role("status")).to_contain_text("If we know this address")
    await page.goto(marta.url + await mailed(scene))
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("list")).to_contain_text("Hub is dead")
    await picture(page, "help-tickets")


async def answer(marta: Watched, number: int) -> None:
    page = marta.page
    await page.get_by_role("link", name="Hub is dead", exact=False).click()
    await expect(page.locator(".ours")).to_contain_text("hold the power key")
    await page.get_by_label("Your answer").fill("It does. Thank you!")
    await page.get_by_label("Files").set_input_files(
        {"name": "hub.png", "mimeType": "image/png", "buffer": b"abc"}
    )
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".theirs").last).to_contain_text("It does. Thank you!")
    await expect(page.get_by_role("link", name="hub.png", exact=False)).to_be_visible()
    await page.get_by_label("Your answer").fill("No more pictures.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".theirs").last).to_contain_text("No more pictures.")
    await picture(page, "help-ticket")
    await page.get_by_role("button", name="This is done").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you")
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark")
    await fits(page)
    await picture(page, "help-ticket-phone-dark")
    await page.goto(f"{marta.url}/help/tickets?show=settled")
    await fits(page)
    await picture(page, "help-tickets-phone-dark")
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.goto(f"{marta.url}/help/tickets/{number}")
    assert re.search(r"/help/sign-in\?next=", page.url)


async def fits(page: Page) -> Any:
    """Nothing stands out at the side."""
    wide = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1], wide
