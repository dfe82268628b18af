"""A rule in a browser: begun from an example, tried, seen at work, explained, taken back; and as a file."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from helpdesk.tickets import Priority, Ticket
from tests.e2e.conftest import Watched, leads_to, person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


async def pictures(page: Page, name: str) -> None:
    """Wide and on a phone, where nothing may be wider than the screen; the theme is the browser's."""
    await picture(page, name)
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not await page.evaluate(TOO_WIDE), name
    await picture(page, f"{name}-phone")
    await page.set_viewport_size(WIDE)  # type: ignore[arg-type]


async def test_a_rule_from_an_example_to_its_undoing(scene: Scene, browser: Browser, url: str):
    past = await scene.receives(mail("Two invoices in March.", subject="Wrong invoice", name="Pia Holm"))
    await scene.receives(mail("Good morning", subject="Hello", sender="joe@x.example"))
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await write(ada)
        await try_it(ada, past)
        await see_it_work(scene, ada)
        await arrange(ada)
        await travel(ada)
        ada.assert_clean()


async def write(ada: Watched) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/rules")
    await pictures(page, "rules-empty")
    await page.get_by_role("link", name="Route by words").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Route by words")
    await page.get_by_role("button", name="Keep it, switched off").click()
    await expect(page.locator("#do .problem").first).to_contain_text("Choose one from the list")
    await pictures(page, "rule-refused")
    assert len(ada.broken) == 1, "the browser notes that the page was answered with a refusal"
    ada.broken.clear()
    do = page.locator("#do")
    await do.get_by_label("Value", exact=True).first.select_option(label="Technical")
    await expect(page.locator("#sentence")).to_contain_text("move to a team: Technical")
    await do.get_by_role("button", name="And then …").click()
    await do.get_by_label("What is done").nth(2).select_option("priority")
    await do.get_by_label("Value", exact=True).nth(1).select_option("high")
    await do.get_by_role("button", name="Up").nth(2).click()
    await expect(do.get_by_label("What is done").nth(1)).to_have_value("priority")
    when = page.locator("#when")
    await when.get_by_role("button", name="Or when …").click()
    await when.get_by_label("What happens").nth(1).select_option("changed")
    await when.get_by_label("Field", exact=True).select_option("type")
    await when.get_by_label("What happens").nth(1).select_option("idle")
    await when.get_by_label("For how long").fill("2")
    await when.get_by_label("In which").select_option("us")
    await expect(page.locator("#sentence")).to_contain_text("the customer waits for 2 hours")
    await page.get_by_role("button", name="Try it on the last 30 days").click()
    await expect(page.locator("#foreseen")).to_contain_text("One ticket would have changed.")
    await pictures(page, "rule-form")
    await when.get_by_role("button", name="Remove this trigger").nth(1).click()
    await expect(page.locator("#sentence")).not_to_contain_text("waits for 2 hours")
    async with leads_to(page, "**/try?done=rule-kept"):
        await page.get_by_role("button", name="Keep it, switched off").click()


async def try_it(ada: Watched, past: Ticket) -> None:
    page = ada.page
    foreseen = page.locator("#foreseen")
    await expect(foreseen).to_contain_text("One ticket would have changed.")
    await expect(foreseen).to_contain_text(f"#{past.number}")
    await expect(foreseen.locator(".did")).to_contain_text("Normal")
    await pictures(page, "rule-try")
    async with leads_to(page, "**/settings/rules?done=rule-on"):
        await page.get_by_role("button", name="Switch on", exact=True).click()
    await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")


async def see_it_work(scene: Scene, ada: Watched) -> None:
    """The desk's own worker does it, a moment after the customer wrote, while Ada looks."""
    page = ada.page
    ticket = await scene.receives(mail("I want a refund.", subject="Money back", sender="sue@x.example"))
    await page.goto(f"{ada.url}/tickets/{ticket.number}")
    line = page.locator("#thread .event", has_text="Rule “Route by words”")
    await expect(line).to_contain_text("moved it to Technical, set the priority to High", timeout=20_000)
    assert (await scene.ticket(ticket.id)).priority is Priority.high
    await line.get_by_role("link", name="why?").click()
    story = page.locator("#beside .run-story")
    await expect(story).to_contain_text("A ticket is opened")
    await expect(story.locator(".did")).to_contain_text("Normal → High")
    await pictures(page, "rule-why")
    await story.get_by_role("button", name="Undo").click()
    await expect(page.locator("#thread")).to_contain_text(
        "Ada Novak took back what rule “Route by words” did"
    )
    now = await scene.ticket(ticket.id)
    assert (now.priority, now.team_id) == (Priority.normal, scene.teams["Billing"].id)
    await pictures(page, "rule-undone")


async def arrange(ada: Watched) -> None:
    page = ada.page
    for key in ("silent", "angry"):
        await page.goto(f"{ada.url}/settings/rules/new?example={key}")
        async with leads_to(page, "**/try?done=rule-kept"):
            await page.get_by_role("button", name="Keep it, switched off").click()
    await page.goto(f"{ada.url}/settings/rules")
    names = page.locator(".rules .title b")
    await expect(names).to_have_text(["Route by words", "Close what stays silent", "Angry customers first"])
    await page.get_by_role("button", name="Up: Angry customers first").press("Enter")
    await expect(names).to_have_text(["Route by words", "Angry customers first", "Close what stays silent"])
    async with page.expect_response(lambda answer: answer.request.method == "POST"):
        await (
            page.locator(".rules .grip")
            .nth(2)
            .drag_to(page.locator(".rules li").first, target_position={"x": 60, "y": 4})
        )
    await expect(names).to_have_text(["Close what stays silent", "Route by words", "Angry customers first"])
    await page.reload()
    await expect(names.first).to_have_text("Close what stays silent")
    await pictures(page, "rules-list")
    await page.get_by_role("link", name="Runs: Route by words").click()
    await expect(page.locator(".runs")).to_contain_text("taken back by Ada Novak")
    await pictures(page, "rule-runs")
    await page.get_by_role("button", name="Take back …").click()
    await expect(page.locator("#settings")).to_contain_text("Nothing to take back")
    await page.goto(f"{ada.url}/settings/rules")
    await page.get_by_role("switch", name="Switched on: Route by words").click()
    await expect(page.get_by_role("switch", name="Switched on: Route by words")).to_have_attribute(
        "aria-checked", "false"
    )


async def travel(ada: Watched) -> None:
    """The rules as a file: taken along, changed, compared, put in place."""
    page = ada.page
    await page.get_by_role("link", name="As a file", exact=True).click()
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download").click()
    text = Path(await (await download.value).path()).read_text()
    assert "- name: Angry customers first" in text
    await page.get_by_label("Or its text").fill(
        text.replace("Angry customers first", "Cross customers first")
    )
    await page.get_by_role("button", name="Compare").click()
    await expect(page.locator("#plan .plan > .added")).to_contain_text("Cross customers first")
    await pictures(page, "configuration-plan")
    await page.get_by_role("button", name="Apply all of it").click()
    await expect(page.get_by_role("heading", name="The file is in place")).to_be_visible()
    await page.get_by_role("button", name="Compare with before").click()
    await expect(page.locator("#plan .plan > .removed")).to_contain_text("Cross customers first")
