"""Settled tickets, of which there are most, in the order of their beginning and of their priority."""

from alembic import op

from helpdesk.migrations import steps

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None

RANK = "array_position(ARRAY['low', 'normal', 'high', 'urgent'], priority)"
ORDERS = {
    "ix_ticket_settled_created": "created_at DESC, id DESC",
    "ix_ticket_settled_priority": f"{RANK} DESC, last_message_at DESC, id DESC",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in ORDERS.items():
            steps.index(name, f"ticket ({columns}) WHERE settled AND removed IS NULL")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in ORDERS:
            steps.no_index(name)
