"""A mail's own HTML: shown as it was meant, and harmless whatever it was meant for."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from playwright.async_api import Dialog, Request, Route, async_playwright

from helpdesk.messages import Upload
from tests.conftest import CORPORA, missing
from tests.scenes import mail
from tests.web.served import Console
from web.console.originals import DATA_PICTURE, PAGE, TAGS, sanitised

PIXEL = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOOK = "for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => console.log('RAN')"
POKE = """document.querySelectorAll("*").forEach((element) => {
  element.focus?.()
  element.dispatchEvent(new MouseEvent("mouseover"))
})"""
BATCH = 20


def attacks() -> list[str]:
    path = CORPORA / "security/xss.jsonl"
    if not path.exists():
        missing(str(path))
    return [json.loads(line)["html"] for line in path.read_text().splitlines()]


class Auditor(HTMLParser):
    """Collects what a sanitised text must not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.bad.append(tag)
        for name, value in attrs:
            text = re.sub(r"[\t\r\n]", "", value or "").strip().lower()  # as a browser reads an address
            if name.startswith("on") or name in {"srcset", "ping", "background", "formaction", "id", "class"}:
                self.bad.append(f"{tag} {name}")
            elif name == "href" and not text.startswith(("http://", "https://", "mailto:", "tel:")):
                self.bad.append(f"{tag} href={value}")
            elif name == "src" and not DATA_PICTURE.match(value or ""):
                self.bad.append(f"{tag} src={value}")
            elif name == "style" and ("url(" in text or "expression" in text):
                self.bad.append(f"{tag} style={value}")


def test_no_attack_of_the_corpus_survives():
    for html in attacks():
        auditor = Auditor()
        auditor.feed(sanitised(html, embedded={}, remote=False))
        assert not auditor.bad, html


@pytest.mark.browser
async def test_no_attack_runs_or_phones_home_in_a_real_browser():
    """Without the frame's sandbox and policy, which would stop it too: the sanitiser alone has to hold."""
    if not (chromium := shutil.which("chromium")):
        missing("chromium")
    ran: list[str] = []
    html = [sanitised(attack, embedded={}, remote=False) for attack in attacks()]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        page = await browser.new_page()

        async def refuse(route: Route, request: Request) -> None:
            ran.append(request.url)
            await route.abort()

        async def dialog(shown: Dialog) -> None:
            ran.append(shown.message)
            await shown.dismiss()

        await page.route("**/*", refuse)
        page.on("dialog", dialog)
        await page.add_init_script(HOOK)
        page.on("console", lambda message: ran.append(message.text) if message.text == "RAN" else None)
        for start in range(0, len(html), BATCH):
            body = "".join(f"<div>{part}</div>" for part in html[start : start + BATCH])
            await page.set_content(PAGE.format(body), wait_until="load")
            await page.evaluate(POKE)
        await browser.close()
    assert not ran


async def test_an_original_is_shown_in_a_frame_without_an_origin(console: Console):
    html = '<p style="color:red">Hello <b>you</b></p><script>alert(1)</script><img src="https://spy.example/pixel.gif">'
    ticket = await console.scene.receives(mail(html=html))
    message = (await console.scene.messages(ticket))[0]
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    path = f"/tickets/{ticket.number}/messages/{message.id}/html"
    shown = await ada.get(path)
    assert "<b>you</b>" in shown.text
    assert "script" not in shown.text
    assert "spy.example" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert policy.split("; ")[-1] == "img-src data:"
    asked = await ada.get(f"{path}?images=true")
    assert "spy.example/pixel.gif" in asked.text
    assert "https:" in asked.headers["content-security-policy"]


async def test_pictures_that_came_along_are_in_their_place(console: Console):
    html = '<img src="cid:logo@there"><img src="cid:unknown"><a href="data:text/html,x">x</a>'
    upload = Upload(
        name="l.png", content_type="image/png", content=PIXEL, content_id="logo@there", inline=True
    )
    ticket = await console.scene.receives(mail(html=html, attachments=(upload,)))
    message = (await console.scene.messages(ticket))[0]
    ada = await console.person("Ada")
    shown = (await ada.get(f"/tickets/{ticket.number}/messages/{message.id}/html")).text
    assert shown.count("data:image/png;base64,iVBOR") == 1
    assert "cid:" not in shown
    assert "data:text" not in shown
