"""The console as people use it: by keyboard alone, two at once, on a phone, and signed out in the middle."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Request, Route, expect
from sqlalchemy import delete, select

from ai.embedding import embedder
from helpdesk.database import committed
from helpdesk.messages import Delivery
from helpdesk.people import Agent
from helpdesk.settings import Settings
from helpdesk.statuses import Category
from helpdesk.tickets import Priority
from kb.articles import Article
from kb.index import index_changed, weigh_lexemes
from tests.e2e.conftest import PASSWORD, Watched, person, process
from tests.scenes import Scene, mail
from web.passwords import hashed
from web.sessions import WebSession
from web.settings import menu

pytestmark = [pytest.mark.browser, pytest.mark.models]

PASSAGE = "A refund reaches your card within five working days."
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
SMALL_TARGETS = """() => {
  const pressed = (e) => e.matches("[type=checkbox]") && e.closest("label") || e
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !e.matches(".unseen, .skip, .link, .text a, .prose a, .why summary, [type=radio]"))
  .map((e) => [e.outerHTML.slice(0, 80), pressed(e).getBoundingClientRect()])
  .filter(([, r]) => r.width && (r.width < 24 || r.height < 24)).map(([html]) => html)
}"""


@pytest.fixture
async def company(scene: Scene, model_home: Path) -> Scene:
    async with committed(scene.desk.sessions) as session:
        for agent in await session.scalars(select(Agent)):
            agent.password_hash = hashed(PASSWORD)
        article = Article.write("How long a refund takes", PASSAGE)
        article.publish()
        session.add(article)
    async with committed(scene.desk.sessions) as session:
        await index_changed(session, embedder(Settings(home=model_home)))
        await weigh_lexemes(session)
    return scene


@pytest.fixture
def url(company: Scene, tmp_path: Path) -> Iterator[str]:
    with process(tmp_path, company.desk.database_url) as url:
        yield url


@pytest.fixture
async def ada(browser: Browser, url: str) -> AsyncIterator[Watched]:
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        yield ada


def reply_of(page: Page):
    return page.get_by_role("textbox", name="Reply")


async def test_a_ticket_is_answered_by_keyboard_alone(company: Scene, ada: Watched):
    await company.receives(mail("An older one", subject="Second"))
    ticket = await company.receives(mail("When do I get my money back?", subject="Refund"))
    page = ada.page
    keys = page.keyboard
    await keys.press("g")
    await keys.press("a")
    await expect(page.get_by_role("heading", name="All open")).to_be_visible()
    await keys.press("j")
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="Refund")).to_be_visible()

    await keys.press("i")
    await expect(page.get_by_text("Ada Novak took the ticket")).to_be_visible()
    await keys.press("n")
    await keys.type("Same as last week.")
    await keys.press("Control+Enter")
    await expect(page.locator(".message.note")).to_contain_text("Same as last week.")

    await keys.press("l")
    found = page.get_by_role("article").filter(has_text=PASSAGE)
    await expect(found).to_be_visible()
    await found.get_by_role("button", name="Put into the reply").click()
    await expect(page.locator(".composer textarea:visible")).to_be_focused()
    await expect(page.locator(".composer textarea:visible")).to_have_value(f"{PASSAGE}\n\n")

    await keys.press("Escape")
    await keys.press("r")
    await keys.type("Within five days.")
    await keys.press("Control+Enter")
    await expect(page.locator(".message.ours")).to_contain_text("Within five days.")
    await keys.press("z")
    await expect(reply_of(page)).to_have_value("Within five days.")
    await expect(page.locator(".message.ours")).to_have_count(0)
    await keys.press("Control+Enter")
    await expect(page.locator(".message.ours")).to_have_count(1)
    await keys.press("e")
    await expect(page.get_by_text("Ada Novak resolved the ticket")).to_be_visible()
    assert (await company.ticket(ticket.id)).category is Category.resolved
    await keys.press("z")
    await expect(page.get_by_role("button", name="Resolve")).to_be_visible()
    await keys.press("?")
    await expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    await keys.press("Escape")
    ada.assert_clean()


async def test_who_writes_while_a_colleague_answers_is_shown_that_before_it_leaves(
    browser: Browser, company: Scene, url: str, ada: Watched
):
    """Also when the colleague's answer has come up on the page meanwhile: nobody reads what they type over."""
    ticket = await company.receives()
    await ada.page.goto(f"{url}/tickets/{ticket.number}")
    await reply_of(ada.page).type("My answer")
    await company.replies(ticket, "Already answered", by="Liam")
    await expect(ada.page.locator(".message.ours")).to_contain_text("Already answered", timeout=8_000)
    await ada.page.keyboard.press("Control+Enter")
    await expect(ada.page.get_by_role("alert")).to_contain_text("Liam Osei has answered meanwhile")
    await expect(reply_of(ada.page)).to_have_value("My answer")
    assert len(await company.messages(ticket)) == 2
    # What happens meanwhile neither takes the words nor what is said of them.
    await company.does(ticket, "prioritise", Priority.high, by=company.agents["Liam"])
    await expect(ada.page.get_by_text("Liam Osei set the priority")).to_be_visible()
    await expect(reply_of(ada.page)).to_have_value("My answer")
    await expect(ada.page.get_by_role("alert")).to_contain_text("Liam Osei has answered meanwhile")
    await ada.page.get_by_role("button", name="Send anyway").click()
    await expect(ada.page.locator(".message.ours")).to_have_count(2)
    await expect(ada.page.get_by_role("alert")).to_have_count(0)
    assert (await company.messages(ticket))[-1].delivery is Delivery.queued
    # Nor does it take what came back from the undo.
    await ada.page.keyboard.press("z")
    await expect(reply_of(ada.page)).to_have_value("My answer")
    await company.does(ticket, "prioritise", Priority.urgent, by=company.agents["Liam"])
    await expect(ada.page.get_by_text("Liam Osei set the priority")).to_have_count(2)
    await expect(reply_of(ada.page)).to_have_value("My answer")


async def holding(page: Page, address: re.Pattern[str]) -> tuple[asyncio.Event, asyncio.Event]:
    """What the page asks for there is held until the second is set; the first says that it was asked for."""
    held, free = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        held.set()
        await free.wait()
        await route.continue_()

    await page.route(address, late)
    return held, free


def _asks_again(number: int, request: Request) -> bool:
    return (
        urlsplit(request.url).path == f"/tickets/{number}" and request.headers.get("hx-target") == "div#work"
    )


async def test_what_happens_while_a_page_opens_is_shown(company: Scene, url: str, ada: Watched):
    """In the first page of a browser, whose line is new, and in a second one, which takes up the line that is there."""
    tickets = [await company.receives(mail(subject=subject)) for subject in ("First", "Second")]
    second = await ada.context.new_page()
    for page, ticket in zip((ada.page, second), tickets, strict=True):
        held, free = await holding(page, re.compile(r"/js/app[^/]*\.js"))
        await page.goto(f"{url}/tickets/{ticket.number}", wait_until="commit")
        await asyncio.wait_for(held.wait(), 20)
        await company.does(ticket, "note", "Noted in between", by=company.agents["Liam"])
        await asyncio.sleep(0.5)  # longer than it takes to tell
        await expect(page.locator("#thread")).to_be_visible()
        await expect(page.locator("#thread")).not_to_contain_text("Noted in between")
        async with page.expect_request(partial(_asks_again, ticket.number)) as asked:
            free.set()
        assert "?since=" in (await asked.value).url  # told of this, and not of something that came later
        await expect(page.locator("#thread")).to_contain_text("Noted in between")
    ada.assert_clean()


async def test_who_is_signed_out_is_told_and_goes_on_with_the_same_words(
    company: Scene, url: str, ada: Watched
):
    ticket = await company.receives()
    page = ada.page
    await page.goto(f"{url}/tickets/{ticket.number}?view=all")
    await reply_of(page).type("Half a sen")
    async with committed(company.desk.sessions) as session:
        await session.execute(delete(WebSession))
    await company.receives(mail("Another one"))  # what the page asks for by itself does not take it away
    told = page.get_by_role("alert").filter(has_text="You are signed out")
    await expect(told).to_be_visible(timeout=15_000)
    await expect(reply_of(page)).to_have_value("Half a sen")
    await told.get_by_role("link").click()
    await page.get_by_label("E-mail").fill("ada@desk.example")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"**/tickets/{ticket.number}?view=all")
    await expect(reply_of(page)).to_have_value("Half a sen")


async def test_every_page_fits_a_phone(browser: Browser, company: Scene, url: str):
    """Nothing wider than the window, nothing too small for a finger, no rule of the page broken."""
    word = "x" * 3000
    ticket = await company.receives(mail(word, subject="W" * 200, name="L" * 120))
    await company.receives(mail("السلام عليكم", subject="مرحبا"))
    pages = ["tickets?view=all", "tickets?view=mine", f"tickets/{ticket.number}", "knowledge", "outbox"]
    pages += ["knowledge?q=refund", "knowledge/how-long-a-refund-takes", "tickets/new", "views", "views/new"]
    pages += ["search", f"search?q={word[:200]}", "notices", "bulk", "contacts", "companies"]
    pages += [f"contacts/{ticket.contact_id}"]
    settings = [entry.path.removeprefix("/") for entry in menu.PAGES]
    for scheme in ("light", "dark"):
        async with person(browser, url, color_scheme=scheme, **PHONE) as ada:
            await ada.sign_in("ada@desk.example")
            for path in pages + (settings if scheme == "light" else []):
                await ada.page.goto(f"{url}/{path}")
                assert await ada.page.evaluate("document.documentElement.scrollWidth") <= 390, path
                wide = await ada.page.evaluate(
                    "[...document.querySelectorAll('.message, .hit, .row, .composer')]"
                    ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > 391).length"
                )
                assert wide == 0, path
                for why in await ada.page.locator(".message .why summary").all():
                    await why.tap()
                    told = await ada.page.locator(".message .why[open] > div").first.bounding_box()
                    assert told
                    assert told["x"] + told["width"] <= 390
                assert await ada.page.evaluate(SMALL_TARGETS) == [], path
                if path.startswith(f"tickets/{ticket.number}"):
                    await ada.page.get_by_role("button", name="Details").click()
                    await expect(ada.page.locator("#details")).to_be_visible()
                    assert await ada.page.evaluate(SMALL_TARGETS) == [], "details"
            ada.assert_clean()
