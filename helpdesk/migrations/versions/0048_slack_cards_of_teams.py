"""Slack: cards in channels of teams, more that a team hears of, and hours in which it does not."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

FLAGS = ("answered", "settled", "cards")
CARD = "uq_slack_card_inbox_id_ticket_id"


def upgrade() -> None:
    for name in FLAGS:
        op.add_column("slack_team", sa.Column(name, sa.Boolean, server_default=sa.false(), nullable=False))
    op.add_column("slack_team", sa.Column("calendar_id", sa.BigInteger, nullable=True))
    op.add_column("slack_team", sa.Column("held", ARRAY(sa.BigInteger), server_default="{}", nullable=False))
    op.create_foreign_key(
        "fk_slack_team_calendar_id",
        "slack_team",
        "business_calendar",
        ["calendar_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index("ix_slack_team_calendar_id", "slack_team", ["calendar_id"])
    op.create_unique_constraint(f"{CARD}_channel_id", "slack_card", ["inbox_id", "ticket_id", "channel_id"])
    op.drop_constraint(CARD, "slack_card")


def downgrade() -> None:
    op.execute(
        "DELETE FROM slack_card AS older USING slack_card AS newer WHERE newer.inbox_id = older.inbox_id"
        " AND newer.ticket_id = older.ticket_id AND newer.id > older.id"
    )
    op.create_unique_constraint(CARD, "slack_card", ["inbox_id", "ticket_id"])
    op.drop_constraint(f"{CARD}_channel_id", "slack_card")
    op.drop_index("ix_slack_team_calendar_id", "slack_team")
    op.drop_constraint("fk_slack_team_calendar_id", "slack_team")
    for name in ("held", "calendar_id", *FLAGS):
        op.drop_column("slack_team", name)
