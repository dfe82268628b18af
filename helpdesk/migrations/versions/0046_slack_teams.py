"""Slack: lines for teams in channels of their own, and payloads that were put aside found without reading all."""

import sqlalchemy as sa
from alembic import op

from helpdesk.migrations import steps

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not steps.is_there("slack_team"):
        _teams()
    with op.get_context().autocommit_block():
        steps.index("ix_kept_put_aside", "kept (inbox_id, id) WHERE state = 'quarantined'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_kept_put_aside")
    op.drop_table("slack_team")


def _teams() -> None:
    op.create_table(
        "slack_team",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("team_id", sa.BigInteger, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("new", sa.Boolean, nullable=False),
        sa.Column("assigned", sa.Boolean, nullable=False),
        sa.Column("warned", sa.Boolean, nullable=False),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_slack_team"),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_slack_team_inbox_id"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_slack_team_team_id", ondelete="CASCADE"),
        sa.UniqueConstraint("inbox_id", "team_id", name="uq_slack_team_inbox_id_team_id"),
    )
    op.create_index("ix_slack_team_team_id", "slack_team", ["team_id"])
