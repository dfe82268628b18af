"""Writing: two hands at one article, four eyes before it is shown, times to come, addresses that stay."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import clock, options
from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.errors import Conflict, Forbidden, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.people import Agent, Role
from kb import copies, reviews, slugs, timing, translations, writing
from kb.articles import Article, ArticleVersion, Audience, State
from kb.copies import SavedMeanwhile
from kb.readers import Reader, readable
from kb.reviews import ChangedSince, Decision, OwnWork
from kb.writing import NotReviewed

HOUR = timedelta(hours=1)


@pytest.fixture
async def lea(session: AsyncSession) -> Agent:
    return await joined(session, "Lea", Role.lead)


@pytest.fixture
async def liam(session: AsyncSession) -> Agent:
    return await joined(session, "Liam", Role.agent)


async def joined(session: AsyncSession, name: str, role: Role) -> Agent:
    agent = Agent(name=name, email=f"{name.lower()}@kb.example", role=role, memberships=[], custom_role=None)
    session.add(agent)
    await session.flush()
    await session.refresh(agent)
    await session.refresh(agent, ["memberships", "custom_role"])
    return agent


@pytest.fixture
async def refunds(session: AsyncSession, lea: Agent) -> Article:
    article = await writing.write(session, "Refunds", "Within 14 days.", by=lea)
    await writing.publish(session, article, by=lea)
    return article


async def shown(session: AsyncSession) -> dict[str, str]:
    await session.flush()
    found = await session.execute(select(Article.title, Article.body).where(readable(Reader.public())))
    return dict(found.all())


async def test_a_newer_text_is_not_shown_until_it_is_published(
    session: AsyncSession, refunds: Article, lea: Agent
):
    first = await copies.save(session, refunds, "Refunds", "Within 30", by=lea, revision=0, version=1)
    second = await copies.save(
        session, refunds, "Refunds", "Within 30 days.", by=lea, revision=first, version=1, note="Longer"
    )
    assert second == first + 1
    assert await shown(session) == {"Refunds": "Within 14 days."}
    await writing.publish(session, refunds, by=lea)
    assert await shown(session) == {"Refunds": "Within 30 days."}
    kept = await session.scalars(select(ArticleVersion).order_by(ArticleVersion.version))
    assert [(v.version, v.body, v.author_id, v.note) for v in kept] == [
        (1, "Within 14 days.", lea.id, ""),
        (2, "Within 30 days.", lea.id, "Longer"),
    ]
    assert await copies.of(session, refunds) is None
    changes = await session.scalars(
        select(Event.data["what"].astext).where(Event.kind == Kind.article_changed)
    )
    assert changes.all() == ["written", "published", "revised"]


async def test_two_who_write_are_told_of_each_other_and_neither_text_is_lost(
    session: AsyncSession, refunds: Article, lea: Agent, liam: Agent
):
    hers = await copies.save(session, refunds, "Refunds", "Hers.", by=lea, revision=0, version=1)
    with pytest.raises(SavedMeanwhile):
        await copies.save(session, refunds, "Refunds", "His.", by=liam, revision=0, version=1)
    assert (await copies.of(session, refunds)).body == "Hers."  # type: ignore[union-attr]
    again = await copies.save(session, refunds, "Refunds", "Hers.", by=liam, revision=0, version=1)
    assert again == hers, "the same words are no quarrel: a request that was sent twice"
    over = await copies.save(session, refunds, "Refunds", "His.", by=liam, revision=0, version=1, over=True)
    assert over > hers
    with pytest.raises(SavedMeanwhile):
        await copies.save(session, refunds, "Refunds", "Hers!", by=lea, revision=hers, version=1)


async def test_the_first_text_is_the_first_version(session: AsyncSession, lea: Agent):
    article = await writing.write(session, "New", by=lea)
    with pytest.raises(Conflict, match="text"):
        await writing.publish(session, article, by=lea)
    await copies.save(session, article, "Newer", "Words.", by=lea, revision=0, version=1)
    await writing.publish(session, article, by=lea)
    assert (article.version, article.title, article.slug) == (1, "Newer", "new")


async def test_a_colleague_approves_or_sends_back_with_words(session: AsyncSession, lea: Agent, liam: Agent):
    article = await writing.write(session, "Returns", "Text.", by=liam)
    await reviews.ask(session, article, by=liam, reviewer=None, question="Right?")
    assert article.state is State.review
    with pytest.raises(Conflict):
        await reviews.ask(session, article, by=liam, reviewer=lea)
    with pytest.raises(OwnWork):
        await reviews.decide(session, article, Decision.approved, by=liam)
    with pytest.raises(Invalid, match="Say what"):
        await reviews.decide(session, article, Decision.sent_back, by=lea)
    await reviews.decide(session, article, Decision.sent_back, by=lea, answer="Name the days.")
    assert str(article.state) == "draft"
    await reviews.ask(session, article, by=liam, reviewer=lea)
    tess = await joined(session, "Tess", Role.agent)
    with pytest.raises(Forbidden):
        await reviews.decide(session, article, Decision.approved, by=tess)
    await reviews.decide(session, article, Decision.approved, by=lea)
    review = await reviews.latest(session, article)
    assert review is not None
    assert (review.decision, review.decided_by_id) == (Decision.approved, lea.id)
    assert not may(liam, Action.publish_knowledge)
    assert may(lea, Action.publish_knowledge)


async def test_publishing_ends_the_question(session: AsyncSession, lea: Agent, liam: Agent):
    article = await writing.write(session, "Returns", "Text.", by=liam)
    await reviews.ask(session, article, by=liam, reviewer=None)
    await writing.publish(session, article, by=lea)
    assert await reviews.open_one(session, article) is None
    assert article.state is State.published


async def test_where_two_must_read_nothing_is_published_that_nobody_approved(
    session: AsyncSession, lea: Agent, liam: Agent
):
    await options.change(session, by=lea, articles_reviewed=True)
    article = await writing.write(session, "Returns", "Text.", by=liam)
    with pytest.raises(NotReviewed):
        await writing.publish(session, article, by=lea)
    await reviews.ask(session, article, by=liam, reviewer=None)
    await reviews.decide(session, article, Decision.approved, by=lea)
    await copies.save(session, article, "Returns", "Another text.", by=liam, revision=0, version=1)
    with pytest.raises(NotReviewed):
        await writing.publish(session, article, by=lea)
    await reviews.ask(session, article, by=liam, reviewer=None)
    await reviews.decide(session, article, Decision.approved, by=lea)
    await writing.publish(session, article, by=lea)
    assert article.body == "Another text."


async def test_times_to_come_are_kept(session: AsyncSession, refunds: Article, lea: Agent):
    await copies.save(session, refunds, "Refunds", "Within 30 days.", by=lea, revision=0, version=1)
    await writing.publish(session, refunds, by=lea, at=now() + HOUR)
    coming = await writing.write(session, "Coming", "Soon.", by=lea)
    await writing.publish(session, coming, by=lea, at=now() + HOUR)
    await writing.archive(session, coming, by=lea, at=now() + 3 * HOUR)
    for wrong in (now() - HOUR, now() + HOUR / 2):
        with pytest.raises(Invalid):
            await writing.archive(session, coming, by=lea, at=wrong)
    await session.flush()
    assert await timing.keep(session) == 0
    due = await timing.next_at(session)
    assert due is not None
    assert abs(due - now() - HOUR) < timedelta(seconds=10)
    assert await shown(session) == {"Refunds": "Within 14 days."}
    with clock.moved(2 * HOUR):
        assert await shown(session) == {"Refunds": "Within 14 days.", "Coming": "Soon."}
        assert await timing.keep(session) == 2
        assert await shown(session) == {"Refunds": "Within 30 days.", "Coming": "Soon."}
        assert await timing.keep(session) == 0
    with clock.moved(4 * HOUR):
        assert await shown(session) == {"Refunds": "Within 30 days."}
        assert await timing.keep(session) == 1
        assert coming.state is State.archived


async def test_only_the_text_that_was_read_is_approved_and_only_that_waits_for_its_time(
    session: AsyncSession, refunds: Article, lea: Agent, liam: Agent
):
    """Who may not publish cannot slip words in between a colleague's yes and its effect."""
    first = await copies.save(session, refunds, "Refunds", "Within 30", by=liam, revision=0, version=1)
    await reviews.ask(session, refunds, by=liam, reviewer=lea)
    second = await copies.save(session, refunds, "Refunds", "Never", by=liam, revision=first, version=1)
    with pytest.raises(ChangedSince):
        await reviews.decide(session, refunds, Decision.approved, by=lea, seen=(1, first))
    await writing.publish(session, refunds, by=lea, at=now() + HOUR)
    assert await reviews.open_one(session, refunds) is not None, "it can be decided until its time"
    await reviews.decide(session, refunds, Decision.approved, by=lea, seen=(1, second))
    await copies.save(session, refunds, "Refunds", "Free money", by=liam, revision=second, version=1)
    copy = await copies.of(session, refunds)
    assert copy is not None
    assert copy.publish_at is None
    await reviews.ask(session, refunds, by=liam, reviewer=None)
    await writing.publish(session, refunds, by=lea)
    assert await reviews.open_one(session, refunds) is None
    assert await shown(session) == {"Refunds": "Free money"}


async def test_what_was_scheduled_is_taken_back(session: AsyncSession, lea: Agent):
    coming = await writing.write(session, "Coming", "Soon.", by=lea)
    await writing.publish(session, coming, by=lea, at=now() + HOUR)
    await writing.unschedule(session, coming, by=lea)
    assert coming.state is State.draft
    with clock.moved(2 * HOUR):
        assert await shown(session) == {}


async def test_old_addresses_lead_to_the_article_and_never_in_a_circle(
    session: AsyncSession, refunds: Article, lea: Agent
):
    await writing.rename(session, refunds, "money-back", by=lea)
    await writing.rename(session, refunds, "getting-money-back", by=lea)
    for name in ("refunds", "money-back", "getting-money-back", str(refunds.id)):
        assert await slugs.found(session, name) == refunds.id, name
    other = await writing.write(session, "Refunds", "Others.", by=lea)
    assert other.slug == "refunds-2", "an address that leads elsewhere is not free"
    with pytest.raises(Conflict):
        await writing.rename(session, other, "money-back", by=lea)
    await writing.rename(session, refunds, "refunds", by=lea)
    await writing.rename(session, refunds, "money-back", by=lea)
    assert [await slugs.found(session, name) for name in ("refunds", "money-back")] == [refunds.id] * 2
    for wrong in ("", "42", "a b", "../etc", "-", "x" * 81):
        with pytest.raises(Invalid):
            await writing.rename(session, refunds, wrong, by=lea)
    assert await slugs.found(session, "9" * 40) is None
    assert await slugs.free(session, "Imports", "en") == "imports-2", "the console has a page there"


async def test_a_language_has_addresses_of_its_own(session: AsyncSession, refunds: Article, lea: Agent):
    german = await translations.begin(session, refunds, "de", by=lea)
    await writing.rename(session, german, "refunds", by=lea) if german.slug != "refunds" else None
    assert await slugs.found(session, "refunds", "de") == german.id
    assert await slugs.found(session, "refunds", "en") == refunds.id
    assert await slugs.found(session, "refunds", "fr") == refunds.id
    with pytest.raises(Conflict):
        await translations.begin(session, german, "en", by=lea)
    assert not await translations.is_behind(session, german)
    refunds.revise(body="Within 30 days.")
    await session.flush()
    assert await translations.is_behind(session, german)
    lone = await writing.write(session, "Hours", "Nine to six.", by=lea)
    assert await translations.missing(session, lone) == ["de"]
    for wrong in ("", "x", "english", "de_DE_x_y", "d\u00e9"):
        with pytest.raises(Invalid):
            await translations.begin(session, lone, wrong, by=lea)


async def test_who_only_reads_finds_nothing_unfinished(session: AsyncSession, refunds: Article, lea: Agent):
    lou = await joined(session, "Lou", Role.light_agent)
    draft = await writing.write(session, "Secret plans", "Text.", by=lea)
    with pytest.raises(NotFound):
        await writing.opened(session, lou, draft.slug)
    assert (await writing.opened(session, lou, "refunds")).id == refunds.id
    assert (await writing.opened(session, lea, draft.slug)).id == draft.id


async def test_an_article_for_companies_names_one(session: AsyncSession, refunds: Article, lea: Agent):
    with pytest.raises(Invalid, match="company"):
        await writing.arrange(
            session, refunds, by=lea, audience=Audience.companies, companies=[], category_id=None,
            owner_id=None, review_due=None,
        )  # fmt: skip
