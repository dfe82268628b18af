"""Imports of articles that are read and written by a worker, from files and from websites; mails about reviews."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

WORDS = {"stage": "read", "address": "", "file": "", "trouble": ""}
NUMBERS = ("done", "total", "tries")


def upgrade() -> None:
    for name, default in WORDS.items():
        op.add_column(
            "knowledge_import",
            sa.Column(name, sa.Text, nullable=False, server_default=sa.text(f"'{default}'")),
        )
    for name in NUMBERS:
        op.add_column(
            "knowledge_import", sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
        )
    op.add_column(
        "knowledge_import", sa.Column("choices", postgresql.JSONB, nullable=False, server_default="{}")
    )
    op.create_table(
        "article_review_mail",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "review_id",
            sa.BigInteger,
            sa.ForeignKey("article_review.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column(
            "agent_id",
            sa.BigInteger,
            sa.ForeignKey("agent.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("asks", sa.Boolean, nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text, nullable=False, server_default=""),
    )
    op.execute("UPDATE knowledge_import SET stage = 'written' WHERE written_at IS NOT NULL")


def downgrade() -> None:
    op.drop_table("article_review_mail")
    op.execute("DELETE FROM knowledge_import WHERE stage NOT IN ('read', 'written')")
    for name in ("choices", *NUMBERS, *WORDS):
        op.drop_column("knowledge_import", name)
