"""The working copy: what is being written while readers still see the settled text."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.errors import Conflict
from helpdesk.events import Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent
from kb.articles import Article


class WorkingCopy(Base):
    """At most one per article: two who write at the same time are told of each other (`revision`)."""

    __tablename__ = "article_copy"
    __table_args__ = (
        Index("ix_article_copy_publish_at", "publish_at", postgresql_where=text("publish_at IS NOT NULL")),
    )

    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), primary_key=True
    )
    title: Mapped[str]
    body: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")
    base_version: Mapped[int]
    """The settled version that it was begun from."""
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    """Counts every saving; who saves names the one they began from."""
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    """Who saved it last."""
    saved_at: Mapped[datetime] = mapped_column(insert_default=now)
    publish_at: Mapped[datetime | None]
    """When it takes the place of the settled text by itself."""


class SavedMeanwhile(Conflict):
    message = _(
        "Somebody else has saved this article meanwhile. Nothing of yours is lost: look at both, then decide."
    )


async def of(session: AsyncSession, article: Article, *, lock: bool = False) -> WorkingCopy | None:
    return await session.get(WorkingCopy, article.id, with_for_update=lock, populate_existing=lock)


async def save(
    session: AsyncSession,
    article: Article,
    title: str,
    body: str,
    *,
    by: Agent,
    revision: int,
    version: int,
    note: str = "",
    over: bool = False,
) -> int:
    """What has been typed so far; returns its revision, 0 where nothing differs from the settled text.

    `article` is locked. `revision` and `version` are what the writer began from, and `over` means that they have seen
    what somebody else saved meanwhile, and want theirs. Raises SavedMeanwhile.
    """
    copy = await of(session, article, lock=True)
    same = (title, body) == (article.title, article.body)
    began = copy.revision if copy else 0
    if not over and not same and (revision, version) != (began, article.version):
        known = (copy.title, copy.body) if copy else (article.title, article.body)
        if known != (title, body):
            raise SavedMeanwhile
    if copy is None:
        if same:
            return 0
        copy = WorkingCopy(article_id=article.id, base_version=article.version, revision=0)
        session.add(copy)
    elif (copy.title, copy.body, copy.note) == (title, body, note):
        return copy.revision
    if copy.publish_at and not may(by, Action.publish_knowledge):
        copy.publish_at = None  # another text than the one that was approved waits for somebody's yes again
        session.add(Event(Kind.article_changed, by=by, about=article, what="unscheduled"))
    copy.title, copy.body, copy.note = title, body, note
    copy.base_version = article.version
    copy.agent_id, copy.saved_at = by.id, now()
    copy.revision = max(copy.revision, revision) + 1
    await session.flush()
    return copy.revision


async def discard(session: AsyncSession, article: Article) -> bool:
    if copy := await of(session, article, lock=True):
        await session.delete(copy)
        await session.flush()
    return copy is not None
