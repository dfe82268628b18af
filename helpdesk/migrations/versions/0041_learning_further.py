"""What triage, drafts, models, learning and the assistant keep further."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "model_connection",
        sa.Column("mask_fields", postgresql.ARRAY(sa.Text), server_default="{}", nullable=False),
    )
    op.add_column(
        "embedding_model", sa.Column("overruled", sa.Boolean, server_default="false", nullable=False)
    )
    op.add_column("assistant_act", sa.Column("began_at", sa.DateTime(timezone=True)))
    op.add_column("finding", sa.Column("writing_at", sa.DateTime(timezone=True)))
    op.add_column("finding", sa.Column("writer_id", sa.BigInteger()))
    op.add_column("finding", sa.Column("unwritten", sa.Text()))
    op.add_column("finding", sa.Column("problem_id", sa.BigInteger()))
    op.create_foreign_key(op.f("fk_finding_writer_id"), "finding", "agent", ["writer_id"], ["id"])
    op.create_foreign_key(
        op.f("fk_finding_problem_id"), "finding", "ticket", ["problem_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(op.f("ix_finding_problem_id"), "finding", ["problem_id"])


def downgrade() -> None:
    for column in ("problem_id", "unwritten", "writer_id", "writing_at"):
        op.drop_column("finding", column)
    op.drop_column("assistant_act", "began_at")
    op.drop_column("embedding_model", "overruled")
    op.drop_column("model_connection", "mask_fields")
