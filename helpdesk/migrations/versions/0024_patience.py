"""How long inboxes wait for silent customers, and how late an answer still belongs to its ticket."""

import sqlalchemy as sa
from alembic import op

from helpdesk.migrations import steps

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

WAITS = "category = 'waiting' AND snoozed_until IS NULL AND removed IS NULL AND left_alone_at IS NULL"
COLUMNS = ("silent_since", "reminded_at", "left_alone_at")
INDEXES = {
    "ix_ticket_silent": "ticket (inbox_id, coalesce(silent_since, last_message_at)) "
    f"WHERE {WAITS} AND reminded_at IS NULL",
    "ix_ticket_reminded": f"ticket (inbox_id, reminded_at) WHERE {WAITS} AND reminded_at IS NOT NULL",
    "ix_ticket_closing": "ticket (inbox_id, coalesce(resolved_at, last_message_at)) "
    "WHERE category = 'resolved' AND removed IS NULL",
}


def upgrade() -> None:
    if not steps.is_there("patience"):
        _patience()
        for name in COLUMNS:
            op.add_column("ticket", sa.Column(name, sa.DateTime(timezone=True)))
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            steps.index(name, definition)


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    for name in COLUMNS:
        op.drop_column("ticket", name)
    op.execute("DELETE FROM ticket_link WHERE kind = 'follow_up'")
    op.drop_table("patience")


def _patience() -> None:
    op.create_table(
        "patience",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("remind_days", sa.Integer()),
        sa.Column("remind_text", sa.Text(), server_default="", nullable=False),
        sa.Column("resolve_days", sa.Integer()),
        sa.Column("resolve_text", sa.Text(), server_default="", nullable=False),
        sa.Column("close_days", sa.Integer()),
        sa.Column("reopen_days", sa.Integer()),
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("per_hour", sa.Integer(), server_default="120", nullable=False),
        sa.Column("calendar_id", sa.BigInteger()),
        sa.Column("paced_at", sa.DateTime(timezone=True)),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_patience"),
        sa.UniqueConstraint("inbox_id", name="uq_patience_inbox_id"),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inbox.id"], name="fk_patience_inbox_id_inbox", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["business_calendar.id"],
            name="fk_patience_calendar_id_business_calendar",
        ),
    )
