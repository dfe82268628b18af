"""What happens here is told to a program, again after it failed; and a customer writes through a form elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.helpdesk.servers import Asked, server
from tests.scenes import Scene, mail
from tests.workers.receivers import Receiver, listening
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.models]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


async def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.1)


@pytest.fixture
async def there() -> AsyncIterator[Receiver]:
    async with listening() as receiver:
        yield receiver


@pytest.fixture
async def url(scene: Scene, there: Receiver, tmp_path: Path) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    allowed = f"127.0.0.1:{there.port}"
    with process(tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        yield url


async def test_a_program_is_told_and_told_again_after_it_failed(
    browser: Browser, scene: Scene, there: Receiver, url: str
):
    ticket = await scene.receives(mail("My order is late.", subject="Order 7"))
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        await _made(ada, there)
        await ada.page.get_by_role("link", name="Go on to the test").click()
        await ada.page.get_by_role("button", name="Send a test").click()
        await expect(ada.page.get_by_text("The test was taken.")).to_be_visible(timeout=15_000)
        assert there.types == ["webhook.test"]

        there.answers = [("500 Internal Server Error", b"")] * 20
        webhook = ada.page.url.partition("?")[0]
        await scene.does(ticket, "resolve", by=scene.agents["Ada"])
        await until(lambda: "ticket.resolved" in there.types)
        assert there.received[1]["data"]["ticket"]["number"] == ticket.number
        assert there.received[1]["data"]["ticket"]["subject"] == "Order 7"

        await ada.page.goto(webhook)
        await expect(ada.page.get_by_text("Nothing has been taken since")).to_be_visible()
        await ada.page.get_by_role("link", name="ticket.resolved").click()
        await expect(ada.page.get_by_text("It answered 500 Internal Server Error.").first).to_be_visible()
        there.answers.clear()
        await ada.page.get_by_role("button", name="Send again").click()
        await expect(ada.page.get_by_text("It is being sent again.")).to_be_visible(timeout=15_000)
        await until(lambda: there.ids[-1] == there.ids[1] and not there.answers)

        async def taken() -> None:
            await ada.page.reload()
            await expect(ada.page.locator(".bar .chip", has_text="Taken")).to_be_visible(timeout=2_000)

        await _sooner_or_later(taken)
        assert len(set(there.ids)) == 2, "one test and one event, however often they were sent"
        ada.broken = [words for words in ada.broken if "404" not in words]
        ada.assert_clean()


async def _made(ada: Watched, there: Receiver) -> None:
    """Through the menu, as somebody finds it; the secret is read off the page, as a person would."""
    await ada.page.goto(f"{ada.url}/settings")
    await ada.page.get_by_role("link", name="Webhooks").first.click()
    await ada.page.get_by_role("link", name="New webhook").first.click()
    await ada.page.get_by_label("Name", exact=True).fill("Shop")
    await ada.page.get_by_label("Address", exact=True).fill(there.url)
    await ada.page.get_by_label("A ticket was opened").uncheck()
    await ada.page.get_by_label("The customer wrote").uncheck()
    await ada.page.get_by_label("It was resolved").check()
    await ada.page.get_by_label("The ticket's subject").check()
    await ada.page.get_by_role("button", name="Make the webhook").click()
    there.secret = (await ada.page.locator("#secret").inner_text()).strip()
    assert there.secret.startswith("whsec_")


async def _sooner_or_later(check: Callable[[], Awaitable[None]]) -> None:
    for _ in range(6):
        try:
            return await check()
        except AssertionError:
            await asyncio.sleep(1)
    return await check()


async def test_a_customer_writes_through_a_form_on_the_companys_site(
    browser: Browser, scene: Scene, url: str
):
    """On a phone, without scripts, in a frame of another origin; a third site may not show the form."""
    public_id = "f0" * 16

    async def site(asked: Asked, writer: asyncio.StreamWriter) -> None:
        frame = f'<iframe src="{url}/forms/{public_id}" width=360 height=700></iframe>'
        page = f"<!doctype html><meta name=viewport content=width=device-width><title>Shop</title>{frame}"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n\r\n"
        writer.write((head + page).encode())
        await writer.drain()

    async with server(site) as ours, server(site) as strangers:
        settings = {"form_open": True, "form_title": "Write to us", "form_consent": "My words may be kept."}
        settings["form_origins"] = f"http://127.0.0.1:{ours.port}"
        async with committed(scene.desk.sessions) as session:
            session.add(
                Inbox(
                    name="Contact",
                    channel="api",
                    address="form@desk.example",
                    sealed_settings=scene.desk.keys.seal(settings),
                    public_id=public_id,
                    answers_through_id=scene.inbox.id,
                )
            )
        async with person(browser, url, java_script_enabled=False, **PHONE) as marta:
            await marta.page.goto(f"http://127.0.0.1:{ours.port}/")
            form = marta.page.frame_locator("iframe")
            await expect(form.get_by_role("heading", name="Write to us")).to_be_visible()
            await form.get_by_label("Your name").fill("Marta Reyes")
            await form.get_by_label("E-mail address").fill("marta@lumen.example")
            await form.get_by_label("Subject").fill("A return")
            await form.get_by_label("Message").fill("How do I send it back?")
            await asyncio.sleep(2)
            await form.get_by_role("button", name="Send").click()
            await expect(form.get_by_text("This has to be agreed to.")).to_be_visible()
            await expect(form.get_by_label("Message")).to_have_value("How do I send it back?")
            await form.get_by_label("My words may be kept.").check()
            await form.get_by_role("button", name="Send").click()
            await expect(form.get_by_role("heading", name="Thank you")).to_be_visible(timeout=15_000)
            (ticket,) = await scene.tickets()
            await expect(form.get_by_text(f"#{ticket.number}")).to_be_visible()
            assert ticket.subject == "A return"

            await marta.page.goto(f"http://127.0.0.1:{strangers.port}/")
            await expect(form.get_by_role("heading", name="Write to us")).to_have_count(0)
