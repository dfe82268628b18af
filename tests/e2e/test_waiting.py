"""Waiting customers: arranged at an inbox, seen at a ticket, done by the clock, and taken back; wide and narrow."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import update

from helpdesk.clock import moved
from helpdesk.database import committed
from helpdesk.messages import Delivery, Message
from helpdesk.tickets import Ticket
from tests.e2e.conftest import PICTURES, Watched, person, picture
from tests.scenes import Scene, mail
from workers.patience import look

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
DAY = timedelta(days=1)


async def test_silent_customers_are_reminded_resolved_and_linked(browser: Browser, scene: Scene, url: str):
    with moved(-60 * DAY):  # what the clock brings is over by now, for the browser's desk keeps the real time
        tickets = [await answered(scene, f"c{n}@lumen.example") for n in range(3)]
    async with person(browser, url, viewport={"width": 1440, "height": 900}) as ada:
        await ada.sign_in("ada@desk.example")
        await _arranged(ada, scene)
        with moved(-1 * DAY):
            young = await answered(scene, "young@lumen.example")
        await _left_alone(ada, young)
        with moved(-50 * DAY):
            await look(scene.desk)
            await delivered(scene)
        await look(scene.desk)
        await _told(ada, tickets[0])
        await _followed_up(ada, scene, tickets[0])
        ada.assert_clean()
    for theme in ("light", "dark"):
        async with person(browser, url, **PHONE, color_scheme=theme) as ada:
            await ada.sign_in("ada@desk.example")
            for name, path in (
                ("settings", f"/settings/inboxes/{scene.inbox.id}/waiting"),
                ("inboxes", "/settings/inboxes"),
                ("ticket", f"/tickets/{tickets[0].number}"),
            ):
                await ada.page.goto(f"{url}{path}")
                assert not await ada.page.evaluate(TOO_WIDE), (name, theme)
                await picture(ada.page, f"waiting-{name}-{theme}-phone")
    if PICTURES:
        async with person(browser, url, viewport={"width": 1440, "height": 900}, color_scheme="dark") as ada:
            await ada.sign_in("ada@desk.example")
            await ada.page.goto(f"{url}/settings/inboxes/{scene.inbox.id}/waiting")
            await picture(ada.page, "waiting-settings-dark")


async def answered(scene: Scene, sender: str) -> Ticket:
    ticket = await scene.receives(mail(sender=sender))
    await scene.replies(ticket)
    await delivered(scene)
    return await scene.ticket(ticket.id)


async def delivered(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            update(Message).where(Message.delivery == Delivery.queued).values(delivery=Delivery.sent)
        )


async def _arranged(ada: Watched, scene: Scene) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/inboxes")
    await page.get_by_role("link", name="Waiting customers of Support").click()
    await page.get_by_label("Remind after so many days of silence").fill("3")
    await page.get_by_label("Resolve after so many further days").fill("7")
    await page.get_by_label("Close after so many days").fill("90")
    await page.get_by_label("An answer opens it again for so many days").fill("14")
    await page.get_by_role("button", name="What would happen now?").click()
    await expect(page.locator("#waiting-preview")).to_contain_text("Nothing is due right now.")
    await page.get_by_label("What waits already, too").check()
    await page.get_by_role("button", name="What would happen now?").click()
    preview = page.locator("#waiting-preview")
    await expect(preview).to_contain_text("3 customers are reminded")
    await expect(preview).to_contain_text("Hello Marta,")
    await picture(page, "waiting-settings")
    await page.get_by_label("The reminder").fill("Hello {{nobody.knows}}")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".toast, .problem, #said").first).to_contain_text("means nothing here")
    ada.broken.clear()  # that the browser tells of the refusal
    await page.get_by_label("The reminder").fill("Hello {{contact.first_name|there}}, are you still there?")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.locator(".said-box")).to_contain_text("A worker looks every few seconds")


async def _left_alone(ada: Watched, ticket: Ticket) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{ticket.number}")
    ahead = page.locator("#details .ahead")
    await expect(ahead.locator("time")).to_be_visible()
    await picture(page, "waiting-ahead")
    await ahead.get_by_role("button", name="Leave alone").click()
    await expect(ahead).to_contain_text("Left alone")
    await expect(page.locator("#thread")).to_contain_text("Ada Novak said to leave it alone")
    await picture(page, "waiting-left-alone")
    await ahead.get_by_role("button", name="Watch again").click()
    await expect(ahead.locator("time")).to_be_visible()


async def _told(ada: Watched, ticket: Ticket) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{ticket.number}")
    thread = page.locator("#thread")
    await expect(thread).to_contain_text("Reminded: silent for 10 days")
    await expect(thread).to_contain_text("are you still there?")
    await expect(thread).to_contain_text("Resolved: no answer for 50 days after the reminder")
    await expect(page.locator("#details .ahead time")).to_be_visible()
    await picture(page, "waiting-resolved")


async def _followed_up(ada: Watched, scene: Scene, ticket: Ticket) -> None:
    sender = "c0@lumen.example"
    token = scene.desk.keys.reply_token(ticket.reply_key, sender)
    with moved(15 * DAY):
        new = await scene.receives(mail("One more thing.", sender=sender, tokens=(token,)))
    assert new.id != ticket.id
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{new.number}")
    await expect(page.locator("#thread")).to_contain_text(f"The customer answered #{ticket.number}")
    await expect(page.locator("#details .links-list")).to_contain_text("Follow-up of")
    await picture(page, "waiting-follow-up")
