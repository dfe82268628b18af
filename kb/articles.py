"""Articles: what the desk knows, in Markdown, every text that was ever shown kept under its version."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Self

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.i18n import _


class State(StrEnum):
    draft = "draft"
    published = "published"


class Audience(StrEnum):
    """Who may read an article; the search asks for audiences by name and never assumes one."""

    public = "public"
    internal = "internal"


CUSTOMERS = (Audience.public,)
AGENTS = (Audience.public, Audience.internal)


class AlreadyPublished(Conflict):
    message = _("This article is already published.")


class Article(Row):
    __tablename__ = "article"
    __table_args__ = (CheckConstraint("version > 0", name="version_counts_from_one"),)

    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    body: Mapped[str]
    """Markdown."""
    category: Mapped[str] = mapped_column(default="", server_default="")
    locale: Mapped[str] = mapped_column(default="en", server_default="en")
    state: Mapped[State] = mapped_column(Choice(State), default=State.draft, index=True)
    audience: Mapped[Audience] = mapped_column(Choice(Audience), default=Audience.public)
    version: Mapped[int] = mapped_column(default=1)
    indexed_version: Mapped[int] = mapped_column(default=0)
    """The version whose passages the search knows; 0 before the first."""
    updated_at: Mapped[datetime] = mapped_column(insert_default=now)
    published_at: Mapped[datetime | None]

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
        category: str = "",
        locale: str = "en",
        audience: Audience = Audience.public,
    ) -> Self:
        """A draft, its first version kept."""
        article = cls(
            slug=slug or slugify(title),
            title=titled(title),
            body=body,
            category=category,
            locale=locale,
            audience=audience,
            state=State.draft,
            version=1,
            indexed_version=0,
        )
        article.keep_version()
        return article

    @property
    def is_published(self) -> bool:
        return self.state is State.published

    def publish(self) -> None:
        if self.is_published:
            raise AlreadyPublished
        self.state = State.published
        self.published_at = self.updated_at = now()

    def unpublish(self) -> None:
        """Taken out of every search at once; drafts that cite it still open the version they quoted."""
        self.state = State.draft
        self.updated_at = now()

    def revise(self, *, title: str | None = None, body: str | None = None) -> None:
        """A new version; one that changes nothing is not made."""
        title = titled(title) if title is not None else self.title
        body = body if body is not None else self.body
        if (title, body) == (self.title, self.body):
            return
        self.title, self.body = title, body
        self.version += 1
        self.updated_at = now()
        self.keep_version()

    def keep_version(self) -> None:
        self.versions.add(ArticleVersion(version=self.version, title=self.title, body=self.body))


class ArticleVersion(Row):
    """A text as it stood, so that a citation opens what it quoted."""

    __tablename__ = "article_version"
    __table_args__ = (UniqueConstraint("article_id", "version"),)

    article_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("article.id", ondelete="CASCADE"))
    version: Mapped[int]
    title: Mapped[str]
    body: Mapped[str]


def titled(title: str) -> str:
    if not (title := " ".join(title.split())):
        raise Invalid(_("An article needs a title."))
    return title


def slugify(title: str) -> str:
    """`Wie lösche ich …?` → `wie-losche-ich`; titles without a Latin letter keep their own script."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"\w+", (plain if re.search(r"[A-Za-z]", plain) else title).lower())
    return "-".join(words)[:80].strip("-") or "article"
