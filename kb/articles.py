"""Articles: what the desk knows, in Markdown, every text that was ever shown kept under its version."""

from datetime import date, datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import Base, Choice, Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _
from kb.names import slugify
from kb.shelves import ArticleCategory


class State(StrEnum):
    draft = "draft"
    review = "review"  # a colleague was asked to read it before it is shown for the first time
    published = "published"  # from `publish_at` on, if that is to come
    archived = "archived"


class Audience(StrEnum):
    """Who may read an article, once it is published."""

    public = "public"
    customers = "customers"  # who has signed in
    companies = "companies"  # who has signed in and belongs to one of the named companies
    internal = "internal"


class AlreadyPublished(Conflict):
    message = _("This article is already published.")


class Article(Row):
    """`title` and `body` are the newest settled text: what readers see once the article is published. What is
    being written meanwhile is its working copy (`kb.copies`)."""

    __tablename__ = "article"
    __table_args__ = (
        CheckConstraint("version > 0", name="version_counts_from_one"),
        UniqueConstraint("locale", "slug"),
        UniqueConstraint("source_id", "locale"),
        Index(
            "ix_article_shelved",
            "locale",
            "category_id",
            text("lower(title)"),
            "id",
            postgresql_include=["audience", "publish_at", "archive_at"],
            postgresql_where=text("state = 'published'"),
        ),
        Index("ix_article_publish_at", "publish_at", postgresql_where=text("publish_at IS NOT NULL")),
        Index("ix_article_archive_at", "archive_at", postgresql_where=text("archive_at IS NOT NULL")),
    )

    slug: Mapped[str]
    title: Mapped[str]
    body: Mapped[str]
    """Markdown."""
    category_id: Mapped[int | None] = mapped_column(ForeignKey("article_category.id"), index=True)
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    state: Mapped[State] = mapped_column(Choice(State), default=State.draft, index=True)
    audience: Mapped[Audience] = mapped_column(Choice(Audience), default=Audience.public)
    version: Mapped[int] = mapped_column(default=1)
    indexed_version: Mapped[int] = mapped_column(default=0)
    """The version whose passages the search knows; 0 before the first."""
    indexed_cutting: Mapped[int] = mapped_column(default=0, server_default="0")
    """How they were cut: `chunks.CUTTING` of that day."""
    updated_at: Mapped[datetime] = mapped_column(insert_default=now)
    published_at: Mapped[datetime | None]
    publish_at: Mapped[datetime | None]
    """Nobody reads it before; empty again once that was told."""
    archive_at: Mapped[datetime | None]
    """Nobody reads it after."""
    source_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("article.id"))
    """The article that this one is a translation of."""
    source_version: Mapped[int | None]
    """The version of the source that it says."""
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    review_due: Mapped[date | None]
    """The day by which somebody should look whether it still holds."""

    category: Mapped[ArticleCategory | None] = relationship(lazy="raise")
    versions: WriteOnlyMapped["ArticleVersion"] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )

    @classmethod
    def write(
        cls,
        title: str,
        body: str,
        *,
        slug: str = "",
        category_id: int | None = None,
        locale: str = "en",
        audience: Audience = Audience.public,
        author_id: int | None = None,
    ) -> Self:
        """A draft, its first version kept."""
        article = cls(
            slug=slug or slugify(title),
            title=titled(title),
            body=body,
            category_id=category_id,
            locale=locale,
            audience=audience,
            owner_id=author_id,
            state=State.draft,
            version=1,
            indexed_version=0,
        )
        article.keep_version(author_id=author_id)
        return article

    @property
    def is_published(self) -> bool:
        return self.state is State.published

    @property
    def is_scheduled(self) -> bool:
        """Published, and yet nobody reads it before a time to come."""
        return self.is_published and self.publish_at is not None and self.publish_at > now()

    def publish(self, *, at: datetime | None = None) -> None:
        """At once, or from a time to come on."""
        if self.is_published and not self.is_scheduled:
            raise AlreadyPublished
        self.state = State.published
        self.publish_at = at if at and at > now() else None
        self.published_at = self.publish_at or now()
        self.updated_at = now()
        if self.archive_at and self.archive_at <= self.published_at:
            self.archive_at = None

    def unpublish(self) -> None:
        """Taken out of every search at once; drafts that cite it still open the version they quoted."""
        self.state = State.draft
        self.publish_at = None
        self.updated_at = now()

    def archive(self) -> None:
        """Out of sight for good, until somebody takes it up again."""
        self.state = State.archived
        self.publish_at = self.archive_at = None
        self.updated_at = now()

    def revise(
        self,
        *,
        title: str | None = None,
        body: str | None = None,
        author_id: int | None = None,
        note: str = "",
    ) -> bool:
        """A new version; one that changes nothing is not made. Returns whether one was made."""
        title = titled(title) if title is not None else self.title
        body = body if body is not None else self.body
        if (title, body) == (self.title, self.body):
            return False
        self.title, self.body = title, body
        self.version += 1
        self.updated_at = now()
        self.keep_version(author_id=author_id, note=note)
        return True

    def keep_version(self, *, author_id: int | None = None, note: str = "") -> None:
        self.versions.add(
            ArticleVersion(
                version=self.version, title=self.title, body=self.body, author_id=author_id, note=note
            )
        )


class ArticleVersion(Row):
    """A text as it stood, so that a citation opens what it quoted."""

    __tablename__ = "article_version"
    __table_args__ = (UniqueConstraint("article_id", "version"),)

    article_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("article.id", ondelete="CASCADE"))
    version: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    note: Mapped[str] = mapped_column(default="", server_default="")
    """What its author said about the change."""


class ArticleCompany(Base):
    """A company whose people may read an article of the audience `companies`."""

    __tablename__ = "article_company"

    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), primary_key=True
    )
    company_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("company.id", ondelete="CASCADE"), primary_key=True, index=True
    )


LONGEST_TITLE = 200


def titled(title: str) -> str:
    if not (title := " ".join(title.split())):
        raise Invalid(_("An article needs a title."))
    if len(title) > LONGEST_TITLE:
        raise Invalid(_("This title is too long: 200 characters at most."))
    return title
