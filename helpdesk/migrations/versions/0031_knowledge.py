"""What the desk knows, kept as a help centre: collections, audiences, versions, schedules."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
NEW_COLUMNS: dict[str, Any] = {
    "category_id": sa.BigInteger,
    "publish_at": INSTANT,
    "archive_at": INSTANT,
    "source_id": sa.BigInteger,
    "source_version": sa.Integer,
    "owner_id": sa.BigInteger,
    "review_due": sa.Date,
}

# The category of an article was a word; now it is a shelf, and all shelves there are stand in one collection.
SHELVES = """
INSERT INTO collection (name, slug, description, icon, position)
SELECT 'Help', 'help', '', 'book-open', 0 WHERE EXISTS (SELECT FROM article WHERE category <> '');
INSERT INTO article_category (collection_id, name, slug, description, position)
SELECT collection.id, named.category, 'shelf-' || named.place, '', named.place
FROM collection, (
  SELECT category, row_number() OVER (ORDER BY category) AS place
  FROM article WHERE category <> '' GROUP BY category
) AS named;
UPDATE article SET category_id = shelf.id FROM article_category AS shelf WHERE shelf.name = article.category;
"""
# An address of digits only is an article's number from now on.
NUMBERS = "UPDATE article SET slug = 'article-' || slug WHERE slug ~ '^[0-9]+$'"
WORDS = """
UPDATE article SET category = shelf.name FROM article_category AS shelf WHERE shelf.id = article.category_id
"""
# One language's slug may be another's, too; without languages they must differ.
ONE_OF_A_NAME = """
UPDATE article SET slug = slug || '-' || id WHERE EXISTS (
  SELECT FROM article AS other WHERE other.slug = article.slug AND other.id < article.id
)
"""


def upgrade() -> None:
    _shelves()
    for name, kind in NEW_COLUMNS.items():
        op.add_column("article", sa.Column(name, kind))
    op.execute(SHELVES)
    op.execute(NUMBERS)
    op.drop_column("article", "category")
    op.drop_constraint("uq_article_slug", "article")
    op.create_unique_constraint("uq_article_locale_slug", "article", ["locale", "slug"])
    op.create_unique_constraint("uq_article_source_id_locale", "article", ["source_id", "locale"])
    op.create_index("ix_article_category_id", "article", ["category_id"])
    for name in ("publish_at", "archive_at"):
        op.create_index(
            f"ix_article_{name}", "article", [name], postgresql_where=sa.text(f"{name} IS NOT NULL")
        )
    op.create_foreign_key("fk_article_category_id", "article", "article_category", ["category_id"], ["id"])
    op.create_foreign_key("fk_article_source_id", "article", "article", ["source_id"], ["id"])
    op.create_foreign_key("fk_article_owner_id", "article", "agent", ["owner_id"], ["id"])
    op.add_column("article_version", sa.Column("author_id", sa.BigInteger))
    op.add_column("article_version", sa.Column("note", sa.Text, server_default="", nullable=False))
    op.create_foreign_key("fk_article_version_author_id", "article_version", "agent", ["author_id"], ["id"])
    _beside_articles()


def _shelves() -> None:
    op.create_table(
        "collection",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("icon", sa.Text, server_default="book-open", nullable=False),
        sa.Column("position", sa.Integer, server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sa.UniqueConstraint("slug", name="uq_collection_slug"),
    )
    op.create_table(
        "article_category",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("collection_id", sa.BigInteger, nullable=False),
        sa.Column("parent_id", sa.BigInteger),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("position", sa.Integer, server_default="0", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_category"),
        sa.UniqueConstraint("collection_id", "slug", name="uq_article_category_collection_id_slug"),
        sa.CheckConstraint("parent_id <> id", name="ck_article_category_not_its_own_parent"),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_article_category_collection_id"
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["article_category.id"], name="fk_article_category_parent_id"),
    )
    op.create_index("ix_article_category_parent_id", "article_category", ["parent_id"])


def _article(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["article_id"], ["article.id"], name=f"fk_{table}_article_id", ondelete="CASCADE"
    )


def _agent(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["agent.id"], name=f"fk_{table}_{column}")


def _beside_articles() -> None:
    op.create_table(
        "article_company",
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("company_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "company_id", name="pk_article_company"),
        _article("article_company"),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name="fk_article_company_company_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_article_company_company_id", "article_company", ["company_id"])
    op.create_table(
        "article_copy",
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("note", sa.Text, server_default="", nullable=False),
        sa.Column("base_version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, server_default="1", nullable=False),
        sa.Column("agent_id", sa.BigInteger),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("publish_at", INSTANT),
        sa.PrimaryKeyConstraint("article_id", name="pk_article_copy"),
        _article("article_copy"),
        _agent("article_copy", "agent_id"),
    )
    op.create_index(
        "ix_article_copy_publish_at",
        "article_copy",
        ["publish_at"],
        postgresql_where=sa.text("publish_at IS NOT NULL"),
    )
    op.create_table(
        "article_review",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, server_default="0", nullable=False),
        sa.Column("asked_by_id", sa.BigInteger),
        sa.Column("reviewer_id", sa.BigInteger),
        sa.Column("question", sa.Text, server_default="", nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("answer", sa.Text, server_default="", nullable=False),
        sa.Column("decided_by_id", sa.BigInteger),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_review"),
        _article("article_review"),
        *(_agent("article_review", name) for name in ("asked_by_id", "reviewer_id", "decided_by_id")),
    )
    op.create_index("ix_article_review_article_id", "article_review", ["article_id"])
    op.create_index("ix_article_review_reviewer_id", "article_review", ["reviewer_id"])
    op.create_index(
        "uq_article_review_open",
        "article_review",
        ["article_id"],
        unique=True,
        postgresql_where=sa.text("decision IS NULL"),
    )
    op.create_table(
        "article_slug",
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("locale", "slug", name="pk_article_slug"),
        _article("article_slug"),
    )
    op.create_index("ix_article_slug_article_id", "article_slug", ["article_id"])
    _pictures_and_readers()


def _pictures_and_readers() -> None:
    op.create_table(
        "article_image",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.BigInteger),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_image"),
        _article("article_image"),
        _agent("article_image", "agent_id"),
    )
    op.create_index("ix_article_image_article_id", "article_image", ["article_id"])
    op.create_index("ix_article_image_key", "article_image", ["key"])
    op.create_table(
        "article_day",
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("views", sa.Integer, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("article_id", "day", name="pk_article_day"),
        _article("article_day"),
    )
    op.create_table(
        "article_feedback",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("reader", sa.Text, nullable=False),
        sa.Column("contact_id", sa.BigInteger),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("comment", sa.Text, server_default="", nullable=False),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_article_feedback"),
        sa.UniqueConstraint("article_id", "reader", name="uq_article_feedback_article_id_reader"),
        _article("article_feedback"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name="fk_article_feedback_contact_id", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_article_feedback_contact_id", "article_feedback", ["contact_id"])


def downgrade() -> None:
    """Slugs that only their languages told apart get a number, and what was never published becomes a draft."""
    for table in ("feedback", "day", "image", "slug", "review", "copy", "company"):
        op.drop_table(f"article_{table}")
    op.drop_column("article_version", "note")
    op.drop_column("article_version", "author_id")
    op.add_column("article", sa.Column("category", sa.Text, server_default="", nullable=False))
    op.execute(WORDS)
    op.execute("UPDATE article SET state = 'draft' WHERE state <> 'published' OR publish_at > now()")
    op.execute("UPDATE article SET audience = 'internal' WHERE audience <> 'public'")
    op.drop_constraint("uq_article_locale_slug", "article")
    op.execute(ONE_OF_A_NAME)
    op.create_unique_constraint("uq_article_slug", "article", ["slug"])
    for name in NEW_COLUMNS:
        op.drop_column("article", name)
    op.drop_table("article_category")
    op.drop_table("collection")
