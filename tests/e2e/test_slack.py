"""Slack is connected in the settings, a customer's thread is answered in the console, and colleagues work in Slack."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from tests.channels.slack.fake import TOKEN, TRIAGE, FakeSlack, soon
from tests.channels.slack.test_triage import submission
from tests.e2e.conftest import PASSWORD, PICTURES, Watched, person, process
from tests.scenes import Scene
from web.passwords import hashed

BILLING = "C0BILLING"
pytestmark = [pytest.mark.browser, pytest.mark.models]


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack.at_work() as fake:
        fake.add("U0ADA", "Ada", team="T0HOME", email="ada@desk.example")
        fake.add("U0MARTA", "Marta Lumen")
        yield fake


@pytest.fixture
async def url(scene: Scene, slack: FakeSlack, tmp_path: Path) -> AsyncIterator[str]:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
    with process(
        tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=slack.host, HELPDESK_WORKERS="apart"
    ) as url:
        yield url


async def pictured(ada: Watched, name: str) -> None:
    if PICTURES:
        await ada.page.screenshot(path=f"{PICTURES}/{name}.png", full_page=True)


async def test_from_the_manifest_to_an_answer_in_the_thread(
    browser: Browser, scene: Scene, slack: FakeSlack, url: str
):
    async with person(browser, url, viewport={"width": 1280, "height": 860}) as ada:
        await ada.sign_in("ada@desk.example")
        await _connected(ada, slack)
        await soon(lambda: slack.lines, 30)
        asked = slack.says("U0MARTA", "The *export* fails with `E42` :cry:")
        envelope = await slack.pushes(asked)
        await soon(lambda: slack.acknowledged[envelope])
        await soon(lambda: slack.sent(TRIAGE), 30)

        await ada.page.goto(f"{url}/tickets/1")
        await expect(ada.page.locator(".message.theirs")).to_contain_text("The export fails with E42 😢")
        await expect(ada.page.locator(".message.theirs .marked strong")).to_have_text("export")
        await ada.page.get_by_role("textbox", name="Reply").fill("**Fixed** in 2.1, see `/status`")
        await ada.page.get_by_role("button", name="See how it will look").click()
        await expect(ada.page.locator(".as-shown strong")).to_have_text("Fixed")
        await expect(ada.page.get_by_role("textbox", name="Reply")).to_have_value(
            "**Fixed** in 2.1, see `/status`"
        )
        await pictured(ada, "slack-preview")
        await ada.page.get_by_role("button", name="Send Ctrl").click()
        await soon(lambda: slack.sent(), 60)
        (answer,) = slack.sent()
        assert (answer["thread_ts"], answer["text"]) == (
            asked["event"]["ts"],
            "*Fixed* in 2.1, see `/status`",
        )

        await _sent_from_a_card(slack)
        await expect(ada.page.locator(".message.note")).to_contain_text("Is it better now?")
        await expect(ada.page.locator(".message.ours")).to_have_count(2)
        await pictured(ada, "slack-ticket")
        await _goes_to_billing(scene, slack)
        ada.assert_clean()


async def _connected(ada: Watched, slack: FakeSlack) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/inboxes")
    await page.locator("#settings").get_by_role("link", name="Slack", exact=True).click()
    await page.get_by_role("link", name="Connect Slack").click()
    await expect(page.get_by_role("button", name="Copy the manifest")).to_be_visible()
    await pictured(ada, "slack-connect")
    await page.get_by_role("link", name="New inbox").click()
    await page.get_by_label("Name", exact=True).fill("Shared channels")
    await page.get_by_label("Address", exact=True).fill("slack@desk.example")
    await page.get_by_label("Bot token").fill(TOKEN)
    await page.get_by_label("App token").fill("xapp-1-test")
    await page.get_by_text("More settings").click()
    await page.get_by_label("Triage channel").fill(TRIAGE)
    await page.get_by_label("Address of Slack's Web API").fill(slack.api)
    await page.get_by_role("button", name="Only check").click()
    await expect(page.get_by_text("Everything works.")).to_be_visible(timeout=20_000)
    await pictured(ada, "slack-check")
    await page.get_by_role("button", name="Check and save").click()
    await page.wait_for_url("**/settings/inboxes?**")
    await page.locator("a.who", has_text="Shared channels").click()
    await page.get_by_role("link", name="Connect Slack").click()
    await page.get_by_label("Channel", exact=True).fill("C0INTERNAL")
    await page.get_by_role("button", name="Save channel").click()
    await expect(page.get_by_text("C0INTERNAL", exact=True)).to_be_visible()
    await _billing_in_a_channel_of_its_own(page)
    for theme, size in (("light", (1280, 900)), ("dark", (390, 844))):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        await pictured(ada, f"slack-inbox-{theme}")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 860})


async def _billing_in_a_channel_of_its_own(page: Page) -> None:
    await page.get_by_label("Team", exact=True).select_option("Billing")
    await page.get_by_label("Its channel").fill(BILLING)
    await page.get_by_role("button", name="Save team").click()
    there = page.get_by_role("row", name="Billing")
    await expect(there).to_contain_text("cards · new tickets · promises that are due")
    await there.get_by_role("link", name="Change").click()
    await expect(page.get_by_label("Its channel")).to_have_value(BILLING)
    await page.get_by_role("switch", name="New tickets").uncheck()
    await page.get_by_label("Lines come").select_option(index=1)
    await page.get_by_role("button", name="Save team").click()
    await expect(there).to_contain_text("cards · promises that are due")
    await expect(there).to_contain_text("Lines in these hours: ")


async def _goes_to_billing(scene: Scene, slack: FakeSlack) -> None:
    """Its card goes along, and the old one says where."""
    async with scene.desk.sessions() as session:
        ticket = (await session.scalars(select(Ticket))).one()
    await scene.does(ticket, "move", scene.teams["Billing"], by=scene.agents["Ada"])
    await soon(lambda: slack.sent(BILLING), 30)
    await soon(lambda: f"its card is in <#{BILLING}>" in str(slack.sent(TRIAGE)), 30)


async def _sent_from_a_card(slack: FakeSlack) -> None:
    """What Ada does in Slack: a note in the card's thread, the button under it, the preview, and its button."""
    (card,) = slack.sent(TRIAGE)
    await slack.pushes(slack.says("U0ADA", "Is it better now?", channel=TRIAGE, thread_ts=card["ts"]))
    await soon(lambda: slack.called("chat.postEphemeral"), 30)
    button = slack.called("chat.postEphemeral")[0]["blocks"][1]["elements"][0]
    press = slack.presses("U0ADA", button["action_id"], button["value"])
    await slack.pushes(press, type_="interactive")
    await soon(lambda: slack.called("views.open"), 30)
    assert len(slack.sent()) == 1, "only the form's button sends"
    form = slack.called("views.open")[0]["view"]
    await slack.pushes(submission(form, "U0ADA"), type_="interactive")
    await soon(lambda: len(slack.sent()) == 2, 60)
    assert slack.sent()[-1]["text"] == "Is it better now?"
