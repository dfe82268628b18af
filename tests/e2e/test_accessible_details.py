"""What axe says of pages about one thing, as lists of nothing say little; and of all of it from right to left."""

from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page

from helpdesk import webhooks
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.macros import Macro
from tests.e2e.axe import violations
from tests.e2e.conftest import Watched, person
from tests.e2e.test_accessibility import NARROWEST, PHONE, WIDE, looked_at, told
from tests.e2e.test_help_centre import library
from tests.rules_at_work import CREATED, settle, tag, there_is, where
from tests.scenes import Scene, mail
from tests.web.test_help_centre import brand, published
from tests.web.test_help_centre_customers import form_inbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # dozens of pages, each in three widths
ONE = [
    "/settings/rules",
    "/settings/rules/1",
    "/settings/rules/1/runs",
    "/settings/rules/new?example=angry",
    "/settings/macros",
    "/settings/macros/1",
    "/settings/macros/1?copy=true",
    "/settings/webhooks",
    "/settings/webhooks/1",
    "/settings/webhooks/1/deliveries/1",
    "/settings/help-centres",
    "/settings/help-centres/new",
    "/settings/help-centres/1",
    "/settings/satisfaction/inboxes/1",
    "/settings/inboxes/1/waiting",
    "/settings/triage/readers/sentiment",
    "/settings/data/configuration",
    "/knowledge/how-do-i-reset-my-hub",
    "/knowledge/articles/1/changes",
    "/knowledge/shelves/all",
    "/knowledge/imports",
    "/reports?by=hour",
    "/reports/tickets?measures=backlog",
    "/reports/kept",
]
MIRRORED = [
    "/tickets?view=all",
    "/tickets/1?view=all",
    "/tickets/new",
    "/search?q=hub",
    "/views/new",
    "/notices",
    "/board",
    "/reports",
    "/reports/tickets?measures=backlog",
    "/ratings",
    "/contacts",
    "/contacts/1",
    "/companies",
    "/knowledge",
    "/knowledge/how-do-i-reset-my-hub",
    "/knowledge/articles/1/edit",
    "/settings",
    "/settings/me",
    "/settings/rules/1",
    "/settings/sla/1",
    "/settings/calendars/1",
]
ARABIC = ["/help/ar", "/help/ar/search?q=hub", "/help/ar/contact", "/help/ar/sign-in"]
TURN = """document.addEventListener("DOMContentLoaded", () => { document.documentElement.dir = "rtl" })"""
POINTING = """() => [...document.querySelectorAll(".icon.onward")].filter((each) => each.checkVisibility())
  .map((each) => getComputedStyle(each).scale)"""


async def things(scene: Scene) -> None:
    """One of each that has a page of its own."""
    await library(scene)
    await brand(scene, "Lumen", contact_inbox_id=await form_inbox(scene))
    await there_is(scene, "Mark hubs", CREATED, tag("hub"), when=where("subject", "contains", "hub"))
    ticket = await scene.receives(
        mail("My hub does not start.", subject="The hub is dead", name="Marta Silva")
    )
    await settle(scene)
    await scene.replies(ticket, "Please hold the power key for ten seconds.")
    async with committed(scene.desk.sessions) as session:
        ada = scene.agents["Ada"]
        session.add(Macro(owner_id=ada.id, name="Reset", body="Hold the key.", actions=[tag("hub")]))
        hook, _ = webhooks.made(
            scene.desk.keys,
            name="Shop",
            url="https://shop.example/hooks",
            events=["ticket.created"],
            includes=[],
            by=ada,
        )
        session.add(hook)
        await session.flush()
        failed = {"at": now().isoformat(), "ms": 31, "status": 503, "trouble": "It answered 503."}
        session.add(
            webhooks.Delivery(
                webhook_id=hook.id,
                event_id=1,
                type="ticket.created",
                body='{"type":"ticket.created","data":{"number":1}}',
                state=webhooks.State.dead,
                since=now(),
                next_at=now(),
                attempts=1,
                status=503,
                trouble="It answered 503.",
                answer="Service Unavailable",
                tries=[failed],
            )
        )


async def test_pages_of_one_rule_macro_webhook_brand_article_and_report(
    browser: Browser, scene: Scene, url: str
) -> None:
    await things(scene)
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await looked_at(ada, ONE)


async def test_the_console_from_right_to_left(browser: Browser, scene: Scene, url: str) -> None:
    """It speaks English yet; what it is made of must not break where a language turns it over."""
    await things(scene)
    async with person(browser, url, viewport=WIDE) as ada:
        await ada.sign_in("ada@desk.example")
        await ada.context.add_init_script(TURN)
        await mirrored(ada, MIRRORED)


async def test_what_customers_see_in_arabic(browser: Browser, scene: Scene, url: str) -> None:
    await library(scene)
    await brand(scene, "Lumen", languages=("en", "ar"), contact_inbox_id=await form_inbox(scene))
    article = await published(scene, "كيف أعيد ضبط الموزع؟", "اضغط على الزر لمدة عشر ثوان.", locale="ar")
    async with person(browser, url, viewport=WIDE, locale="ar") as visitor:
        await mirrored(visitor, [*ARABIC, f"/help/ar/articles/{quote(article.slug)}"])


async def mirrored(who: Watched, addresses: list[str]) -> None:
    """Each in both widths; all are looked at before anything is said."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        answer = await who.page.goto(who.url + address)
        assert answer
        assert answer.status == 200, address
        assert await who.page.evaluate("getComputedStyle(document.body).direction") == "rtl", address
        if broken := await turned_over(who.page):
            found[address] = broken
    assert not found, told(found)
    who.assert_clean()


async def turned_over(page: Page) -> list[str]:
    """What is wrong with a page that runs from right to left."""
    found = []
    for theme, size in (("light", WIDE), ("dark", PHONE)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size(size)
        found += [f"{theme}, {size['width']}: {each}" for each in await violations(page)]
        found += [f"an arrow points back: {each}" for each in await page.evaluate(POINTING) if each != "-1 1"]
    await page.set_viewport_size(NARROWEST)
    has, given = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    if has > given:
        found.append(f"is {has} wide where {given} are given")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(WIDE)
    return found
