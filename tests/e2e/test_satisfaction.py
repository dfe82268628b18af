"""A customer is asked how it was: switched on, a ticket resolved, one press in the mail, and the console tells."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import update

from helpdesk.database import committed
from helpdesk.inboxes import Inbox
from helpdesk.people import Agent
from tests.channels.email.dovecot import Dovecot
from tests.e2e.conftest import PASSWORD, Watched, person, picture, process, real_inbox
from tests.e2e.test_whole_path import Postman, postman, until
from tests.scenes import Scene, mail
from web.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.mail]
__all__ = ["postman"]


@pytest.fixture
async def company(scene: Scene, mailbox: Dovecot, postman: tuple[Postman, int]) -> tuple[Scene, Inbox]:
    async with committed(scene.desk.sessions) as session:
        inbox = await real_inbox(session, scene, mailbox, postman[1])
        await session.execute(update(Agent).values(password_hash=hashed(PASSWORD)))
    return scene, inbox


async def test_from_the_switch_to_the_comment(
    browser: Browser,
    company: tuple[Scene, Inbox],
    mailbox: Dovecot,
    postman: tuple[Postman, int],
    tmp_path: Path,
):
    scene, inbox = company
    delivered = postman[0].delivered
    allowed = f"localhost:{mailbox.imaps},127.0.0.1:{postman[1]}"
    with process(tmp_path, scene.desk.database_url, HELPDESK_ALLOW_HOSTS=allowed) as url:
        async with person(browser, url) as ada, person(browser, url) as marta:
            await ada.sign_in("ada@desk.example")
            await switch_on(ada, inbox)
            asked = mail("I was charged twice.", subject="Charged twice", name="Marta Silva")
            ticket = await scene.receives(asked, inbox=inbox)
            await resolve(ada, ticket.number)
            await until(lambda: any("/rate/" in _text(each) for each in delivered), 60)
            survey = next(each for each in delivered if "/rate/" in _text(each))
            assert survey["auto-submitted"] == "auto-replied"
            links = re.findall(rf"{re.escape(url)}/rate/[\w-]+/\d", _text(survey))
            assert len(links) == 5
            await rate(marta, links)
            await told(ada, ticket.number)
            ada.assert_clean()
            marta.assert_clean()


def _text(letter: object) -> str:
    return str(letter.get_body(("plain",)).get_content())  # type: ignore[attr-defined]


async def switch_on(ada: Watched, inbox: Inbox) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/settings/satisfaction")
    await picture(page, "satisfaction-settings-off")
    await page.get_by_role("link", name="Lumen Support", exact=False).first.click()
    await page.get_by_label("Ask customers how it was").check()
    await page.get_by_label("Wait after the ticket was resolved").fill("0")
    frame = page.frame_locator("iframe.mail-preview")
    await expect(frame.get_by_text("Very good")).to_be_visible()
    await picture(page, "satisfaction-inbox")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    await page.goto(f"{ada.url}/settings/satisfaction")
    await expect(page.get_by_role("table")).to_contain_text("at once")


async def resolve(ada: Watched, number: int) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{number}")
    await page.get_by_role("textbox", name="Reply", exact=True).fill("Here is your money back.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".message.ours")).to_contain_text("money back")
    await page.locator("#work").get_by_role("button", name="Resolve", exact=False).first.click()
    await expect(page.locator("#thread")).to_contain_text("resolved the ticket")


async def rate(marta: Watched, links: list[str]) -> None:
    page = marta.page
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(links[0])  # the wrong one, by a slip of the thumb
    await expect(page.get_by_role("status")).to_contain_text("Thank you")
    await expect(page.get_by_role("radio", name="Very bad")).to_be_checked()
    assert not re.search(r"/\d$", page.url), "going back must not send it again"
    await expect(page.get_by_label("What went wrong?", exact=False)).to_be_visible()
    await picture(page, "rate-thanks-phone")
    await page.get_by_role("radio", name="Good", exact=True).check()
    await page.get_by_label("What went wrong?", exact=False).fill("Quick, and a human answered. شكرا")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status")).to_contain_text("saved")
    await expect(page.get_by_role("radio", name="Good", exact=True)).to_be_checked()
    await page.emulate_media(color_scheme="dark")
    await picture(page, "rate-saved-phone-dark")
    await without_scripts(marta, links[4])


async def without_scripts(marta: Watched, link: str) -> None:
    browser = marta.context.browser
    assert browser
    plain = await browser.new_context(java_script_enabled=False)
    page: Page = await plain.new_page()
    await page.goto(link)
    await picture(page, "rate-no-scripts")
    await page.get_by_role("button", name="Send this answer").click()
    await expect(page.get_by_role("radio", name="Very good")).to_be_checked()
    await plain.close()


async def told(ada: Watched, number: int) -> None:
    page = ada.page
    await page.goto(f"{ada.url}/tickets/{number}")
    await expect(page.locator(".rated")).to_contain_text("Very good")
    await expect(page.locator(".rated")).to_contain_text("a human answered")
    await expect(page.locator("#thread")).to_contain_text("rated the help: 1 of 5")
    await expect(page.locator("#thread")).to_contain_text("changed the rating from 4 to 5 of 5")
    await expect(page.locator("#thread .chip", has_text="Survey")).to_be_visible()
    await picture(page, "rated-ticket")
    await page.get_by_role("link", name="Customer ratings").click()
    await expect(page.get_by_role("main")).to_contain_text("n = 1, 95 % sure between 21 and 100 %")
    await page.get_by_label("In comments").fill("nothing like it")
    await expect(page.get_by_role("main")).to_contain_text("No such answers")
    await page.get_by_label("In comments").fill("human")
    await expect(page.locator(".answer")).to_have_count(1)
    await picture(page, "ratings-found")
