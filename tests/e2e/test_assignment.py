"""Sharing out in a browser: an admin arranges it, a colleague who is there gets the next ticket, and it says why."""

import asyncio

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import func, select

from helpdesk.people import Agent
from tests.e2e.conftest import Watched, leads_to, person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]


async def test_the_next_ticket_goes_to_who_is_there(scene: Scene, browser: Browser, url: str):
    async with person(browser, url) as ada, person(browser, url) as liam:
        await liam.sign_in("liam@desk.example")
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.goto(f"{url}/settings/agents")
        await page.get_by_role("link", name="Assignment").click()
        await page.get_by_role("link", name="Change Liam Osei").click()
        await page.get_by_label("Skills").fill("Invoices")
        await page.get_by_label("Languages").fill("de, en")
        await picture(page, "assignment-agent")
        async with leads_to(page, "**/settings/assignment?done=saved"):
            await page.get_by_role("button", name="Save").click()
        await page.get_by_role("link", name="Change Billing").click()
        await page.get_by_label("Fewest open tickets").check()
        await page.get_by_label("Minutes of absence after which tickets come back").fill("15")
        await picture(page, "assignment-team")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("main")).to_contain_text("Fewest open tickets")
        await picture(page, "assignment")
        await page.set_viewport_size({"width": 390, "height": 844})
        await picture(page, "assignment-phone")
        await page.set_viewport_size({"width": 1280, "height": 800})

        await both_are_there(scene)
        tickets = [await scene.receives(mail(f"Question {n}", sender=f"p{n}@x.example")) for n in range(2)]
        for ticket in tickets:
            await page.goto(f"{url}/tickets/{ticket.number}")
            await expect(page.locator("#thread")).to_contain_text("Given to", timeout=15_000)
        held = {ticket.assignee_id for ticket in await scene.tickets()}
        assert held == {scene.agents["Ada"].id, scene.agents["Liam"].id}, "one each"
        await page.locator("#thread").get_by_text("why?").first.click()
        await expect(page.locator("#thread")).to_contain_text("they had the fewest open tickets")
        await picture(page, "assignment-why")
        await gives_back(scene, ada)
        ada.assert_clean()
        liam.assert_clean()


async def gives_back(scene: Scene, ada: Watched) -> None:
    """What the desk gave her goes to Liam, and is his from then on."""
    page, mine = ada.page, scene.agents["Ada"].id
    held = next(ticket for ticket in await scene.tickets() if ticket.assignee_id == mine)
    await page.goto(f"{ada.url}/tickets/{held.number}")
    thread = page.locator("#thread")
    await thread.get_by_role("button", name="Give back").click()
    await expect(thread).to_contain_text("Ada Novak gave the ticket back to the team")
    await expect(thread).to_contain_text("Given to Liam Osei", timeout=15_000)
    await expect(thread.get_by_role("button", name="Give back")).to_have_count(1)
    assert scene.agents["Liam"].id in {t.assignee_id for t in await scene.tickets() if t.id == held.id}
    await picture(page, "assignment-given-back")


async def both_are_there(scene: Scene) -> None:
    """As soon as their consoles have been open for a moment."""
    there = select(func.count()).where(Agent.present_at.is_not(None))
    for _ in range(200):
        async with scene.desk.sessions() as session:
            if await session.scalar(there) == 2:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the desk does not see who is there")
