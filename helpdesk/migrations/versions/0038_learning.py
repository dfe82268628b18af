"""What work teaches: gaps, contradictions, incidents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("tickets", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("article_id", sa.BigInteger(), nullable=True),
        sa.Column("other_id", sa.BigInteger(), nullable=True),
        sa.Column("edit", postgresql.JSONB(), nullable=True),
        sa.Column("made_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name=op.f("fk_finding_article_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["article.id"], name=op.f("fk_finding_other_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["made_id"], ["article.id"], name=op.f("fk_finding_made_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["agent.id"], name=op.f("fk_finding_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_article_id"), "finding", ["article_id"])
    op.create_index(op.f("ix_finding_other_id"), "finding", ["other_id"])
    op.create_index(op.f("ix_finding_made_id"), "finding", ["made_id"])
    op.create_index(op.f("ix_finding_state_kind"), "finding", ["state", "kind"])


def downgrade() -> None:
    op.drop_table("finding")
