"""Webhooks and their log; what inboxes are called in public, and through which one their answers leave."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EMPTY = sa.text("''")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("includes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sealed_secrets", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("trouble", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("retry_at", MOMENT, nullable=True),
        sa.Column("busy_until", MOMENT, nullable=True),
        sa.Column("off_because", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("off_at", MOMENT, nullable=True),
        sa.Column("last_delivered_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["made_by_id"], ["agent.id"], name=op.f("fk_webhook_made_by_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("trouble", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("answer", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("tries", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sa.UniqueConstraint("webhook_id", "event_id", name=op.f("uq_webhook_delivery_webhook_id_event_id")),
    )
    op.create_index(
        "ix_webhook_delivery_queued",
        "webhook_delivery",
        ["webhook_id", "id"],
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("ix_webhook_delivery_log", "webhook_delivery", ["webhook_id", "state", "id"])
    op.create_index(
        "ix_webhook_delivery_ticket",
        "webhook_delivery",
        ["ticket_id"],
        postgresql_where=sa.text("ticket_id IS NOT NULL"),
    )
    op.add_column(
        "inbox",
        sa.Column(
            "public_id",
            sa.Text(),
            server_default=sa.text("replace(gen_random_uuid()::text, '-', '')"),
            nullable=False,
        ),
    )
    op.create_unique_constraint(op.f("uq_inbox_public_id"), "inbox", ["public_id"])
    op.add_column("inbox", sa.Column("answers_through_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_inbox_answers_through_id"),
        "inbox",
        "inbox",
        ["answers_through_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("fk_inbox_answers_through_id"), "inbox", type_="foreignkey")
    op.drop_column("inbox", "answers_through_id")
    op.drop_constraint(op.f("uq_inbox_public_id"), "inbox", type_="unique")
    op.drop_column("inbox", "public_id")
    op.drop_table("webhook_delivery")
    op.drop_table("webhook")
