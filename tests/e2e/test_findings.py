"""What work teaches, in a browser: found from the articles, an article drafted of it, the other put away and back."""

import pytest
from playwright.async_api import Browser, expect

from ai.learning.findings import Finding, Kind, State
from helpdesk.database import committed
from kb.articles import Article
from tests.e2e.conftest import leads_to, person, picture
from tests.scenes import Scene, mail

pytestmark = [pytest.mark.browser]
ANSWER = "Hello,\n\nyou can redeem up to five gift cards in one order.\n\nKind regards\nAda"


async def test_an_editor_makes_an_article_of_what_was_answered(scene: Scene, browser: Browser, url: str):
    subjects = ["Two gift cards", "Gift cards at the checkout", "Site down"]
    tickets = [
        await scene.receives(mail(f"{one}, please?", sender=f"c{i}@x.example", subject=one))
        for i, one in enumerate(subjects)
    ]
    for ticket in tickets[:2]:
        await scene.does(ticket, "reply", ANSWER, by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        gap = [ticket.id for ticket in tickets[:2]]
        article = Article.write("Returns", "You can return a parcel within **14** days.")
        article.publish()
        session.add(article)
        await session.flush()
        other = {"says": "30 days", "instead": "14 days", "tickets": gap}
        edit = {"sentence": "You can return a parcel within 14 days.", "others": [other]}
        wrong = Finding(
            kind=Kind.contradiction, state=State.open, size=2, tickets=gap, article_id=article.id, edit=edit
        )
        session.add(wrong)
        session.add(Finding(kind=Kind.gap, state=State.open, size=2, cost=2, tickets=gap))
        session.add(Finding(kind=Kind.incident, state=State.open, size=5, tickets=[tickets[2].id]))
    async with person(browser, url) as ada:
        await ada.sign_in("ada@desk.example")
        page = ada.page
        await page.goto(f"{url}/knowledge")
        await page.get_by_role("link", name="What work teaches").first.click()
        await picture(page, "findings")
        down = page.locator(".finding").filter(has_text="Site down")
        await down.get_by_role("button", name="Put away").click()
        await expect(page.locator(".said-box")).to_contain_text("Put away")
        await expect(down).to_have_count(0)
        await page.get_by_role("link", name="Decided").click()
        async with leads_to(page, "**/findings?done=restored"):
            await down.get_by_role("button", name="Open again").click()
        await expect(down).to_be_visible()
        await page.set_viewport_size({"width": 390, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await picture(page, "findings-phone")
        await page.set_viewport_size({"width": 1280, "height": 800})
        await page.get_by_role("button", name="Draft an article").click()
        await page.wait_for_url("**/knowledge/articles/*/edit")
        await expect(page.get_by_role("textbox", name="Title")).to_have_value("Two gift cards, please?")
        await expect(page.locator("textarea").first).to_have_value(
            "you can redeem up to five gift cards in one order."
        )
        await page.goto(f"{url}/findings?kind=contradiction")
        await expect(page.locator(".finding ins")).to_have_text("30 days")
        await page.get_by_role("button", name="Change the article to that").click()
        await page.wait_for_url("**/knowledge/articles/*/edit")
        await expect(page.locator("textarea").first).to_have_value(
            "You can return a parcel within **30 days**."
        )
        await page.goto(f"{url}/tickets/{tickets[0].number}")
        await picture(page, "findings-ticket")
        ada.assert_clean()
