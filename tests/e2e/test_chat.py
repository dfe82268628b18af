"""A chat on somebody else's page: two visitors, an agent who answers live, and a line that breaks."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.async_api import Browser, Frame, Page, expect
from sqlalchemy import select

from helpdesk import codes
from helpdesk.chat import ChatCode, proving
from helpdesk.inboxes import Inbox
from tests.e2e.conftest import Watched, person, picture
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox, signed
from tests.workers.hands import eventually

pytestmark = pytest.mark.browser
POLICY = "default-src 'none'; script-src 'unsafe-inline' {desk}; frame-src {desk}; style-src 'none'"


class Site:
    """A shop on an origin of its own, under a policy as strict as it can be: it includes one script of the desk's."""

    def __init__(self) -> None:
        self.desk, self.said, self.attributes = "", "", ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html; charset=utf-8")
                origin = "/".join(site.desk.split("/")[:3])
                self.send_header("content-security-policy", POLICY.format(desk=origin))
                self.end_headers()
                self.wfile.write(site.html.encode())

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        """On the desk's own site, as help.example.com is on example.com's, and yet of another origin."""
        self.far = f"http://localhost:{self.server.server_port}"
        """On another site altogether: there a private window keeps nothing for a frame."""
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shows(self, chat: Inbox, url: str) -> None:
        """A chat of the desk at this address."""
        self.desk = f"{url}/chat/{chat.public_id}"

    @property
    def html(self) -> str:
        return (
            "<!doctype html><html lang=en><title>Lamps</title><h1>Lamps</h1>"
            f"<script>window.helpdesk = {self.said or '[]'}; heard = []</script>"
            f'<script async src="{self.desk}/widget.js" {self.attributes}></script></html>'
        )


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.shutdown()


async def frame_of(page: Page) -> Frame:
    for _ in range(200):
        found = next((each for each in page.frames if "/frame" in each.url), None)
        if found and await found.locator("textarea").count():
            return found
        await page.wait_for_timeout(50)
    raise AssertionError(f"the frame did not come: {[each.url for each in page.frames]}")


async def write(frame: Frame, text: str) -> None:
    await frame.get_by_label("Write a message").fill(text)
    await frame.get_by_role("button", name="Send", exact=True).click()


async def answer(ada: Watched, text: str) -> None:
    await ada.page.locator("textarea[data-mode=reply]").fill(text)
    await ada.page.keyboard.press("Control+Enter")


async def test_a_visitor_writes_on_another_site_and_is_answered_live(
    browser: Browser, scene: Scene, url: str, site: Site
):
    chat = await chat_inbox(
        scene,
        origins=site.url,
        reply_time="We answer within minutes.",
        greeting="Hi there",
        puzzle="always",
        mail_through=scene.inbox.id,
    )
    site.shows(chat, url)
    async with person(browser, url) as ada, person(browser, url) as visitor:
        visitor.context.on("weberror", lambda error: visitor.broken.append(str(error.error)))
        await visitor.page.goto(site.url)
        await visitor.page.get_by_role("button", name="Open the chat").press("Enter")
        frame = await frame_of(visitor.page)
        await expect(frame.get_by_label("Write a message")).to_be_focused()
        await picture(visitor.page, "chat-home")
        await frame.get_by_label("Your e-mail address").fill("marta@lumen.example")
        await write(frame, "Is the blue lamp <b>back</b>?")
        await expect(frame.locator(".own .text")).to_have_text("Is the blue lamp <b>back</b>?")
        await expect(frame.locator(".introduction")).to_have_count(0)

        await ada.sign_in("ada@desk.example")
        await expect(frame.locator(".own time")).to_be_visible()
        (ticket,) = await eventually(scene.tickets, within=20)
        await ada.page.goto(f"{url}/tickets/{ticket.number}?view=all")
        await answer(ada, "Next week. See https://lamps.example/blue")
        said = frame.locator(".agent .text")
        await expect(said).to_have_text("Next week. See https://lamps.example/blue", timeout=20_000)
        await expect(ada.page.locator(".visitor-line")).to_contain_text("On the site now")
        mark = ada.page.locator("#list .on-site")
        await expect(mark).to_have_text("On the site", use_inner_text=True)
        await frame.get_by_label("Write a message").press_sequentially("Th")
        await expect(mark).to_have_text("Typing …", use_inner_text=True)
        await picture(ada.page, "chat-console")
        await expect(said.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer nofollow")
        await picture(visitor.page, "chat-talk")

        # The line breaks: what is written meanwhile arrives once it is back, both ways, once.
        await visitor.context.set_offline(True)
        await write(frame, "Thank you, I wait")
        await expect(frame.locator(".own").last).to_contain_text("Not sent yet", timeout=20_000)
        await answer(ada, "Shall I keep one for you?")
        await expect(ada.page.locator("#thread")).to_contain_text("Shall I keep one for you?", timeout=20_000)
        await visitor.context.set_offline(False)
        await expect(frame.locator(".agent .text").last).to_have_text(
            "Shall I keep one for you?", timeout=25_000
        )
        await expect(ada.page.locator("#thread")).to_contain_text("Thank you, I wait", timeout=25_000)
        await expect(frame.get_by_text("Thank you, I wait")).to_have_count(1)

        # Closed, it counts; the next page of the site still knows.
        await visitor.page.keyboard.press("Escape")
        await expect(visitor.page.get_by_role("button", name="Open the chat")).to_be_focused()
        await answer(ada, "It is yours.")
        await expect(visitor.page.get_by_role("button", name="unread messages")).to_be_visible(timeout=15_000)
        await visitor.page.reload()
        await visitor.page.get_by_role("button", name="unread messages").click(timeout=15_000)
        frame = await frame_of(visitor.page)
        await expect(frame.locator(".agent .text").last).to_have_text("It is yours.")
        await proves_their_address(scene, visitor, ada, frame)
        # What it looks like is seen before it is saved.
        await ada.page.goto(f"{url}/settings/chat/{chat.id}")
        preview = ada.page.frame_locator(".chat-frame")
        await expect(preview.get_by_text("Hi there")).to_be_visible(timeout=20_000)
        await ada.page.get_by_label("Greeting").fill("Good evening")
        await expect(preview.get_by_text("Good evening")).to_be_visible()
        await picture(ada.page, "chat-settings")
        assert (
            await visitor.page.evaluate("document.cookie + localStorage.length + sessionStorage.length")
            == "00"
        )
        expected = ("ERR_INTERNET_DISCONNECTED", "status of 400")  # the line that broke, and the wrong code
        assert not [each for each in visitor.broken if not any(words in each for words in expected)]
        ada.assert_clean()


async def proves_their_address(scene: Scene, visitor: Watched, ada: Watched, frame: Frame) -> None:
    """By keyboard alone, as far as it goes: a wrong code is told, the right one makes them that customer."""
    before = await scene.receives(mail(sender="marta@lumen.example"))
    await frame.get_by_role("button", name="More").press("Enter")
    await frame.get_by_role("button", name="Confirm your e-mail address").press("Enter")
    await expect(frame.get_by_label("Your e-mail address")).to_be_focused()
    await expect(frame.get_by_label("Your e-mail address")).to_have_value("marta@lumen.example")
    await visitor.page.keyboard.press("Enter")
    typed = frame.get_by_label("The six digits from the mail")
    await expect(typed).to_be_focused()
    async with scene.desk.sessions() as session:
        row = (await session.scalars(select(ChatCode))).one()
    code = codes.digits(scene.desk.keys, proving.PURPOSE, row.nonce)
    await typed.fill(f"{(int(code) + 1) % 1_000_000:06d}")
    await typed.press("Enter")
    await expect(frame.get_by_role("alert").filter(has_text="This code is not right")).to_be_visible()
    await picture(visitor.page, "chat-proof")
    await typed.fill(code)
    await typed.press("Enter")
    await expect(frame.locator(".agent .text").last).to_have_text("It is yours.")
    await expect(ada.page.locator(".visitor-line")).to_contain_text("Address proved by code", timeout=20_000)
    assert {ticket.contact_id for ticket in await scene.tickets()} == {before.contact_id}
    await picture(ada.page, "chat-proved")


async def test_a_customer_whom_the_site_vouches_for_and_a_site_that_may_not(
    browser: Browser, scene: Scene, url: str, site: Site
):
    chat = await chat_inbox(scene, origins=site.far, anonymous=False)
    site.shows(chat, url)
    before = await scene.receives(mail(sender="marta@lumen.example"))
    site.said = f'[["identify", "{signed(email="marta@lumen.example", name="Marta")}"], ["open"]]'
    site.attributes = 'data-lang="ar"'
    async with person(browser, url, viewport={"width": 390, "height": 780}, color_scheme="dark") as marta:
        await marta.page.goto(site.far)
        frame = await frame_of(marta.page)
        assert await frame.locator("html").get_attribute("dir") == "rtl"
        assert await frame.locator("html").evaluate("page => page.scrollWidth <= page.clientWidth")
        await frame.locator(".composer .row textarea").fill("Where is it?")
        await frame.locator(".composer .row textarea").press("Enter")
        await expect(frame.locator(".own .text")).to_have_text("Where is it?")
        await expect(frame.locator(".own time")).to_be_visible()

        async def second() -> bool:
            return len(await scene.tickets()) == 2

        await eventually(second, within=20)
        assert (await scene.tickets())[-1].contact_id == before.contact_id
        await picture(marta.page, "chat-phone")
    async with person(browser, url) as stranger:
        await stranger.page.goto(site.url)  # not a site that was named
        await stranger.page.wait_for_timeout(1500)
        assert any("frame-ancestors" in each for each in stranger.broken)


async def test_what_a_page_gets_wrong_keeps_no_chat_away(
    browser: Browser, scene: Scene, url: str, site: Site
):
    """Garbage before the script is there, and after it; the chat opens, and the page hears of it."""
    chat = await chat_inbox(scene, origins=site.url)
    site.shows(chat, url)
    site.said = """[null, 7, "open", [], ["__proto__"], ["constructor"], [{}], ["on", "toString", 1],
        ["on", "open", "no function"], ["setFields", {order: () => 1}], ["setFields", null],
        ["on", "ready", () => heard.push("ready")], ["on", "open", () => heard.push("open")], ["open"]]"""
    async with person(browser, url) as visitor:
        await visitor.page.goto(site.url)
        frame = await frame_of(visitor.page)
        await expect(frame.get_by_label("Write a message")).to_be_visible()
        await visitor.page.wait_for_function("heard.includes('ready') && heard.includes('open')")
        await visitor.page.evaluate(
            """() => {
                for (const junk of [null, 7, "x", [], {kind: "open"}, {helpdesk: 1, kind: "__proto__"},
                    {helpdesk: 1, kind: "constructor", value: {}}, {helpdesk: 1, kind: "close"}])
                    postMessage(junk, "*")
                helpdesk.on("hasOwnProperty", () => heard.push("never"))
                helpdesk.setFields({order: "A-17", made: () => 1})
            }"""
        )
        await write(frame, "Still here")
        await expect(frame.locator(".own time")).to_be_visible()
        visitor.broken.clear()  # what the page itself got wrong is told to its console
