"""Working hours and holidays as they are arranged: in a browser, on a phone, and without scripts."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.people import Agent
from tests.e2e.conftest import PASSWORD, Watched, person, picture, process
from tests.helpdesk.servers import says, server
from tests.scenes import Scene
from web.passwords import hashed

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
FEED = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:fair
DTSTART;VALUE=DATE:{now().year + 1}0510
DTEND;VALUE=DATE:{now().year + 1}0513
SUMMARY:Trade fair
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n").encode()


@pytest.fixture
async def feed() -> AsyncIterator[str]:
    async with server(says(body=FEED, content_type="text/calendar")) as there:
        yield f"http://127.0.0.1:{there.port}/fair.ics"


@pytest.fixture
async def url(scene: Scene, feed: str, tmp_path: Path) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    with process(tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=feed.split("/")[2]) as url:
        yield url


async def saved(page: Page, button: str, words: str) -> None:
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("status").filter(has_text=words)).to_be_visible(timeout=20_000)


async def test_a_week_and_its_holidays_are_arranged(browser: Browser, url: str, feed: str):
    async with person(browser, url, viewport={"width": 1440, "height": 900}) as ada:
        await ada.sign_in("ada@desk.example")
        await _week(ada)
        await _holidays(ada, feed)
        ada.broken = [words for words in ada.broken if "400" not in words]  # half an interval was refused
        ada.assert_clean()
        calendar = ada.page.url.partition("/holidays")[0].removeprefix(url)
        await _elsewhere(browser, url, calendar)


async def _week(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings")
    await page.get_by_role("link", name="Calendars").first.click()
    await picture(page, "calendars")
    await page.get_by_role("link", name="New calendar").click()
    await picture(page, "new")
    await page.get_by_label("Name", exact=True).fill("Shop")
    await page.get_by_label("Time zone").fill("berlin")
    monday, saturday = page.get_by_role("group", name="Monday"), page.get_by_role("group", name="Saturday")
    await expect(saturday.get_by_text("Closed")).to_be_visible()
    await monday.get_by_label("Monday, until").fill("12:30")
    await monday.get_by_role("button", name="Another interval").click()
    await monday.get_by_label("Monday, from").nth(1).fill("13:15")
    await monday.get_by_label("Monday, until").nth(1).fill("18:00")
    await page.get_by_role("button", name="Tuesday to Friday").click()
    friday = page.get_by_role("group", name="Friday")
    await expect(friday.get_by_label("Friday, until").nth(1)).to_have_value("18:00")
    await friday.get_by_role("button", name="Remove this interval").nth(1).click()
    await saturday.get_by_role("button", name="Another interval").click()
    await saturday.get_by_label("Saturday, from").fill("10:00")
    await page.get_by_label("Closed on public holidays of").select_option("Germany")
    await page.get_by_role("button", name="Make the calendar").click()
    await expect(page.get_by_text("Give both times of each interval of Saturday")).to_be_visible()
    await saturday.get_by_label("Saturday, until").fill("14:00")
    await saved(page, "Make the calendar", "Added.")
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    await expect(page.get_by_label("Friday, until")).to_have_count(1)
    await expect(page.get_by_text("Neujahr")).to_be_visible()
    await picture(page, "hours")


async def _holidays(ada: Watched, feed: str) -> None:
    page = ada.page
    await page.get_by_role("link", name="Holidays", exact=True).click()
    await page.get_by_label("Country").select_option("United States")
    await expect(page.get_by_label("State or region")).to_contain_text("California")
    await page.get_by_label("Country").select_option("Germany")
    await expect(page.get_by_label("State or region")).to_contain_text("Bayern")
    await page.get_by_label("State or region").select_option("Bayern")
    await page.get_by_label("Named in").select_option("en_US")
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator(".closed-days")).to_contain_text("Epiphany")
    await page.get_by_text("Holidays on which you work").click()
    await page.get_by_label("Epiphany").check()
    await page.get_by_role("button", name="Save").first.click()
    await expect(page.locator(".closed-days")).not_to_contain_text("Epiphany")
    await page.get_by_label("Day", exact=True).fill(f"{now().year}-12-24")
    await page.get_by_label("Name", exact=True).fill("Christmas Eve")
    await page.get_by_label("Every year on this day").check()
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_role("table", name="Days of your own")).to_contain_text("24 December")
    await page.get_by_label("Address").fill(feed)
    await page.get_by_role("button", name="Save").last.click()
    await expect(page.locator("#feed")).to_contain_text("Fetched", timeout=20_000)
    await page.reload()
    await expect(page.locator(".closed-days")).to_contain_text("Trade fair")
    await picture(page, "holidays")


async def _elsewhere(browser: Browser, url: str, calendar: str) -> None:
    """On a phone in the dark, and in a browser without scripts."""
    async with person(browser, url, **PHONE, color_scheme="dark") as ada:
        await ada.sign_in("ada@desk.example")
        for path, name in [
            ("/settings/calendars", "phone"),
            (calendar, "phone-hours"),
            (f"{calendar}/holidays", "phone-holidays"),
        ]:
            await ada.page.goto(f"{url}{path}")
            assert not await ada.page.evaluate(TOO_WIDE), path
            await picture(ada.page, name)
        ada.assert_clean()
    async with person(browser, url, java_script_enabled=False) as ada:
        await ada.sign_in("ada@desk.example")
        await ada.page.goto(f"{url}{calendar}")
        await ada.page.get_by_label("Sunday, from").fill("20:00")
        await ada.page.get_by_label("Sunday, until").fill("02:00")
        await saved(ada.page, "Save", "Saved.")
        await expect(ada.page.get_by_label("Monday, from").first).to_have_value("00:00")
        await ada.page.get_by_role("button", name="Every day").click()
        await expect(ada.page.get_by_label("Sunday, until").nth(1)).to_have_value("12:30")
