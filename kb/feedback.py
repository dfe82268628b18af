"""What readers make of an article: how often it is read, and whether it helped."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import blake2b

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base, Row
from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _
from helpdesk.texts import written
from kb.articles import Article


class ArticleDay(Base):
    """How often an article was read on one day (UTC)."""

    __tablename__ = "article_day"

    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[date] = mapped_column(primary_key=True)
    views: Mapped[int] = mapped_column(default=0, server_default="0")


class Feedback(Row):
    """One reader's word on one article; who says it again changes it."""

    __tablename__ = "article_feedback"
    __table_args__ = (UniqueConstraint("article_id", "reader"),)

    article_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("article.id", ondelete="CASCADE"))
    version: Mapped[int]
    reader: Mapped[str]
    """Who said it, so that it counts once: a hash that leads to nobody."""
    contact_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    helpful: Mapped[bool]
    comment: Mapped[str] = mapped_column(default="", server_default="")
    changed_at: Mapped[datetime] = mapped_column(insert_default=now)


LONGEST = 1000  # characters of a comment
MOST = 30
"""Words of one reader within an hour; more is a machine."""


class TooOften(HelpdeskError):
    status = 429
    message = _("Thank you, that is enough for now.")


def who(secret: bytes, name: str) -> str:
    """A reader by whatever knows them: a session, or a contact. The same one is the same tomorrow, and the hash
    leads nobody back to them without the desk's secret."""
    return blake2b(name.encode(), key=secret[:64], digest_size=16).hexdigest()


async def give(
    session: AsyncSession,
    article: Article,
    *,
    reader: str,
    helpful: bool,
    comment: str = "",
    contact_id: int | None = None,
) -> None:
    """One word of each reader on each article; the last counts. Raises TooOften."""
    recent = select(func.count()).where(
        Feedback.reader == reader, Feedback.changed_at > now() - timedelta(hours=1)
    )
    if (await session.scalar(recent) or 0) >= MOST:
        raise TooOften
    values = {
        "version": article.version,
        "helpful": helpful,
        "comment": written(comment)[:LONGEST],
        "contact_id": contact_id,
        "changed_at": now(),
    }
    said = insert(Feedback).values(article_id=article.id, reader=reader, **values)
    await session.execute(said.on_conflict_do_update(index_elements=["article_id", "reader"], set_=values))


class Views:
    """Reads are counted in memory and written down together: reading an article writes nothing."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, date]] = Counter()

    @property
    def is_empty(self) -> bool:
        return not self._counts

    def count(self, article_id: int) -> None:
        self._counts[article_id, now().date()] += 1

    async def write(self, session: AsyncSession) -> int:
        """What was counted since the last time; counted again where the transaction fails. Returns how many rows."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return 0
        rows = [{"article_id": key[0], "day": key[1], "views": n} for key, n in sorted(counts.items())]
        try:
            there = set(
                await session.scalars(
                    select(Article.id).where(Article.id.in_({row["article_id"] for row in rows}))
                )
            )
            added = insert(ArticleDay).values([row for row in rows if row["article_id"] in there])
            if there:
                await session.execute(
                    added.on_conflict_do_update(
                        index_elements=["article_id", "day"],
                        set_={"views": ArticleDay.views + added.excluded.views},
                    )
                )
        except BaseException:
            self._counts.update(counts)
            raise
        return len(rows)


@dataclass(frozen=True)
class Figures:
    views: int = 0
    helpful: int = 0
    not_helpful: int = 0

    @property
    def helpfulness(self) -> int | None:
        """Per cent, where anybody said anything."""
        said = self.helpful + self.not_helpful
        return round(100 * self.helpful / said) if said else None


async def figures(
    session: AsyncSession, article_ids: Collection[int], *, days: int = 30
) -> dict[int, Figures]:
    """Views of these days, and all that was ever said."""
    since = now().date() - timedelta(days=days)
    views = dict(
        (
            await session.execute(
                select(ArticleDay.article_id, func.sum(ArticleDay.views))
                .where(ArticleDay.article_id.in_(article_ids), ArticleDay.day > since)
                .group_by(ArticleDay.article_id)
            )
        ).all()
    )
    said = await session.execute(
        select(
            Feedback.article_id, func.count().filter(Feedback.helpful), func.count().filter(~Feedback.helpful)
        )
        .where(Feedback.article_id.in_(article_ids))
        .group_by(Feedback.article_id)
    )
    words = {article_id: (yes, no) for article_id, yes, no in said}
    return {each: Figures(views.get(each, 0), *words.get(each, (0, 0))) for each in article_ids}


async def comments(session: AsyncSession, article: Article, limit: int = 50) -> Sequence[Feedback]:
    """What was written, newest first."""
    found = await session.scalars(
        select(Feedback)
        .where(Feedback.article_id == article.id, Feedback.comment != "")
        .order_by(Feedback.changed_at.desc())
        .limit(limit)
    )
    return found.all()
