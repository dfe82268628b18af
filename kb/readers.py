"""Who reads, and which articles there are for them: the one condition of search, pages, API and drafts."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import ColumnElement, and_, exists, false, literal_column, or_, select
from sqlalchemy.dialects import postgresql

from helpdesk.clock import desk_now
from helpdesk.people import Contact
from kb.articles import Article, ArticleCompany, Audience, State
from kb.shelves import ArticleCategory

PUBLISHED: ColumnElement[str] = literal_column(f"'{State.published}'")
"""No parameter: an index of published articles alone serves no statement that could mean others."""


@dataclass(frozen=True)
class Reader:
    """Made by name only; `Reader()` reads nothing."""

    audiences: frozenset[Audience] = frozenset()
    """What they read whole."""
    company_id: int | None = None
    """And what is meant for this company."""
    collections: tuple[int, ...] = ()
    """Of that, only what stands in these collections, as one help centre shows it; empty: wherever it stands."""
    locale: str = ""
    """And only in this language; empty: in all."""

    @classmethod
    def agent(cls) -> Self:
        """Everything that is published."""
        return cls(frozenset(Audience))

    @classmethod
    def public(cls) -> Self:
        """Anybody, and whoever gets a text that leaves the house."""
        return cls(frozenset({Audience.public}))

    @classmethod
    def customer(cls, contact: Contact) -> Self:
        """A contact who has signed in or otherwise proved who they are; one who is blocked is anybody."""
        if contact.is_blocked or contact.merged_into_id is not None:
            return cls.public()
        return cls(frozenset({Audience.public, Audience.customers}), contact.company_id)


def readable(reader: Reader) -> ColumnElement[bool]:
    """The articles that are there for this reader now, as a condition on Article."""
    ways: list[ColumnElement[bool]] = []
    if reader.audiences:
        ways.append(Article.audience.in_(sorted(reader.audiences)))
    if reader.company_id is not None:
        named = exists().where(
            ArticleCompany.article_id == Article.id, ArticleCompany.company_id == reader.company_id
        )
        ways.append(and_(Article.audience == Audience.companies, named))
    if not ways:
        return false()
    time = desk_now()
    narrowed: list[ColumnElement[bool]] = []
    if reader.collections:
        shelves = select(ArticleCategory.id).where(ArticleCategory.collection_id.in_(reader.collections))
        narrowed.append(Article.category_id.in_(shelves))
    if reader.locale:
        narrowed.append(Article.locale == reader.locale)
    return and_(
        Article.state == PUBLISHED,
        or_(Article.publish_at.is_(None), Article.publish_at <= time),
        or_(Article.archive_at.is_(None), Article.archive_at > time),
        or_(*ways),
        *narrowed,
    )


def readable_sql(reader: Reader) -> str:
    """`SELECT article.id …` of what this reader may read, for statements written by hand. It has no parameters:
    all that stands in it is ours, never a word that somebody wrote, and the same for every question of a reader."""
    query = select(Article.id).where(readable(reader))
    compiled = query.compile(
        dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
        compile_kwargs={"literal_binds": True},
    )
    return str(compiled).replace(":", r"\:")
