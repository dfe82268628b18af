"""One line for all tabs of a browser: those that a restart fell into, one that comes back out of the history, and what
is said of a ticket while it is on its way."""

import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.e2e.conftest import Watched, person
from tests.scenes import Scene, mail

pytestmark = pytest.mark.browser

HEARD = 'addEventListener("live:changed", ({ detail }) => (window.heard ??= []).push(...detail))'


async def hears(page: Page, word: str) -> list[str]:
    """All until this."""
    await page.wait_for_function("(word) => window.heard?.includes(word)", arg=word)
    found: list[str] = await page.evaluate("window.heard")
    return found


async def tab(of: Watched, since: str = "", path: str = "/tickets") -> Page:
    """`since`: the moment at which its page is said to have been read."""

    async def aged(route: Route) -> None:
        answer = await route.fetch()
        text = (await answer.text()).replace(" since=", " data-was=") if since else await answer.text()
        await route.fulfill(response=answer, body=re.sub(r" data-was=\"[^\"]+\"", f' since="{since}"', text))

    page = await of.context.new_page()
    await page.add_init_script(HEARD)
    await page.route("**/tickets", aged)
    await page.goto(of.url + path)
    return page


async def test_tabs_that_a_restart_fell_into_ask_for_everything_and_later_ones_do_not(
    scene: Scene, browser: Browser, url: str
):
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        await ada.page.goto("about:blank")
        first = await tab(ada, since="00000000-70000")  # of the process before
        await hears(first, "resync")
        await hears(await tab(ada, since="00000000-69999"), "resync")
        later = await tab(ada)
        ticket = await scene.receives(mail("Later", sender="later@there.example"))
        assert "resync" not in await hears(later, f"ticket-{ticket.id}")


async def test_a_page_that_comes_back_out_of_the_history_listens_again(
    scene: Scene, browser: Browser, url: str
):
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page = await tab(ada)
        for name in ("pagehide", "pageshow"):
            await page.evaluate(f"dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))")
        await hears(page, "resync")
        ticket = await scene.receives(mail("Back again", sender="back@there.example"))
        await hears(page, f"ticket-{ticket.id}")


async def test_what_is_said_of_a_ticket_while_it_is_on_its_way_is_shown(
    scene: Scene, browser: Browser, url: str
):
    ticket = await scene.receives(mail("Is it there?", sender="marta@lumen.example"))
    await scene.replies(ticket, "I look into it.")  # so that nothing is suggested, and waited for

    async def slowly(route: Route) -> None:
        answer = await route.fetch()
        async with page.expect_request(re.compile(r"/tickets\?view=all$")):  # by the list, since it was told
            await scene.does(ticket, "note", "Said meanwhile", by=scene.agents["Liam"])
        await page.unroute(re.compile(rf"/tickets/{ticket.number}(\?|$)"))
        await route.fulfill(response=answer)

    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page = await tab(ada, path="/tickets?view=all")
        await page.route(re.compile(rf"/tickets/{ticket.number}(\?|$)"), slowly)
        await page.locator(f"#row-{ticket.id}").click()
        await expect(page.locator("#thread")).to_contain_text("Is it there?")
        await expect(page.locator("#thread")).to_contain_text("Said meanwhile")
