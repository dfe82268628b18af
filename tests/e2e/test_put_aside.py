"""What Slack sent and the desk could not deal with: an admin is told why, has it tried again, and drops the rest."""

from collections.abc import Iterator
from typing import Any

import msgspec
import psycopg
import pytest
from playwright.async_api import Browser, Locator, Page, expect
from sqlalchemy import select

from channels.slack.settings import SlackSettings
from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept, KeptState
from helpdesk.tickets import Ticket
from tests.channels.slack.fake import TOKEN, TRIAGE, FakeSlack, soon
from tests.e2e.conftest import leads_to, person, picture
from tests.e2e.test_slack import slack, url
from tests.scenes import Scene
from tests.workers.hands import eventually

__all__ = ["slack", "url"]
pytestmark = [pytest.mark.browser, pytest.mark.models]
SHARED = "C0SHARED"
WHY = "Nothing changes here today"
BREAKS = (
    f"CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{WHY}'; END $$",
    "CREATE TRIGGER refuses BEFORE INSERT OR UPDATE OF status_id ON ticket"
    " FOR EACH ROW EXECUTE FUNCTION refuses()",
)
"""A real fault, in the database, that lasts until somebody mends it."""
MENDS = ("DROP TRIGGER IF EXISTS refuses ON ticket", "DROP FUNCTION IF EXISTS refuses()")


@pytest.fixture
def faults(owner_database: str) -> Iterator[str]:
    """The database as its owner has it, who may break it; afterwards it is whole for the next one."""
    yield owner_database
    runs(owner_database, MENDS)


async def test_what_failed_is_seen_tried_again_and_dropped(
    browser: Browser, scene: Scene, slack: FakeSlack, url: str, faults: str
) -> None:
    expect.set_options(timeout=60_000)
    await connected(scene, slack)
    async with (
        person(browser, url, viewport={"width": 1280, "height": 860}) as ada,
        person(browser, url) as liam,
    ):
        page = ada.page
        await ada.sign_in("ada@desk.example")
        await liam.sign_in("liam@desk.example")
        await soon(lambda: slack.lines, 60)
        await slack.pushes(slack.says("U0MARTA", "The export fails"))
        await soon(lambda: slack.sent(TRIAGE), 60)
        (ticket,) = await scene.tickets()
        asked = slack.says("U0ADA", "Who sends Lumen their invoice?")
        await slack.pushes(asked)
        runs(faults, BREAKS)
        await fails(scene, slack, slack.presses("U0ADA", "desk:resolve", str(ticket.id)), "interactive")
        await fails(scene, slack, slack.reacts("U0ADA", "ticket", SHARED, asked["event"]["ts"]), "events_api")

        # It is told to who can mend it, and to nobody else.
        await told(page, url, "2 things that arrived could not be dealt with.")
        await page.locator(".troubles summary").click()
        await picture(page, "aside-told")
        await page.get_by_role("link", name="Look at it").click()
        left = page.get_by_role("table", name="Could not be dealt with").locator("tbody tr")
        await expect(left).to_have_count(2)
        await expect(left.filter(has_text=f"The database did not take it: {WHY}")).to_have_count(2)
        pressed = left.filter(has_text="The button “Resolve” was pressed")
        marked = left.filter(has_text="A message was marked with an emoji")
        await expect(pressed).to_contain_text("U0ADA, since ")
        await looks(page, "aside-listed")
        await liam.page.goto(f"{url}/tickets")
        await expect(liam.page.locator(".troubles")).to_have_count(0)

        # Dropped, nothing of it is done; asked first, and nothing happens while the answer is no.
        page.once("dialog", lambda asked: asked.dismiss())
        await pressed.get_by_role("button", name="Drop").click()
        await expect(left).to_have_count(2)
        page.once("dialog", lambda asked: asked.accept())
        async with leads_to(page, "**?done=slack-dropped"):
            await pressed.get_by_role("button", name="Drop").click()
        await expect(left).to_have_count(1)
        await expect(page.locator(".troubles")).to_contain_text(
            "One thing that arrived could not be dealt with."
        )

        # Tried again too early it comes back by itself; once the reason is gone it is done.
        await tries_again(page, marked)
        await eventually(lambda: put_aside(scene, 1), within=60)
        await expect(marked).to_have_count(1)
        runs(faults, MENDS)
        await tries_again(page, marked)
        await eventually(lambda: put_aside(scene, 0), within=60)
        await expect(left).to_have_count(0)
        assert not (await scene.ticket(ticket.id)).is_settled
        made = (await eventually(lambda: second(scene), within=60)).number
        await page.goto(f"{url}/tickets/{made}")
        await expect(page.locator("#thread")).to_contain_text("Who sends Lumen their invoice?")
        await expect(page.locator(".troubles")).to_have_count(0)
        ada.assert_clean()
        liam.assert_clean()


async def connected(scene: Scene, slack: FakeSlack) -> None:
    given = SlackSettings(bot_token=TOKEN, app_token="xapp-1-test", triage_channel=TRIAGE, api_url=slack.api)
    async with committed(scene.desk.sessions) as session:
        session.add(
            Inbox(
                name="Shared channels",
                channel="slack",
                address="slack@desk.example",
                sealed_settings=scene.desk.keys.seal(msgspec.to_builtins(given)),
            )
        )


def runs(database: str, statements: tuple[str, ...]) -> None:
    with psycopg.connect(database) as connection:
        for each in statements:
            connection.execute(each.encode())


async def fails(scene: Scene, slack: FakeSlack, payload: dict[str, Any], type_: str) -> None:
    before = await number_aside(scene)
    await slack.pushes(payload, type_=type_)
    await eventually(lambda: put_aside(scene, before + 1), within=60)


async def tries_again(page: Page, row: Locator) -> None:
    async with leads_to(page, "**?done=slack-again"):
        await row.get_by_role("button", name="Try again").click()


async def put_aside(scene: Scene, number: int) -> bool:
    """Whether so many are left, and nothing is being tried."""
    async with scene.desk.sessions() as session:
        states = list(await session.scalars(select(Kept.state)))
    return states.count(KeptState.quarantined) == number and KeptState.handed not in states


async def number_aside(scene: Scene) -> int:
    async with scene.desk.sessions() as session:
        return list(await session.scalars(select(Kept.state))).count(KeptState.quarantined)


async def second(scene: Scene) -> Ticket | None:
    found = await scene.tickets()
    return found[1] if len(found) > 1 else None


async def told(page: Page, url: str, words: str) -> None:
    """What a page says of it is as old as the desk's last look."""

    async def says() -> bool:
        await page.goto(f"{url}/tickets")
        return await page.locator(".troubles", has_text=words).count() > 0

    await eventually(says, within=60)


async def looks(page: Page, name: str) -> None:
    """Wide and narrow, light and dark: nothing stands out at the side."""
    size = page.viewport_size or {"width": 1280, "height": 860}
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size({"width": width, "height": 860})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await picture(page, f"{name}-{theme}-{width}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(size)
