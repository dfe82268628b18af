"""Merges that can be undone, bulk changes, side conversations, templates, and replies that leave later."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

EMPTY = sa.text("''")
MOMENT = sa.DateTime(timezone=True)


def _row() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
    )


INDEXES = {
    "ix_message_side": "message (side_id, id) WHERE side_id IS NOT NULL",
    "ix_message_origin": "message (origin_id, id) WHERE origin_id IS NOT NULL",
    "ix_message_later": "message (ticket_id, id) WHERE delivery IN ('scheduled', 'held')",
}


def upgrade() -> None:
    if not steps.is_there("ticket_merge"):
        _tables()
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            steps.index(name, definition)


def _tables() -> None:
    op.create_table(
        "ticket_merge",
        *_row(),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("message_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["ticket.id"], name=op.f("fk_ticket_merge_source_id")),
        sa.ForeignKeyConstraint(["target_id"], ["ticket.id"], name=op.f("fk_ticket_merge_target_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_ticket_merge_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_merge")),
    )
    op.create_index(
        "uq_ticket_merge_source",
        "ticket_merge",
        ["source_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL AND kind = 'merge'"),
    )
    op.create_index("ix_ticket_merge_target_id", "ticket_merge", ["target_id"])

    op.create_table(
        "side_conversation",
        *_row(),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("addresses", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("reply_key", sa.LargeBinary(), nullable=False),
        sa.Column("last_message_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_side_conversation_ticket_id")),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_side_conversation_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_side_conversation")),
        sa.UniqueConstraint("reply_key", name=op.f("uq_side_conversation_reply_key")),
    )
    op.create_index("ix_side_conversation_ticket_id", "side_conversation", ["ticket_id"])

    op.create_table(
        "bulk_change",
        *_row(),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("given", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default="0", nullable=False),
        sa.Column("restored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("kept", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_bulk_change_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_change")),
    )
    op.create_index("ix_bulk_change_agent_id", "bulk_change", ["agent_id", "id"])
    op.create_index(
        "ix_bulk_change_waiting",
        "bulk_change",
        ["id"],
        postgresql_where=sa.text("state IN ('queued', 'undoing')"),
    )
    op.create_table(
        "bulk_change_ticket",
        sa.Column("bulk_change_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["bulk_change_id"],
            ["bulk_change.id"],
            name=op.f("fk_bulk_change_ticket_bulk_change_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_bulk_change_ticket_ticket_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bulk_change_id", "ticket_id", name=op.f("pk_bulk_change_ticket")),
    )
    op.create_index("ix_bulk_change_ticket_ticket_id", "bulk_change_ticket", ["ticket_id"])
    op.create_index(
        "ix_bulk_change_ticket_open",
        "bulk_change_ticket",
        ["bulk_change_id", "outcome", "ticket_id"],
    )

    op.create_table(
        "ticket_template",
        *_row(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("body", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("type_id", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("fields", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_ticket_template_{column}"), ondelete="SET NULL"
            )
            for column, table in (
                ("inbox_id", "inbox"),
                ("team_id", "team"),
                ("assignee_id", "agent"),
                ("type_id", "ticket_type"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_template")),
    )
    op.create_index("uq_ticket_template_name", "ticket_template", [sa.text("lower(name)")], unique=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in reversed(INDEXES):
            steps.no_index(name)
    for table in (
        "ticket_template",
        "bulk_change_ticket",
        "bulk_change",
        "side_conversation",
        "ticket_merge",
    ):
        op.drop_table(table)
