"""Policies with conditions, clocks that rest, and the ledger.

What was promised before stays as it was promised: policies that exist pause nothing and warn of nothing until
somebody edits them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OPEN = "met_at IS NULL AND ended_at IS NULL"

# The application's role, where there is one of its own, may add steps but never change or remove them.
APPEND_ONLY = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'helpdesk_app') AND current_user <> 'helpdesk_app' THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON sla_entry FROM helpdesk_app;
  END IF;
END $$;
"""


def upgrade() -> None:
    if not steps.is_there("sla_entry"):
        _columns()
        _ledger()
    with op.get_context().autocommit_block():
        steps.index("ix_sla_clock_ticket", "sla_clock (ticket_id)")
        steps.index("ix_sla_clock_running", f"sla_clock (due_at) WHERE {OPEN} AND breached_at IS NULL")
        steps.index("ix_sla_clock_act", "sla_clock (act_at) WHERE act_at IS NOT NULL")
        _unique()
        op.execute("ALTER TABLE sla_clock DROP CONSTRAINT IF EXISTS uq_sla_clock_ticket_id_metric")
        steps.no_index("ix_sla_clock_due")
        steps.validate("sla_clock", "fk_sla_clock_policy_id_sla_policy")


def downgrade() -> None:
    op.execute("""
        DELETE FROM sla_clock WHERE due_at IS NULL OR metric NOT IN ('first_response', 'resolution')
        OR id NOT IN (SELECT max(id) FROM sla_clock GROUP BY ticket_id, metric)
    """)
    op.execute(
        "ALTER TABLE sla_clock ADD CONSTRAINT uq_sla_clock_ticket_id_metric UNIQUE (ticket_id, metric)"
    )
    op.execute(
        "CREATE INDEX ix_sla_clock_due ON sla_clock (due_at) WHERE met_at IS NULL AND breached_at IS NULL"
    )
    for name in ("open", "ticket", "running", "act"):
        op.execute(f"DROP INDEX ix_sla_clock_{name}")
    op.alter_column("sla_clock", "due_at", nullable=False)
    for name in ("policy_id", "target", "breaks", "act_at", "ended_at", "warned_at", "escalated"):
        op.drop_column("sla_clock", name)
    for name in ("active", "condition", "pauses", "warn_minutes", "escalations"):
        op.drop_column("sla_policy", name)
    op.drop_column("ticket", "policy_fixed")
    op.drop_table("sla_entry")


def _columns() -> None:
    """None of them rewrites a table: they are empty, or the same everywhere."""
    op.add_column(
        "sla_policy", sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    for name, empty in (("condition", "{}"), ("pauses", "{}"), ("escalations", "[]")):
        op.add_column("sla_policy", sa.Column(name, postgresql.JSONB(), server_default=empty, nullable=False))
    op.add_column("sla_policy", sa.Column("warn_minutes", sa.Integer()))
    op.add_column(
        "ticket", sa.Column("policy_fixed", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("sla_clock", sa.Column("policy_id", sa.BigInteger()))
    op.create_foreign_key(
        "fk_sla_clock_policy_id_sla_policy",
        "sla_clock",
        "sla_policy",
        ["policy_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.add_column("sla_clock", sa.Column("target", sa.Integer()))
    op.add_column("sla_clock", sa.Column("breaks", postgresql.JSONB(), server_default="[]", nullable=False))
    op.add_column(
        "sla_clock", sa.Column("escalated", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    for name in ("act_at", "ended_at", "warned_at"):
        op.add_column("sla_clock", sa.Column(name, sa.DateTime(timezone=True)))
    op.alter_column("sla_clock", "due_at", nullable=True)


def _ledger() -> None:
    op.create_table(
        "sla_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("clock_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger()),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sla_entry"),
    )
    op.create_index("ix_sla_entry_ticket", "sla_entry", ["ticket_id", "id"])
    op.execute(APPEND_ONLY)


def _unique() -> None:
    """One open clock of each metric; what an attempt that was ended has left behind is made again."""
    if not op.get_bind().scalar(steps.VALID, {"name": "ix_sla_clock_open"}):
        steps.no_index("ix_sla_clock_open")
        op.execute(
            f"CREATE UNIQUE INDEX CONCURRENTLY ix_sla_clock_open ON sla_clock (ticket_id, metric) WHERE {OPEN}"
        )
