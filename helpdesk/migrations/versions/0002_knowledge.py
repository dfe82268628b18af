"""What the desk knows: articles with their versions, passages, their vectors, and how telling words are."""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


# Only a superuser may create the extension; the private PostgreSQL has it already, elsewhere this says who must.
EXTENSION = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
    CREATE EXTENSION vector;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'The extension vector (pgvector 0.8 or newer) is missing in this database.'
    USING HINT = 'Run CREATE EXTENSION vector; in it as a superuser, then migrate again.';
END $$;
"""


def upgrade() -> None:
    op.execute(EXTENSION)
    op.create_table(
        "article",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), server_default="", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("indexed_version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_article_version_counts_from_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article")),
        sa.UniqueConstraint("slug", name=op.f("uq_article_slug")),
    )
    op.create_index(op.f("ix_article_state"), "article", ["state"], unique=False)
    op.create_table(
        "lexeme",
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("idf", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_lexeme")),
    )
    op.create_table(
        "article_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_article_version_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_article_version")),
        sa.UniqueConstraint("article_id", "version", name=op.f("uq_article_version_article_id_version")),
    )
    op.create_table(
        "chunk",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("stemmer", postgresql.REGCONFIG(), nullable=False),
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector(stemmer, title), 'A')"
                " || setweight(to_tsvector(stemmer, path || ' ' || text), 'D')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_chunk_article_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chunk")),
        sa.UniqueConstraint(
            "article_id", "version", "position", name=op.f("uq_chunk_article_id_version_position")
        ),
    )
    op.create_index("ix_chunk_lexemes", "chunk", ["lexemes"], unique=False, postgresql_using="gin")
    op.create_table(
        "chunk_vector",
        sa.Column("chunk_id", sa.BigInteger(), nullable=False),
        sa.Column("embedder", sa.Text(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("embedding", pgvector.sqlalchemy.HALFVEC(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chunk_id"], ["chunk.id"], name=op.f("fk_chunk_vector_chunk_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("chunk_id", "embedder", name=op.f("pk_chunk_vector")),
    )
    op.create_index(
        "ix_chunk_vector_1024",
        "chunk_vector",
        [sa.literal_column("(embedding::halfvec(1024)) halfvec_ip_ops")],
        unique=False,
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 1024"),
    )
    op.create_index(
        "ix_chunk_vector_384",
        "chunk_vector",
        [sa.literal_column("(embedding::halfvec(384)) halfvec_ip_ops")],
        unique=False,
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 384"),
    )
    op.create_index(
        "ix_chunk_vector_768",
        "chunk_vector",
        [sa.literal_column("(embedding::halfvec(768)) halfvec_ip_ops")],
        unique=False,
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 768"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_chunk_vector_768",
        table_name="chunk_vector",
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 768"),
    )
    op.drop_index(
        "ix_chunk_vector_384",
        table_name="chunk_vector",
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 384"),
    )
    op.drop_index(
        "ix_chunk_vector_1024",
        table_name="chunk_vector",
        postgresql_using="hnsw",
        postgresql_where=sa.text("vector_dims(embedding) = 1024"),
    )
    op.drop_table("chunk_vector")
    op.drop_index("ix_chunk_lexemes", table_name="chunk", postgresql_using="gin")
    op.drop_table("chunk")
    op.drop_table("article_version")
    op.drop_table("lexeme")
    op.drop_index(op.f("ix_article_state"), table_name="article")
    op.drop_table("article")
