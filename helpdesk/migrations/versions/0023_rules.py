"""Rules, what each of their runs changed, and which events wait for them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rule",
        *_row(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("position", sa.Integer, server_default="0", nullable=False),
        sa.Column("active", sa.Boolean, server_default="false", nullable=False),
        sa.Column("triggers", JSONB, server_default="[]", nullable=False),
        sa.Column("condition", JSONB, server_default="{}", nullable=False),
        sa.Column("actions", JSONB, server_default="[]", nullable=False),
        sa.Column("stops", sa.Boolean, server_default="false", nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rule"),
    )
    op.create_index("uq_rule_name", "rule", [sa.text("lower(name)")], unique=True)
    op.create_index(
        "ix_rule_next_at",
        "rule",
        ["next_at"],
        postgresql_where=sa.text("active AND next_at IS NOT NULL"),
    )
    op.create_table(
        "rule_run",
        *_row(),
        sa.Column("rule_id", sa.BigInteger, nullable=False),
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("once", sa.Text, nullable=False),
        sa.Column("cause_id", sa.BigInteger),
        sa.Column("chain", JSONB, server_default="[]", nullable=False),
        sa.Column("done", JSONB, server_default="[]", nullable=False),
        sa.Column("failed", JSONB, server_default="[]", nullable=False),
        sa.Column("first_event_id", sa.BigInteger),
        sa.Column("last_event_id", sa.BigInteger),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_by_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_rule_run"),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name="fk_rule_run_rule_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_rule_run_ticket_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["undone_by_id"], ["agent.id"], name="fk_rule_run_undone_by_id"),
        sa.UniqueConstraint("rule_id", "ticket_id", "once", name="uq_rule_run_rule_id_ticket_id_once"),
    )
    op.create_index("ix_rule_run_rule", "rule_run", ["rule_id", "id"])
    op.create_index("ix_rule_run_ticket", "rule_run", ["ticket_id", "id"])
    op.create_table(
        "rule_waiting",
        sa.Column("event_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_rule_waiting"),
    )
    op.create_index("ix_rule_waiting_ticket_id", "rule_waiting", ["ticket_id"])


def downgrade() -> None:
    op.drop_table("rule_waiting")
    op.drop_table("rule_run")
    op.drop_table("rule")


def _row() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
