"""A program gets a token in the console, works with it, and colleagues see it happen."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, person, picture, process
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.models]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
async def url(scene: Scene, tmp_path: Path) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    with process(tmp_path, scene.desk.database_url) as url:
        yield url


async def test_a_program_works_and_everybody_sees_it(browser: Browser, scene: Scene, url: str):
    ticket = await scene.receives(mail("Where is it?", subject="Lost parcel"))
    async with person(browser, url) as ada, person(browser, url, **PHONE) as small:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.goto(f"{url}/settings/tokens")
        await expect(page.get_by_text("No program has a token yet")).to_be_visible()
        await page.get_by_role("link", name="New token").first.click()
        await page.get_by_role("textbox", name="Name", exact=True).fill("Shop")
        await page.get_by_label("Change priority, type, tags and fields").check()
        await picture(page, "new")
        await page.get_by_role("button", name="Make the token").click()
        secret = await page.locator("#secret").inner_text()
        assert re.fullmatch(r"hd_[\w-]{43}", secret)
        await picture(page, "made")

        await page.goto(f"{url}/tickets/{ticket.number}?view=unassigned")
        await expect(page.get_by_role("heading", name="Lost parcel").first).to_be_visible()
        bearer = {"authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(base_url=f"{url}/api/v1", headers=bearer, timeout=30) as program:
            changed = await program.patch(f"/tickets/{ticket.number}", json={"priority": "urgent"})
            assert changed.status_code == 200, changed.text
            await expect(page.get_by_text("via token Shop")).to_be_visible(timeout=15_000)
            note = await program.post(
                f"/tickets/{ticket.number}/notes", json={"text": "Parcel found in Graz."}
            )
            assert note.status_code == 201
            await expect(page.get_by_text("Parcel found in Graz.").first).to_be_visible(timeout=15_000)
            assert (await program.get("/contacts/1/notes")).status_code in {200, 404}

            await page.goto(f"{url}/settings/tokens")
            await picture(page, "tokens")
            page.once("dialog", lambda dialog: dialog.accept())
            await page.get_by_role("button", name="Revoke").click()
            await expect(page.get_by_text("The token is revoked.")).to_be_visible()
            assert (await program.get("/me")).status_code == 401

        await page.goto(f"{url}/api")
        await expect(
            page.locator("#tickets").get_by_role("heading", name="Tickets", exact=True)
        ).to_be_visible()
        await page.locator("#tickets_replies_create > summary").click()
        await expect(page.locator("#tickets_replies_create")).to_contain_text("ticket:reply")
        await picture(page, "api")
        await small.sign_in("ada@desk.example")
        await small.page.goto(f"{url}/settings/api#tickets_create")
        await picture(small.page, "api-phone")
        width = await small.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
        await small.page.goto(f"{url}/settings/tokens")
        await picture(small.page, "tokens-phone")
        ada.assert_clean()
        small.assert_clean()
