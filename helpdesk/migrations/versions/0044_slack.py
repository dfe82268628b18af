"""Slack: threads that are tickets, exceptions of channels, cards; and what a channel itself has yet to deal with."""

import sqlalchemy as sa
from alembic import op

from helpdesk.migrations import steps

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if not steps.is_there("slack_thread"):
        _tables()
        op.add_column("kept", sa.Column("outcome", sa.Text(), nullable=True))
    with op.get_context().autocommit_block():
        steps.index("ix_kept_handed", "kept (inbox_id, id) WHERE state = 'handed'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_kept_handed")
    op.drop_column("kept", "outcome")
    op.drop_table("slack_card")
    op.drop_table("slack_channel")
    op.drop_table("slack_thread")


def _tables() -> None:
    _made(
        "slack_thread",
        _text("channel_id"),
        _text("thread_ts"),
        _text("author"),
        sa.Column("wrote_at", sa.DateTime(timezone=True), nullable=False),
        *_ticket("slack_thread"),
        unique=("inbox_id", "channel_id", "thread_ts"),
    )
    op.create_index("ix_slack_thread_ticket_id", "slack_thread", ["ticket_id"])
    op.create_index(
        "ix_slack_thread_author", "slack_thread", ["inbox_id", "channel_id", "author", "wrote_at"]
    )
    _made("slack_channel", _text("channel_id"), _text("customers"), unique=("inbox_id", "channel_id"))
    _made(
        "slack_card",
        *_ticket("slack_card"),
        _text("channel_id"),
        sa.Column("ts", sa.Text, server_default="", nullable=False),
        sa.Column("shown", sa.Text, server_default="", nullable=False),
        unique=("inbox_id", "ticket_id"),
    )
    op.create_index("ix_slack_card_ticket_id", "slack_card", ["ticket_id"])
    op.create_index("ix_slack_card_ts", "slack_card", ["inbox_id", "channel_id", "ts"])


def _made(table: str, *columns: sa.schema.SchemaItem, unique: tuple[str, ...]) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        *columns,
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=f"fk_{table}_inbox_id"),
        sa.UniqueConstraint(*unique, name=f"uq_{table}_{'_'.join(unique)}"),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _ticket(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=f"fk_{table}_ticket_id", ondelete="CASCADE"
        ),
    )
