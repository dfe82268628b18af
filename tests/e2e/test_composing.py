"""Composing in a browser: a new ticket, a merge and its undoing, many at once, a third party, a reply for later."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.messages import Delivery, Message
from helpdesk.people import Agent
from helpdesk.templates import TicketTemplate
from helpdesk.tickets import Priority
from tests.e2e.conftest import PASSWORD, Watched, person, picture, process
from tests.helpdesk.test_sides import sent
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = [pytest.mark.browser]


@pytest.fixture
async def company(scene: Scene) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        session.add(
            TicketTemplate(name="Refund", subject="Your refund", body="Dear customer, …", tags=["refund"])
        )
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


@pytest.fixture
async def ada(browser: Browser, url: str) -> AsyncIterator[Watched]:
    async with person(browser, url) as ada:
        ada.page.set_default_timeout(60_000)
        await ada.sign_in("ada@desk.example")
        yield ada


async def test_a_day_of_composing(company: Scene, ada: Watched):
    page = ada.page
    expect.set_options(timeout=60_000)
    first = await company.receives(
        mail("My parcel is lost", subject="Lost parcel", external_id="a@lumen.example")
    )
    second = await company.receives(
        mail("Still no parcel", subject="Where is it?", external_id="b@lumen.example")
    )
    for n in range(3):
        await company.receives(mail(f"Question {n}", sender=f"p{n}@there.example", subject=f"Question {n}"))

    # A ticket from a template: its mail leaves.
    await page.goto(f"{ada.url}/tickets")
    await page.keyboard.press("c")
    await page.wait_for_url("**/tickets/new")
    await page.get_by_role("link", name="Refund").click()
    await page.wait_for_url("**template=*")
    await page.get_by_label("For", exact=True).fill("marta")
    await picture(page, "new-suggestions")
    await page.locator("[data-address='marta@lumen.example']").click()
    await expect(page.locator("#people")).to_contain_text("open tickets already")
    await expect(page.get_by_label("Subject")).to_have_value("Your refund")
    await picture(page, "new-ticket")
    await page.get_by_role("button", name="Send and open the ticket").click()
    await expect(page.locator(".message.ours")).to_contain_text("Dear customer")

    # The second is merged into the first, an answer to it arrives there, and it is parted again.
    await page.goto(f"{ada.url}/tickets/{second.number}")
    await page.keyboard.press("m")
    await page.locator("#beside").get_by_label("Into ticket").fill(f"#{first.number}")
    await expect(page.locator("#merge-target")).to_contain_text("Lost parcel")
    await picture(page, "merge")
    await page.get_by_role("button", name=f"Merge into #{first.number}").click()
    await page.wait_for_url(f"**/tickets/{first.number}")
    await expect(page.locator(".joined")).to_contain_text(f"#{second.number} was merged into this")
    landed = await company.receives(mail("Any news?", thread=("b@lumen.example",)))
    assert landed.id == first.id
    await expect(page.locator("#thread")).to_contain_text("Any news?")
    await picture(page, "merged")
    await page.locator(".joined").get_by_role("button", name="Undo").click()
    await expect(page.locator("#thread")).not_to_contain_text("Any news?")
    await page.goto(f"{ada.url}/tickets/{second.number}")
    await expect(page.locator("#thread")).to_contain_text("Any news?")

    # Somebody else is asked; the customer's address is warned about.
    await page.locator(".message.theirs").first.hover()
    await page.get_by_role("button", name="Forward to somebody else").first.click()
    beside = page.locator("#beside")
    await beside.get_by_label("To", exact=True).fill("marta@lumen.example")
    await beside.get_by_label("Message").fill("Where is this parcel?")
    await beside.get_by_role("button", name="Send").click()
    await expect(beside).to_contain_text("This is the customer.")
    await picture(page, "forward")
    await beside.get_by_label("To", exact=True).fill("carrier@parcels.example")
    await page.keyboard.press("Control+Enter")  # sends what is being written, not the reply beneath
    side = page.locator(".side")
    await expect(side).to_contain_text("Where is this parcel?")
    await expect(beside).to_be_hidden()
    await expect(page.locator(".message.ours")).to_have_count(0)
    async with company.desk.sessions() as session:
        asked = await session.scalar(select(Message).where(Message.side_id.is_not(None)))
    assert asked
    # Their answer comes up by itself, apart from what the customer reads; what is written to them goes to them.
    token = (await sent(company, asked)).reply_token
    answer = mail("On a van in Ghent", sender="carrier@parcels.example", tokens=(token,))
    assert (await company.receives(answer)).id == second.id
    await expect(side).to_contain_text("On a van in Ghent")
    await expect(page.locator(".message", has_text="On a van in Ghent")).to_have_count(0)
    await side.get_by_text("Write to them").click()
    await side.get_by_role("textbox").fill("Please hurry")
    await side.get_by_role("button", name="Send").click()
    await expect(side.locator(".said.ours")).to_have_count(2)
    async with company.desk.sessions() as session:
        ours = (await session.scalars(select(Message).where(Message.text == "Please hurry"))).one()
    assert ours.side_id == asked.side_id
    await picture(page, "side")

    # A reply for tomorrow is held when the customer writes first.
    await page.goto(f"{ada.url}/tickets/{second.number}")
    await page.get_by_role("textbox", name="Reply", exact=True).fill("We have found it.")
    await page.get_by_role("button", name="Send later").click()
    await picture(page, "later")
    await page.get_by_role("button", name="Tomorrow morning").click()
    await expect(page.locator(".sending.later")).to_contain_text("unless the customer writes first")
    await company.receives(mail("Never mind", thread=("b@lumen.example",)))
    await expect(page.locator(".sending.later")).to_contain_text("Held.")
    await picture(page, "held")
    await page.get_by_role("button", name="Send anyway").click()
    await expect(page.locator(".sending.later")).to_have_count(0)

    # Three are ticked and made urgent, and that is taken back.
    await page.goto(f"{ada.url}/tickets?view=all")
    rows = page.locator("[data-row]", has_text="Question")
    await rows.nth(0).locator("[data-tick]").click()
    await rows.nth(2).locator("[data-tick]").click(modifiers=["Shift"])
    bar = page.locator("ticket-selection")
    await expect(bar.locator("output")).to_have_text("3 tickets")
    await bar.get_by_role("button", name="Priority").click()
    await picture(page, "bulk")
    await bar.get_by_role("button", name="Urgent").click()
    await expect(page.locator("#toasts")).to_contain_text("3 tickets changed")
    await expect(bar).to_be_hidden()
    await picture(page, "bulk-done")
    await page.locator("#toasts").get_by_role("button", name="Undo").click()
    await expect(page.locator("#toasts")).to_contain_text("3 tickets are as they were")
    assert {t.priority for t in await company.tickets()} == {Priority.normal}
    async with company.desk.sessions() as session:
        states = set(await session.scalars(select(Message.delivery).where(Message.delivery.is_not(None))))
    assert Delivery.held not in states
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{ada.url}/tickets/new")
    await picture(page, "new-phone")
    ada.broken = [words for words in ada.broken if "409" not in words]  # the warning about the customer
    ada.assert_clean()
