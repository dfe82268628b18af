"""A customer's own tickets: a link by mail lets them in, they read and answer what they wrote by several channels,
what a colleague of theirs wrote where their company shares it, nobody else's, and nothing once they signed out."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from sqlalchemy import select, update

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent, Company, Contact
from tests.channels.email.dovecot import Dovecot
from tests.e2e.conftest import PASSWORD, Watched, leads_to, person, picture, process, real_inbox
from tests.e2e.test_chat import Site, frame_of, site, write
from tests.e2e.test_whole_path import Postman, postman, until
from tests.scenes import Scene, mail
from tests.web.chatting import chat_inbox, signed
from tests.web.test_help_centre import brand
from tests.web.test_help_centre_customers import form_inbox
from tests.workers.hands import eventually
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.mail]
__all__ = ["postman", "site"]
MARTA = "marta@lumen.example"


@pytest.fixture
async def support(scene: Scene, mailbox: Dovecot, postman: tuple[Postman, int]) -> Inbox:
    async with committed(scene.desk.sessions) as session:
        inbox = await real_inbox(session, scene, mailbox, postman[1])
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
    form = await form_inbox(scene)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Inbox).where(Inbox.id == form).values(answers_through_id=inbox.id))
        await session.execute(update(Inbox).where(Inbox.id == scene.inbox.id).values(active=False))
    await brand(scene, "Lumen", contact_inbox_id=form)
    return inbox


async def test_from_the_mailed_link_to_signing_out(
    browser: Browser,
    scene: Scene,
    support: Inbox,
    mailbox: Dovecot,
    postman: tuple[Postman, int],
    site: Site,
    tmp_path: Path,
) -> None:
    expect.set_options(timeout=30_000)
    by_mail = await scene.receives(
        mail("My hub does not start.", subject="Hub is dead", name="Marta Silva"), inbox=support
    )
    await scene.replies(by_mail, "Does the light turn green?")
    jons = await scene.receives(
        mail("The invoice names the wrong street.", subject="Wrong street", sender="jon@lumen.example"),
        inbox=support,
    )
    eves = await scene.receives(
        mail("Nobody may read this.", subject="Of Eve", sender="eve@evil.example"), inbox=support
    )
    chat = await chat_inbox(scene, origins=site.url)
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{postman[1]}"
    with process(tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        site.desk = f"{url}/chat/{chat.public_id}"
        async with person(browser, url) as marta, person(browser, url) as ada:
            await chats(browser, url, scene, site)
            await writes_by_the_form(marta)
            await signs_in(marta, postman[0])
            page = marta.page
            for subject in ("Hub is dead", "Is the blue lamp back?", "Where do I change my address?"):
                await expect(own(page, subject)).to_be_visible()
            await expect(page.get_by_role("main")).not_to_contain_text("Wrong street")
            await looks(page, "own-tickets")

            await ada.sign_in("ada@desk.example")
            await answers(marta, ada, by_mail.number)
            await sees_colleagues(marta, ada, scene, jons.number)
            await finds_nobody_elses(marta, eves.number)
            await signs_out(marta, by_mail.number)
            ada.assert_clean()
            assert not [each for each in marta.broken if "status of 404" not in each]
            assert not marta.foreign


def own(page: Page, subject: str) -> Locator:
    return page.get_by_role("main").get_by_role("link", name=subject, exact=False)


async def chats(browser: Browser, url: str, scene: Scene, site: Site) -> None:
    """On the company's site, where she is signed in."""
    site.said = f'[["identify", "{signed(email=MARTA, name="Marta Silva")}"], ["open"]]'
    async with person(browser, url) as marta:
        await marta.page.goto(site.url)
        frame = await frame_of(marta.page)
        await write(frame, "Is the blue lamp back?")

        async def filed() -> bool:
            return len(await scene.tickets()) == 4

        await eventually(filed, within=60)


async def writes_by_the_form(marta: Watched) -> None:
    """Sent only after the few seconds that a person needs for it."""
    page = marta.page
    await page.goto(f"{marta.url}/help/contact")
    await page.get_by_label("E-mail address").fill(MARTA)
    await page.get_by_label("Message").press_sequentially("Where do I change my address?", delay=100)
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("status")).to_contain_text("Thank you, your message is here")


async def signs_in(marta: Watched, post: Postman) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help")
    await page.get_by_role("link", name="Sign in").first.click()
    await looks(page, "own-sign-in")
    await page.get_by_label("E-mail address").fill(MARTA)
    await page.get_by_role("button", name="Send me a link").click()
    await expect(page.get_by_role("status")).to_contain_text("If we know this address")
    found: list[str] = []

    def came() -> bool:
        texts = [str(each.get_body(("plain",)).get_content()) for each in post.delivered]  # type: ignore[union-attr]
        found[:] = [
            link for text in texts for link in re.findall(r"^https?://\S+/sign-in/\S+", text, re.MULTILINE)
        ]
        return bool(found)

    await until(came, 60)
    await page.goto(found[-1])
    await looks(page, "own-arrive")
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/help/tickets")


async def answers(marta: Watched, ada: Watched, number: int) -> None:
    """Here, and it is in the ticket that a colleague has open."""
    page = marta.page
    await ada.page.goto(f"{ada.url}/tickets/{number}")
    await own(page, "Hub is dead").click()
    await expect(page.locator(".ours")).to_contain_text("Does the light turn green?")
    await page.get_by_label("Your answer").fill("It stays red.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_role("status")).to_contain_text("Your answer is here.")
    await expect(page.locator(".theirs").last).to_contain_text("It stays red.")
    await expect(ada.page.locator("#thread")).to_contain_text("It stays red.")
    await looks(page, "own-ticket")
    await ada.page.get_by_role("textbox", name="Reply", exact=True).fill("Then we send a new one.")
    await ada.page.keyboard.press("Control+Enter")
    await expect(ada.page.locator(".message.ours").last).to_contain_text("Then we send a new one.")

    async def told() -> bool:
        await page.reload()
        return await page.locator(".ours", has_text="Then we send a new one.").count() > 0

    await eventually(told, within=60)
    await page.get_by_role("link", name="My tickets").first.click()
    await own(page, "Is the blue lamp back?").click()
    await page.get_by_label("Your answer").fill("I ask here since I closed the chat.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".theirs").last).to_contain_text("since I closed the chat")


async def sees_colleagues(marta: Watched, ada: Watched, scene: Scene, number: int) -> None:
    """From when on somebody at the desk allows it, and not a moment before."""
    async with committed(scene.desk.sessions) as session:
        lumen = Company(name="Lumen Works", fields={})
        session.add(lumen)
        await session.flush()
        lumens = select(Contact.id).where(Contact.name.in_(["Marta Silva", "Jon"]))
        await session.execute(update(Contact).where(Contact.id.in_(lumens)).values(company_id=lumen.id))
    page = marta.page
    await page.goto(f"{marta.url}/help/tickets/{number}")
    await expect(page.get_by_role("main")).not_to_contain_text("wrong street")
    await ada.page.goto(f"{ada.url}/companies/{lumen.id}")
    await ada.page.locator(".edit-here summary").click()
    await ada.page.get_by_label("see each other's tickets", exact=False).check()
    async with leads_to(ada.page, f"**/companies/{lumen.id}**"):
        await ada.page.get_by_role("button", name="Save").first.click()
    await page.goto(f"{marta.url}/help/tickets")
    await page.get_by_role("link", name="Open at Lumen Works").click()
    await expect(own(page, "Wrong street")).to_contain_text("Jon")
    await looks(page, "own-company")
    await own(page, "Wrong street").click()
    await expect(page.get_by_role("main")).to_contain_text("The invoice names the wrong street.")
    await expect(page.get_by_role("main")).to_contain_text("Asked by Jon")


async def finds_nobody_elses(marta: Watched, number: int) -> None:
    page = marta.page
    answer = await page.goto(f"{marta.url}/help/tickets/{number}")
    assert answer
    assert answer.status == 404
    await expect(page.get_by_role("main")).not_to_contain_text("Nobody may read this")
    await looks(page, "own-lost")


async def signs_out(marta: Watched, number: int) -> None:
    page = marta.page
    await page.goto(f"{marta.url}/help/tickets")
    await page.get_by_role("button", name="Sign out", exact=True).click()
    await page.wait_for_url("**/help")
    for path in ("/help/tickets", f"/help/tickets/{number}"):
        await page.goto(f"{marta.url}{path}")
        assert "/help/sign-in?next=" in page.url
        await expect(page.get_by_role("main")).not_to_contain_text("Hub is dead")


async def looks(page: Page, name: str) -> None:
    """Wide and narrow, light and dark: nothing stands out at the side."""
    for theme, width in (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await picture(page, f"{name}-{theme}-{width}")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": 1280, "height": 844})
