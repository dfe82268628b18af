"""How promises of the past ended, for the board's risks; and what the board counts, found without reading tickets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from helpdesk.migrations import steps

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

ACTIVE = "NOT settled AND snoozed_until IS NULL AND removed IS NULL"
LATE = "met_at IS NULL AND ended_at IS NULL AND breached_at IS NOT NULL"


def upgrade() -> None:
    if not steps.is_there("risk_model"):
        op.create_table(
            "risk_model",
            sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
            sa.Column(
                "created_at",
                sa.DateTime(timezone=True),
                server_default=sa.text("clock_timestamp()"),
                nullable=False,
            ),
            sa.Column("fit", JSONB, nullable=False),
            sa.Column("measures", JSONB, nullable=False),
            sa.Column("promoted_at", sa.DateTime(timezone=True)),
            sa.Column("because", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("id", name="pk_risk_model"),
        )
    with op.get_context().autocommit_block():
        steps.index(
            "ix_ticket_active_load",
            f"ticket (assignee_id, team_id) INCLUDE (id, inbox_id, category, waiting_since) WHERE {ACTIVE}",
        )
        steps.index("ix_sla_clock_late", f"sla_clock (ticket_id) WHERE {LATE}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_sla_clock_late")
        steps.no_index("ix_ticket_active_load")
    op.drop_table("risk_model")
