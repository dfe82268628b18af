"""What stands beside an article: who reads it, when, in which languages, what readers say, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, may
from helpdesk.people import Agent, Company
from helpdesk.portal import HelpCentre, centres
from kb import feedback, reviews, translations
from kb.articles import Article, ArticleCompany, ArticleVersion, Audience
from kb.feedback import Feedback, Figures
from kb.reviews import Review
from kb.slugs import FormerSlug
from web.words import zone

SHOWN = 8
"""Versions that the panel lists; the page of changes has them all."""


@dataclass(frozen=True)
class Panel:
    versions: Sequence[ArticleVersion]
    count: int
    languages: Sequence[Article]
    """The article and its translations."""
    missing: list[str]
    behind: bool
    companies: dict[int, str]
    """Those that may read it."""
    figures: Figures
    comments: Sequence[Feedback]
    review: Review | None
    former: Sequence[str]
    zone_name: str
    centres: Sequence[HelpCentre]
    """That are shown to customers, whether they show this article or not."""

    @classmethod
    async def load(cls, session: AsyncSession, agent: Agent, article: Article) -> "Panel":
        """`article` has its category."""
        versions = await session.scalars(
            article.versions.select().order_by(ArticleVersion.version.desc()).limit(SHOWN)
        )
        named = await session.execute(
            select(Company.id, Company.name)
            .join(ArticleCompany, ArticleCompany.company_id == Company.id)
            .where(ArticleCompany.article_id == article.id)
            .order_by(Company.name)
        )
        writes = may(agent, Action.write_knowledge)
        former = select(FormerSlug.slug).where(FormerSlug.article_id == article.id).order_by(FormerSlug.slug)
        return cls(
            versions.all() if writes else [],
            await session.scalar(select(func.count()).where(ArticleVersion.article_id == article.id)) or 0,
            [one for one in await translations.group(session, article) if writes or one.is_published],
            await translations.missing(session, article) if writes else [],
            await translations.is_behind(session, article) if writes else False,
            {company_id: name for company_id, name in named},  # noqa: C416 - rows are no pairs to mypy
            (await feedback.figures(session, [article.id]))[article.id],
            await feedback.comments(session, article, 5) if writes else [],
            await reviews.latest(session, article) if writes else None,
            (await session.scalars(former)).all() if writes else [],
            agent.time_zone,
            [each for each in await centres.every(session) if each.active],
        )

    def shown_at(self, article: Article) -> list[HelpCentre]:
        """Where customers find it; those that it is meant for, at least."""
        if not article.is_published or article.audience is Audience.internal:
            return []
        collection = article.category.collection_id if article.category else 0
        return [each for each in self.centres if article.locale in each.languages and each.shows(collection)]

    def has_language(self, article: Article) -> bool:
        return any(article.locale in each.languages for each in self.centres)

    def typed(self, at: datetime | None) -> str:
        """As a field for a local time holds it."""
        return at.astimezone(zone(self.zone_name)).strftime("%Y-%m-%dT%H:%M") if at else ""
