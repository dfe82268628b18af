"""The settings of the search: how far the index is, languages, words that mean the same."""

from sqlalchemy import select, update

from helpdesk.database import committed
from helpdesk.tickets import Ticket
from kb import serving
from kb.articles import Article
from kb.index import index_changed
from kb.words import WordGroup
from tests.kb.hashing import Hashing
from tests.scenes import mail
from tests.web.served import Console


async def test_words_are_added_changed_and_deleted(console: Console):
    ada = await console.person("Ada")
    await ada.does("/settings/search/words", data={"words": "Sign in, log in,login"})
    page = (await ada.get("/settings/search")).text
    assert "sign in, log in, login" in page
    async with console.scene.desk.sessions() as session:
        group = (await session.scalars(select(WordGroup))).one()
    await ada.does(f"/settings/search/words/{group.id}", data={"words": "bill, invoice", "one_way": "true"})
    assert "one way" in (await ada.get("/settings/search")).text
    await ada.does(f"/settings/search/words/{group.id}/removal", data={})
    assert "No groups yet" in (await ada.get("/settings/search")).text


async def test_a_group_of_one_is_refused_in_words(console: Console):
    ada = await console.person("Ada")
    answer = await ada.does("/settings/search/words", data={"words": "alone"})
    assert answer.status_code == 400
    assert "at least two" in answer.text


async def test_how_far_the_index_is(console: Console):
    ada = await console.person("Ada")
    old, new = Hashing("old@1"), Hashing("acme--many@2")
    async with committed(console.scene.desk.sessions) as session:
        for n in range(4):
            article = Article.write(f"Article {n}", "Something to read.")
            article.publish()
            session.add(article)
        await session.flush()
        await serving.want(session, old)
        await index_changed(session, old)
        await serving.want(session, new)
        await index_changed(session, new, limit=1)
    page = (await ada.get("/settings/search/progress")).text
    assert 'max="4" value="1"' in page
    assert "every 2s" in page
    assert "acme/many" in page
    assert "goes on with the model before" in page
    async with committed(console.scene.desk.sessions) as session:
        await index_changed(session, new)
        await serving.take_over(session, new)
    assert "Up to date" in (await ada.get("/settings/search/progress")).text


async def test_languages_that_the_model_does_not_read_are_named(console: Console):
    ada = await console.person("Ada")
    one = await console.scene.receives(mail("Wo ist meine Rechnung?"))
    async with committed(console.scene.desk.sessions) as session:
        await session.execute(update(Ticket).where(Ticket.id == one.id).values(language="de"))
    page = (await ada.get("/settings/search")).text
    assert "German" in page
    assert "does not read" in page
    assert "HELPDESK_EMBEDDING_MODEL" in page
