"""What happens to articles because time passes: published, replaced by a newer text, archived."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, event, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapper

from helpdesk import soon
from helpdesk.clock import now
from helpdesk.events import DESK
from kb import writing
from kb.articles import Article, State
from kb.copies import WorkingCopy


async def keep(session: AsyncSession, limit: int = 50) -> int:
    """Do what is due, which readers have had since the very second for articles that come and go: `readable` asks for
    the time. Returns how many articles it met; rows are locked with SKIP LOCKED."""
    at = now()
    newer = select(WorkingCopy.article_id).where(WorkingCopy.publish_at <= at)
    due = or_(Article.publish_at <= at, Article.archive_at <= at, Article.id.in_(newer))
    found = await session.scalars(
        select(Article).where(due).order_by(Article.id).limit(limit).with_for_update(skip_locked=True)
    )
    articles = found.all()
    for article in articles:
        await _keep(session, article, at)
    return len(articles)


async def _keep(session: AsyncSession, article: Article, at: datetime) -> None:
    if article.publish_at and article.publish_at <= at:
        article.publish_at = None
        if article.state is State.published:
            writing.tell(session, article, "published", by=DESK)
    copy = await session.get(WorkingCopy, article.id)
    if copy and copy.publish_at and copy.publish_at <= at:
        copy.publish_at = None
        if article.state is State.published:
            await writing.settle(session, article, by=DESK)
    if article.archive_at and article.archive_at <= at:
        article.archive_at = None
        if article.state is State.published:
            await writing.archive(session, article, by=DESK)
    await session.flush()


async def next_at(session: AsyncSession) -> datetime | None:
    """When something is due next."""
    times = [
        await session.scalar(select(func.min(column)).where(column.is_not(None)))
        for column in (Article.publish_at, Article.archive_at, WorkingCopy.publish_at)
    ]
    return min((time for time in times if time), default=None)


@event.listens_for(Article, "after_insert")
@event.listens_for(Article, "after_update")
@event.listens_for(WorkingCopy, "after_update")
def _written(_mapper: Mapper[Any], connection: Connection, row: Article | WorkingCopy) -> None:
    known = row.__dict__.get  # nothing is loaded in the middle of a flush
    soon.tell(connection, known("publish_at"), known("archive_at"))
