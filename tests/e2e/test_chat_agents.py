"""Two visitors on another site and two agents: each talk its own, one agent's line cut, a chat handed over."""

import asyncio

import pytest
from playwright.async_api import Browser, Frame, expect

from helpdesk.messages import Direction
from helpdesk.tickets import Ticket
from tests.e2e.conftest import Watched, person
from tests.e2e.test_chat import Site, answer, frame_of, site, write
from tests.scenes import Scene
from tests.web.chatting import chat_inbox
from tests.workers.hands import eventually

__all__ = ["site"]

pytestmark = pytest.mark.browser
FIRST, SECOND = "Is the blue lamp back?", "Do you send to Norway?"


async def test_two_visitors_and_two_agents_talk_and_one_is_handed_over(
    browser: Browser, scene: Scene, url: str, site: Site
) -> None:
    expect.set_options(timeout=30_000)
    chat = await chat_inbox(scene, origins=site.url)
    site.shows(chat, url)
    async with (
        person(browser, url) as mia,
        person(browser, url) as noah,
        person(browser, url) as ada,
        person(browser, url) as liam,
    ):
        await asyncio.gather(ada.sign_in("ada@desk.example"), liam.sign_in("liam@desk.example"))
        hers, his = await asyncio.gather(opens(mia, site, FIRST), opens(noah, site, SECOND))
        first, second = await both(scene)
        await asyncio.gather(looks_at(ada, first, FIRST), looks_at(liam, second, SECOND))

        # Both answer at once; each visitor hears one of them, and each chat is whose who answered.
        await asyncio.gather(answer(ada, "Next week."), answer(liam, "On Mondays."))
        await expect(hers.locator(".agent .text")).to_have_text("Next week.")
        await expect(his.locator(".agent .text")).to_have_text("On Mondays.")
        await expect(ada.page.get_by_role("button", name="Assignee")).to_have_text("Ada Novak")
        await expect(liam.page.get_by_role("button", name="Assignee")).to_have_text("Liam Osei")

        await works_without_a_line(ada, hers)

        # Ada hands her visitor over; he has both, side by side, and goes on where she stopped.
        await ada.page.get_by_role("button", name="Assignee").click()
        await ada.page.locator("#options-assignment button", has_text="Liam Osei").click()
        await expect(ada.page.get_by_role("button", name="Assignee")).to_have_text("Liam Osei")
        await expect(liam.page.locator("#bell")).to_contain_text("1")
        await liam.page.goto(f"{url}/tickets?view=mine")
        await expect(liam.page.locator("#list .on-site")).to_have_count(2)
        await liam.page.goto(f"{url}/tickets/{first.number}")
        await expect(liam.page.locator("#thread")).to_contain_text("I kept one for you.")
        await answer(liam, "Liam here, it waits at the desk.")
        await expect(hers.locator(".agent .text").last).to_have_text("Liam here, it waits at the desk.")
        await write(hers, "Thank you both")
        await expect(liam.page.locator("#thread")).to_contain_text("Thank you both")

        said = [await words(scene, ticket) for ticket in (first, second)]
        assert said == [
            [FIRST, "Next week.", "Are you there?", "I kept one for you.", "Liam here, it waits at the desk.",
             "Thank you both"],
            [SECOND, "On Mondays."],
        ]  # fmt: skip
        assert await his.locator(".text").all_inner_texts() == [SECOND, "On Mondays."]
        liam.assert_clean()
        expected = (
            "ERR_INTERNET_DISCONNECTED",
            "Failed to fetch",
            "409 (Conflict)",
        )  # cut off, then held back
        assert not [each for each in ada.broken if not any(words in each for words in expected)]


async def opens(visitor: Watched, site: Site, words: str) -> Frame:
    await visitor.page.goto(site.url)
    await visitor.page.get_by_role("button", name="Open the chat").click()
    frame = await frame_of(visitor.page)
    await write(frame, words)
    await expect(frame.locator(".own time")).to_be_visible()
    return frame


async def both(scene: Scene) -> tuple[Ticket, Ticket]:
    async def two() -> list[Ticket]:
        found = await scene.tickets()
        return found if len(found) == 2 else []

    first, second = sorted(await eventually(two, within=30), key=lambda t: t.preview != FIRST)
    return first, second


async def looks_at(agent: Watched, ticket: Ticket, words: str) -> None:
    await agent.page.goto(f"{agent.url}/tickets/{ticket.number}")
    await expect(agent.page.locator("#thread")).to_contain_text(words)


async def works_without_a_line(ada: Watched, visitor: Frame) -> None:
    """Her visitor writes while she is cut off: her answer stays with her, and is sent once, after she has read that."""
    await ada.page.context.set_offline(True)
    await answer(ada, "I kept one for you.")
    await expect(ada.page.get_by_role("alert")).to_contain_text("The desk could not be reached")
    await expect(ada.page.locator("textarea[data-mode=reply]")).to_have_value("I kept one for you.")
    await write(visitor, "Are you there?")
    await expect(visitor.locator(".own time")).to_have_count(2)
    await ada.page.context.set_offline(False)
    await expect(ada.page.locator("#thread")).to_contain_text("Are you there?")
    await ada.page.locator("textarea[data-mode=reply]").focus()
    await ada.page.keyboard.press("Control+Enter")
    again = ada.page.get_by_role("button", name="Send anyway")
    there = ada.page.locator(".message.ours", has_text="I kept one for you.")
    await expect(again.or_(there)).to_be_visible()
    if await again.count():
        await again.click()
    await expect(there).to_be_visible()
    await expect(visitor.locator(".agent .text").last).to_have_text("I kept one for you.")


async def words(scene: Scene, ticket: Ticket) -> list[str]:
    """What both sides said, as the desk has it."""
    return [m.text for m in await scene.messages(ticket) if m.direction is not Direction.note]
