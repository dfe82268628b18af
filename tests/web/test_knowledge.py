"""Asking the articles: beside a ticket, on their own page, and before the model is there."""

from pathlib import Path

import pytest

from ai.embedding import embedder
from helpdesk.database import committed
from helpdesk.settings import Settings
from kb.articles import Article, Audience
from kb.index import index_changed, weigh_lexemes
from tests.models import model_home
from tests.scenes import mail
from tests.web.served import Console

__all__ = ["model_home"]

ARTICLES = {
    "How long a refund takes": ("A refund reaches your card within five working days.", Audience.public),
    "Invite your colleagues": ("Open Settings, then People, and choose Invite.", Audience.public),
    "Goodwill credits": ("You may give money back up to 50 euros without asking.", Audience.internal),
}
BESIDE = {"hx-request": "true", "hx-target": "div#beside"}
FOUND = {"hx-request": "true", "hx-target": "div#found"}


async def written(console: Console) -> None:
    async with committed(console.scene.desk.sessions) as session:
        for title, (body, audience) in ARTICLES.items():
            article = Article.write(title, body, audience=audience)
            article.publish()
            session.add(article)


@pytest.fixture
async def known(console: Console, model_home: Path) -> Console:
    """A console whose articles are in the index, and whose model is exported."""
    await written(console)
    console.scene.desk.settings.models.symlink_to(model_home / "models")
    async with committed(console.scene.desk.sessions) as session:
        await index_changed(session, embedder(Settings(home=model_home)))
        await weigh_lexemes(session)
    return console


@pytest.mark.models
async def test_a_question_finds_the_passage_that_means_it(known: Console):
    """None of its telling words stands in the article."""
    ada = await known.person("Ada")
    text = (await ada.get("/knowledge?q=when+do+I+get+my+money+back", headers=BESIDE)).text
    assert text.index("How long a refund takes") < text.find("Invite your colleagues") % len(text)
    assert 'data-insert="A refund reaches your card within five working days."' in text
    assert "<html" not in text


@pytest.mark.models
async def test_what_is_only_for_colleagues_is_found_but_never_offered_for_a_reply(known: Console):
    ada = await known.person("Ada")
    text = (await ada.get("/knowledge?q=goodwill+credits", headers=BESIDE)).text
    assert "You may give money back up to 50 euros" in text
    assert "Only for us" in text
    assert 'data-insert="You may' not in text


@pytest.mark.models
async def test_who_may_not_reply_finds_without_being_offered_to_insert(known: Console):
    lou = await known.stranger()
    await lou.sign_in("lou@desk.example")
    text = (await lou.get("/knowledge?q=refund", headers=BESIDE)).text
    assert "How long a refund takes" in text
    assert "data-insert" not in text


@pytest.mark.models
async def test_the_page_of_articles_answers_the_same_question(known: Console):
    ada = await known.person("Ada")
    page = (await ada.look("/knowledge?q=refund")).text
    assert 'class="hit"' in page
    assert "data-insert" not in page
    part = (await ada.get("/knowledge?q=refund", headers=FOUND)).text
    assert part.strip() in page
    assert 'class="table articles"' in (await ada.get("/knowledge?q=", headers=FOUND)).text


async def test_before_the_model_is_there_the_desk_says_so_and_still_lists_its_articles(console: Console):
    await written(console)
    ada = await console.person("Ada")
    answer = await ada.get("/knowledge?q=refund", headers=BESIDE)
    assert answer.status_code == 200
    assert "still being prepared" in answer.text
    assert "How long a refund takes" in (await ada.look("/knowledge")).text


async def test_every_composer_asks_for_what_the_ticket_is_about(console: Console):
    ticket = await console.scene.receives(mail(subject="Refund & more"))
    ada = await console.person("Ada")
    assert 'hx-get="/knowledge?q=Refund%20%26%20more"' in (await ada.look(f"/tickets/{ticket.number}")).text
