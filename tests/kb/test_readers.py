"""Who reads what: a canary in every article, and every kind of reader against each of them."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import OnnxEmbedder
from helpdesk import clock
from helpdesk.clock import now
from helpdesk.people import Company, Contact
from kb.articles import Article, ArticleCompany, Audience
from kb.index import index_changed, weigh_lexemes
from kb.readers import Reader, readable, readable_sql
from kb.search import search

HOUR = timedelta(hours=1)
PUBLIC = {"public"}
CUSTOMER = PUBLIC | {"customers"}


@dataclass
class People:
    acme: Contact
    other: Contact
    alone: Contact
    blocked: Contact


@pytest.fixture
async def people(session: AsyncSession) -> People:
    acme, other = Company(name="Acme"), Company(name="Other")
    session.add_all([acme, other])
    await session.flush()
    made = People(
        Contact(name="Ann", company_id=acme.id),
        Contact(name="Bob", company_id=other.id),
        Contact(name="Cid"),
        Contact(name="Dan", company_id=acme.id, blocked_at=now()),
    )
    session.add_all([made.acme, made.other, made.alone, made.blocked])
    for name, audience in {
        "public": Audience.public,
        "customers": Audience.customers,
        "acme": Audience.companies,
        "nobody's": Audience.companies,
        "internal": Audience.internal,
        "draft": Audience.public,
        "archived": Audience.public,
        "to come": Audience.public,
        "gone": Audience.public,
    }.items():
        article = Article.write(name, f"The canary of {name} sings of refunds.", audience=audience)
        if name != "draft":
            article.publish(at=now() + HOUR if name == "to come" else None)
        if name == "archived":
            article.archive()
        if name == "gone":
            article.archive_at = now() - HOUR
        session.add(article)
        await session.flush()
        if name == "acme":
            session.add(ArticleCompany(article_id=article.id, company_id=acme.id))
    await session.flush()
    return made


def readers(people: People) -> dict[str, tuple[Reader, set[str]]]:
    return {
        "nobody": (Reader(), set()),
        "anybody": (Reader.public(), PUBLIC),
        "acme's": (Reader.customer(people.acme), CUSTOMER | {"acme"}),
        "another company's": (Reader.customer(people.other), CUSTOMER),
        "without a company": (Reader.customer(people.alone), CUSTOMER),
        "blocked": (Reader.customer(people.blocked), PUBLIC),
        "colleague": (Reader.agent(), CUSTOMER | {"acme", "nobody's", "internal"}),
    }


async def titles(session: AsyncSession, reader: Reader) -> set[str]:
    return set(await session.scalars(select(Article.title).where(readable(reader))))


async def test_each_reader_reads_what_is_meant_for_them(session: AsyncSession, people: People):
    for name, (reader, expected) in readers(people).items():
        assert await titles(session, reader) == expected, name
        by_hand = await session.execute(
            text(f"SELECT title FROM article WHERE id IN ({readable_sql(reader)})")
        )
        assert {row.title for row in by_hand} == expected, name


async def test_what_has_a_time_comes_and_goes_by_itself(session: AsyncSession, people: People):
    with clock.moved(2 * HOUR):
        assert await titles(session, Reader.public()) == {"public", "to come"}
    with clock.moved(-2 * HOUR):
        assert await titles(session, Reader.public()) == {"public", "gone"}


async def test_the_search_ranks_only_what_its_reader_may_read(
    session: AsyncSession, model: OnnxEmbedder, people: People
):
    """What is to come is known to the index already, and found from its very second on."""
    while await index_changed(session, model):
        pass
    await weigh_lexemes(session)
    for name, (reader, expected) in readers(people).items():
        hits = await search(session, model, "the canary sings of refunds", reader=reader, limit=20)
        assert {hit.title for hit in hits} == expected, name
    with clock.moved(2 * HOUR):
        hits = await search(session, model, "canary", reader=Reader.public(), limit=20)
    assert {hit.title for hit in hits} == {"public", "to come"}
