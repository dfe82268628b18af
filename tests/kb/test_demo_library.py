"""The demo's help centre has every kind of reader in it, and every state a visitor should see."""

from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.cli.demo import content, library, seeding
from helpdesk.cli.demo.content import FOLDER, toml
from helpdesk.cli.demo.readers import Readers
from helpdesk.desk import Desk
from kb import feedback
from kb.articles import Article, ArticleCompany, Audience, State
from kb.shelves import Tree


async def test_articles_stand_on_shelves_and_some_are_not_for_everybody(session: AsyncSession, desk: Desk):
    company = content.load()
    seeding.people(desk, session, company, 25)
    await session.flush()
    await seeding.articles(session, company)
    await session.flush()
    articles = (await session.scalars(select(Article))).all()
    assert len(articles) == len(company.articles) + len(library.load().articles)
    assert all(article.category_id for article in articles)
    audiences = Counter(article.audience for article in articles)
    assert (audiences[Audience.internal], audiences[Audience.companies]) == (2, 1)
    assert await session.scalar(select(func.count()).select_from(ArticleCompany)) == 1
    assert [article.slug for article in articles if article.state is State.review] == ["from-paper"]
    (german,) = [article for article in articles if article.locale == "de"]
    assert (german.slug, (await session.get_one(Article, german.source_id)).slug) == ("refunds", "refunds")
    tree = await Tree.load(session)
    assert [len(tree.walk(collection.id)) for collection in tree.collections] == [2, 2, 1, 2]


async def test_it_was_read_and_people_said_whether_it_helped(session: AsyncSession, desk: Desk):
    company = content.load()
    seeding.people(desk, session, company, 25)
    await session.flush()
    await seeding.articles(session, company)
    ids = {article.slug: article.id for article in await session.scalars(select(Article))}
    assert {each.slug for each in toml(FOLDER / "readers.toml", Readers).articles} <= set(ids)
    figures = await feedback.figures(session, list(ids.values()))
    most = max(figures, key=lambda each: figures[each].views)
    assert most == ids["reset-password"]
    assert figures[ids["goodwill"]] == feedback.Figures(), "colleagues' articles are read by no customer"
    printer = figures[ids["printer-troubleshooting"]]
    assert printer.not_helpful > 2
    assert (printer.helpfulness or 0) < (figures[most].helpfulness or 0)
    assert await session.scalar(select(func.count()).where(feedback.Feedback.comment != "")) == 3
