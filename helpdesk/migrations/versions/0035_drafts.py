"""What becomes of proposed replies: why one was turned down, how it was asked for, and in which tone it is written."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

ADDED: dict[str, sa.types.TypeEngine[Any]] = {
    "rejection": sa.Text(),
    "hint": sa.Text(),
    "removed": postgresql.JSONB(astext_type=sa.Text()),
}


def upgrade() -> None:
    if not steps.is_there("draft_tone"):
        for name, kind in ADDED.items():
            op.add_column("suggestion", sa.Column(name, kind, nullable=True))
        op.create_table(
            "draft_tone",
            sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
            sa.Column("inbox_id", sa.BigInteger(), nullable=True),
            sa.Column("language", sa.Text(), nullable=False),
            sa.Column("greeting", sa.Text(), nullable=False),
            sa.Column("anonymous", sa.Text(), nullable=False),
            sa.Column("offer", sa.Text(), nullable=False),
            sa.Column("closing", sa.Text(), nullable=False),
            sa.Column("signature", sa.Text(), nullable=False),
            sa.Column(
                "created_at",
                sa.DateTime(timezone=True),
                server_default=sa.text("clock_timestamp()"),
                nullable=False,
            ),
            sa.ForeignKeyConstraint(
                ["inbox_id"], ["inbox.id"], name=op.f("fk_draft_tone_inbox_id"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_tone")),
            sa.UniqueConstraint(
                "inbox_id",
                "language",
                name=op.f("uq_draft_tone_inbox_id_language"),
                postgresql_nulls_not_distinct=True,
            ),
        )
    with op.get_context().autocommit_block():
        # figures of a period: rows lie in the order of their times
        steps.index(
            "ix_suggestion_created_at", "suggestion USING brin (created_at) WITH (autosummarize = on)"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_suggestion_created_at")
    op.drop_table("draft_tone")
    for name in ADDED:
        op.drop_column("suggestion", name)
