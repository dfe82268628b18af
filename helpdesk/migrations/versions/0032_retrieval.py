"""The index of the search: how far it is, synonyms, what else than articles is found."""

import pgvector.sqlalchemy
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
DIMENSIONS = (384, 768, 1024)

# Passages are tens of thousands at most desks: giving each its word pairs rewrites them, in some seconds.
WORDS = """
setweight(to_tsvector(stemmer, title), 'A') || setweight(to_tsvector(stemmer, path || ' ' || text), 'D')
"""
PAIRS = "setweight(to_tsvector('simple'::regconfig, grams), 'D')"


def upgrade() -> None:
    op.add_column("chunk", sa.Column("grams", sa.Text, server_default="", nullable=False))
    _lexemes_of_passages(f"{WORDS} || {PAIRS}")
    op.create_index("ix_lexeme_idf", "lexeme", ["idf"])
    op.create_index(
        "ix_lexeme_alike",
        "lexeme",
        ["word"],
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    op.create_table(
        "word_group",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("words", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("one_way", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_word_group"),
        sa.CheckConstraint("cardinality(words) > 1", name="ck_word_group_more_than_one"),
    )
    op.create_table(
        "embedding_model",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("dimensions", sa.Integer, nullable=False),
        sa.Column("answers", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("wanted", sa.Boolean, server_default=sa.false(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("complete_at", INSTANT),
        sa.PrimaryKeyConstraint("name", name="pk_embedding_model"),
    )
    _precedents()


def _precedents() -> None:
    op.create_table(
        "precedent",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger),
        sa.Column("macro_id", sa.BigInteger),
        sa.Column("question_id", sa.BigInteger),
        sa.Column("answer_id", sa.BigInteger),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("asked", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("grams", sa.Text, server_default="", nullable=False),
        sa.Column("stemmer", postgresql.REGCONFIG, nullable=False),
        sa.Column(
            "lexemes",
            postgresql.TSVECTOR,
            sa.Computed(
                "setweight(to_tsvector(stemmer, title), 'A') "
                "|| setweight(to_tsvector(stemmer, asked || ' ' || text), 'D') "
                f"|| {PAIRS}",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_precedent"),
        sa.CheckConstraint("(ticket_id IS NULL) <> (macro_id IS NULL)", name="ck_precedent_of_one"),
        sa.UniqueConstraint("ticket_id", name="uq_precedent_ticket_id"),
        sa.UniqueConstraint("macro_id", name="uq_precedent_macro_id"),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_id"], [f"{table}.id"], name=f"fk_precedent_{name}_id", ondelete="CASCADE"
            )
            for name, table in {
                "ticket": "ticket",
                "macro": "macro",
                "question": "message",
                "answer": "message",
            }.items()
        ),
    )
    op.create_index("ix_precedent_lexemes", "precedent", ["lexemes"], postgresql_using="gin")
    for name in ("question_id", "answer_id"):
        op.create_index(f"ix_precedent_{name}", "precedent", [name])
    op.create_table(
        "precedent_vector",
        sa.Column("precedent_id", sa.BigInteger, nullable=False),
        sa.Column("embedder", sa.Text, nullable=False),
        sa.Column("precision", sa.Text, nullable=False),
        sa.Column("embedding", pgvector.sqlalchemy.HALFVEC(), nullable=False),
        sa.PrimaryKeyConstraint("precedent_id", "embedder", name="pk_precedent_vector"),
        sa.ForeignKeyConstraint(
            ["precedent_id"], ["precedent.id"], name="fk_precedent_vector_precedent_id", ondelete="CASCADE"
        ),
    )
    for n in DIMENSIONS:
        op.create_index(
            f"ix_precedent_vector_{n}",
            "precedent_vector",
            [sa.text(f"(embedding::halfvec({n})) halfvec_ip_ops")],
            postgresql_using="hnsw",
            postgresql_where=sa.text(f"vector_dims(embedding) = {n}"),
        )


def _lexemes_of_passages(words: str) -> None:
    op.drop_index("ix_chunk_lexemes", "chunk")
    op.drop_column("chunk", "lexemes")
    made = sa.Computed(words, persisted=True)
    op.add_column("chunk", sa.Column("lexemes", postgresql.TSVECTOR, made, nullable=False))
    op.create_index("ix_chunk_lexemes", "chunk", ["lexemes"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_table("precedent_vector")
    op.drop_table("precedent")
    op.drop_table("embedding_model")
    op.drop_table("word_group")
    op.drop_index("ix_lexeme_alike", "lexeme")
    op.drop_index("ix_lexeme_idf", "lexeme")
    _lexemes_of_passages(WORDS)
    op.drop_column("chunk", "grams")
