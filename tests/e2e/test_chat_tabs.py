"""A chat in two tabs of one browser, and on a page that says nonsense: nobody's message is lost for either."""

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk import fields
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.messages import Direction, Message
from tests.e2e.conftest import person
from tests.e2e.test_chat import Site, answer, frame_of, site, write
from tests.scenes import Scene
from tests.web.chatting import chat_inbox
from tests.workers.hands import eventually

pytestmark = pytest.mark.browser
__all__ = ["site"]


async def test_two_tabs_hear_the_same_and_are_asked_once_how_it_was(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    """Both were open before the first word was said."""
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins=site.url, ask_email="no")
    site.shows(chat, url)
    async with person(browser, url) as ada, person(browser, url) as visitor:
        one, two = visitor.page, await visitor.context.new_page()
        for page in (one, two):
            await page.goto(site.url)
            await frame_of(page)
        await one.get_by_role("button", name="Open the chat").click()
        first, second = await frame_of(one), await frame_of(two)
        await write(first, "Is it back?")
        await expect(first.locator(".own time")).to_be_visible()
        await expect(second.locator(".own .text")).to_have_text("Is it back?")

        (ticket,) = await eventually(scene.tickets, within=60)
        await ada.sign_in("ada@desk.example")
        await ada.page.goto(f"{url}/tickets/{ticket.number}?view=all")
        await expect(ada.page.locator("#thread")).to_contain_text("Is it back?")
        await answer(ada, "Next week.")
        for frame in (first, second):
            await expect(frame.locator(".agent .text")).to_have_text("Next week.")
        unread = two.get_by_role("button", name="unread messages")
        await expect(unread).to_be_visible()
        await unread.click()
        await write(second, "Then I wait")
        for frame in (first, second):
            await expect(frame.locator(".own .text")).to_have_text(["Is it back?", "Then I wait"])
        assert len(await scene.tickets()) == 1

        await first.get_by_role("button", name="More").click()
        await first.get_by_role("button", name="End this conversation").click()
        for frame in (first, second):
            await expect(frame.locator(".rating")).to_be_visible()
        await first.locator(".rating label").last.click()
        await first.locator(".rating button").click()
        await expect(second.locator(".rating")).to_have_count(0)
        assert not visitor.broken
        ada.assert_clean()


async def test_what_two_tabs_wrote_without_a_line_is_sent_by_the_next(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    """Neither tab forgets what the other one has kept, though both are closed before they reach the desk."""
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins=site.url, ask_email="no")
    site.shows(chat, url)
    async with person(browser, url) as visitor:
        one, two = visitor.page, await visitor.context.new_page()
        for page in (one, two):
            await page.goto(site.url)
            await page.get_by_role("button", name="Open the chat").click()
            await frame_of(page)
        await visitor.context.set_offline(True)
        for page, text in ((one, "Is it back?"), (two, "The blue one")):
            frame = await frame_of(page)
            await write(frame, text)
            await expect(frame.locator(".own")).to_contain_text("Not sent yet")
        third = await visitor.context.new_page()
        for page in (one, two):
            await page.close()
        await visitor.context.set_offline(False)
        await third.goto(site.url)
        await third.get_by_role("button", name="Open the chat").click()
        frame = await frame_of(third)
        await expect(frame.locator(".own .text")).to_have_text(["Is it back?", "The blue one"])
        await expect(frame.locator(".own time")).to_have_count(2)

        async def said() -> list[str]:
            async with scene.desk.sessions() as session:
                own = select(Message.text).where(Message.direction == Direction.inbound).order_by(Message.id)
                found = list(await session.scalars(own))
            return found if len(found) == 2 else []

        assert await eventually(said, within=60) == ["Is it back?", "The blue one"]
        assert len(await scene.tickets()) == 1


async def test_what_a_page_says_wrongly_stands_in_no_form_and_costs_nobody_their_message(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    expect.set_options(timeout=30_000)
    async with committed(scene.desk.sessions) as session:
        for name, kind in (("Order", FieldKind.text), ("Plan", FieldKind.link), ("Again", FieldKind.boolean)):
            await fields.add(session, Subject.ticket, Description(name=name, kind=kind), by=DESK)
    chat = await chat_inbox(scene, origins=site.url, ask_email="no", ask_fields="order plan again")
    site.shows(chat, url)
    # The title is cut where a smile has two halves.
    site.said = """[["setFields", {order: {id: 17}, plan: "gold", again: "false", rest: "x".repeat(300_000)}],
        ["open"]]; document.title = "x".repeat(299) + "🙂" """
    async with person(browser, url) as visitor:
        told: list[str] = []
        visitor.page.on("console", lambda line: told.append(line.text))
        await visitor.page.goto(site.url)
        frame = await frame_of(visitor.page)
        for label in ("Order (optional)", "Plan (optional)"):
            await expect(frame.get_by_label(label)).to_have_value("")
        await expect(frame.get_by_label("Again")).not_to_be_checked()
        await says_fields(visitor.page, "{order: 'x'.repeat(300_000), plan: 'https://plans.example/gold'}")
        await expect(frame.get_by_label("Plan (optional)")).to_have_value("https://plans.example/gold")
        await write(frame, "Where is it?")
        await expect(frame.locator(".own time")).to_be_visible()
        (ticket,) = await eventually(scene.tickets, within=60)
        assert ticket.fields == {"plan": "https://plans.example/gold"}
        assert [each.partition('"')[2][:5] for each in told] == ["Order", 'Plan"', "Order"], told


async def says_fields(page: Page, given: str) -> None:
    await page.evaluate(f"helpdesk.setFields({given})")
