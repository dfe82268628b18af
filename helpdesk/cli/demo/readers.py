"""Who read the demo's help centre, day by day, and said whether it helped: the same in every demo."""

from datetime import timedelta
from random import Random

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import clock
from helpdesk.cli.demo.content import FOLDER, Told, toml
from kb import feedback
from kb.articles import Article, Audience, State

SATURDAY = 5


class Read(Told, frozen=True):
    slug: str
    reads: float | None = None
    """A working day."""
    helpful: float | None = None
    """Of those who say anything."""
    comments: tuple[str, ...] = ()


class Readers(Told, frozen=True):
    days: int
    weekend: float
    votes: float
    helpful: float
    reads: float
    articles: tuple[Read, ...] = msgspec.field(default=())


async def come(session: AsyncSession) -> None:
    """After the articles are published."""
    told, random = toml(FOLDER / "readers.toml", Readers), Random(4)  # noqa: S311 - a story, no secret
    named = {each.slug: each for each in told.articles}
    published = Article.state == State.published, Article.audience == Audience.public, Article.locale == "en"
    articles = (await session.scalars(select(Article).where(*published).order_by(Article.slug))).all()
    for ago in range(told.days, 0, -1):
        with clock.moved(-timedelta(days=ago)):
            views = feedback.Views()
            for article in articles:
                share = told.weekend if clock.now().weekday() >= SATURDAY else 1
                each = named.get(article.slug, Read(article.slug))
                reads = round(random.gammavariate(3, (each.reads or told.reads) * share / 3))
                for _ in range(reads):
                    views.count(article.id)
                for n in range(reads):
                    if random.random() < told.votes:
                        await _say(session, article, each.helpful or told.helpful, f"{ago}.{n}", random)
            await views.write(session)
    for article in articles:
        for n, comment in enumerate(named.get(article.slug, Read(article.slug)).comments):
            with clock.moved(-timedelta(days=3 + 8 * n)):
                await _say(session, article, 0, f"comment {n}", random, comment)


async def _say(
    session: AsyncSession, article: Article, helpful: float, name: str, random: Random, comment: str = ""
) -> None:
    reader = feedback.who(b"the demo's readers", f"{article.slug}.{name}")
    said = random.random() < helpful
    await feedback.give(session, article, reader=reader, helpful=said, comment=comment)
