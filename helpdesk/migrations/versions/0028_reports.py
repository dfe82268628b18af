"""Reports that are kept and sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "saved_report",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("question", JSONB, nullable=False),
        sa.Column("schedule", JSONB),
        sa.Column("next_at", INSTANT),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_report"),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["agent.id"], name="fk_saved_report_owner_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_saved_report_team_id", ondelete="CASCADE"),
        sa.CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="ck_saved_report_team"),
    )
    op.create_index("ix_saved_report_owner_id", "saved_report", ["owner_id"])
    op.create_table(
        "report_recipient",
        sa.Column("report_id", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.BigInteger, nullable=False),
        sa.Column("declined_at", INSTANT),
        sa.PrimaryKeyConstraint("report_id", "agent_id", name="pk_report_recipient"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["saved_report.id"], name="fk_report_recipient_report_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name="fk_report_recipient_agent_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_report_recipient_agent_id", "report_recipient", ["agent_id"])
    op.create_table(
        "report_mail",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("report_id", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.BigInteger, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("missed", sa.Integer, server_default="0", nullable=False),
        sa.Column("mailed_at", INSTANT),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_mail"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["saved_report.id"], name="fk_report_mail_report_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name="fk_report_mail_agent_id", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("report_id", "agent_id", "due_at", name="uq_report_mail_report_id"),
    )
    op.create_index("ix_report_mail_agent_id", "report_mail", ["agent_id"])


def downgrade() -> None:
    for table in ("report_mail", "report_recipient", "saved_report"):
        op.drop_table(table)
