"""Much at once: an open console shows all of it, the last one too, and asks for it together."""

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from playwright.async_api import Browser, Error, Page, Route, expect

from tests.e2e.conftest import person
from tests.e2e.test_live_line import HEARD, hears
from tests.scenes import Scene, mail
from tests.workers.hands import eventually

pytestmark = pytest.mark.browser
MANY = 12
PATIENCE = 60  # seconds: a slow desk's list is renewed every ten
MARTA = "marta@lumen.example"


class Gate:
    """Questions wait here until they may pass."""

    def __init__(self) -> None:
        self.waiting, self.passed = 0, 0
        self.open = asyncio.Event()

    async def __call__(self, route: Route) -> None:
        self.waiting += 1
        await self.open.wait()
        self.waiting -= 1
        self.passed += 1
        with suppress(Error):  # the page has given up
            await route.continue_()


async def test_a_burst_is_shown_completely_and_asked_for_together(scene: Scene, browser: Browser, url: str):
    expect.set_options(timeout=PATIENCE * 1000)
    ticket = await scene.receives(mail("Is anybody there?", sender=MARTA))
    token = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        await ada.page.add_init_script(HEARD)
        await ada.page.goto(f"{url}/tickets/{ticket.number}?view=all")
        thread, rows = ada.page.locator("#thread"), ada.page.locator("#list .row")
        words = ada.page.locator("textarea[data-mode=reply]")
        await words.fill("One moment, I")

        pane, listed = Gate(), Gate()
        await ada.page.route(re.compile(rf"/tickets/{ticket.number}(\?|$)"), pane)
        await ada.page.route(re.compile(r"/tickets\?view=all$"), listed)
        for n in range(MANY):
            await scene.receives(mail(f"Word {n} of many.", sender=MARTA, tokens=(token,)))
            last = await scene.receives(mail(f"Somebody else's {n}.", sender=f"other{n}@there.example"))
        await hears(ada.page, f"ticket-{last.id}")
        await eventually(lambda: waited_for(pane, listed), PATIENCE)

        pane.open.set()
        listed.open.set()
        for n in range(MANY):
            await expect(thread).to_contain_text(f"Word {n} of many.")
        await expect(rows).to_have_count(MANY + 1)
        await expect(ada.page.locator(f"#row-{ticket.id}")).to_contain_text(f"Word {MANY - 1} of many.")
        await expect(rows.first).to_contain_text(f"Somebody else's {MANY - 1}.")
        for gate in (pane, listed):
            assert gate.passed <= MANY / 2, "what came meanwhile is asked for together"
        await expect(words).to_have_value("One moment, I")
        ada.assert_clean()


async def waited_for(*gates: Gate) -> bool:
    return all(gate.waiting for gate in gates)


async def test_a_slow_desk_is_asked_less_often(scene: Scene, browser: Browser, url: str):
    """After an answer that took a second no console asks the same for four, however much it is told."""
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page, listed = ada.page, Gate()
        await page.clock.install()
        await page.add_init_script(HEARD)
        await page.goto(f"{url}/tickets?view=all")
        await page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=2))
        await page.route(re.compile(r"/tickets\?view=all$"), listed)

        async def told(name: str) -> None:
            ticket = await scene.receives(mail("A question", sender=f"{name}@there.example"))
            heard = f"window.heard?.includes('ticket-{ticket.id}')"
            await eventually(lambda: page.evaluate(heard), PATIENCE)
            await page.clock.run_for(100)

        async def shown(name: str) -> bool:
            await page.clock.run_for(10)
            return name in await page.locator("#list").inner_text()

        async def asked() -> bool:
            return listed.waiting == 1

        await told("mia")
        await eventually(asked, PATIENCE)
        await page.clock.run_for(1_000)
        listed.open.set()
        await eventually(lambda: shown("Mia"), PATIENCE)
        listed.open.clear()
        await told("noah")
        await page.clock.run_for(3_000)
        assert not listed.waiting
        await page.clock.run_for(3_000)
        await eventually(asked, PATIENCE)
        listed.open.set()
        await eventually(lambda: shown("Noah"), PATIENCE)
        ada.assert_clean()


async def test_what_came_to_nothing_is_asked_again_ever_less_often_until_it_is_answered(
    scene: Scene, browser: Browser, url: str
):
    """Nothing else happens meanwhile: an answer that never comes, a desk without its database, a line that breaks."""
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page, silence, asked = ada.page, asyncio.Event(), 0

        async def failing(route: Route) -> None:
            nonlocal asked
            asked += 1
            match asked:
                case 1:
                    await silence.wait()
                    with suppress(Error):  # the page has given up
                        await route.abort()
                case 2 | 3:
                    await route.fulfill(status=503, body="")
                case 4:
                    await route.abort()
                case _:
                    await route.continue_()

        def reached(times: int) -> bool:
            return asked >= times

        await page.clock.install()
        await page.add_init_script(HEARD)
        await page.goto(f"{url}/tickets?view=all")
        await page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=2))
        await page.route(re.compile(r"/tickets\?view=all$"), failing)
        ticket = await scene.receives(mail("Does anybody see this?", sender=MARTA))
        heard = f"window.heard?.includes('ticket-{ticket.id}')"
        await eventually(lambda: page.evaluate(heard), PATIENCE)
        waits = [await until_asked(page, partial(reached, times)) for times in range(1, 6)]
        silence.set()
        await expect(page.locator(f"#row-{ticket.id}")).to_contain_text("Does anybody see this?")
        assert waits[1] >= 20_000, "an answer is waited for"
        least = [0.75 * pause for pause in (2_000, 4_000, 8_000)]
        enough = [waited > pause - 1_000 for waited, pause in zip(waits[2:], least, strict=True)]
        assert all(enough), f"the desk is left alone for longer each time: {waits}"
        assert not await page.locator("#toasts > *").count()


async def until_asked(page: Page, is_asked: Callable[[], bool]) -> int:
    """Milliseconds of the page's time."""
    waited = 0
    while not is_asked():
        await page.clock.run_for(500)
        waited += 500
        await page.evaluate("fetch('/health/live')")  # what was answered has come by now
    return waited
