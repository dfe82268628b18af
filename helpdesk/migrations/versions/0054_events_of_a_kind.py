"""The audit finds what is rare among millions of events: a kind, what rules and the assistant did, and programs."""

from alembic import op

from helpdesk.migrations import steps

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

FREQUENT = "'ticket_created', 'message_received', 'replied', 'resolved', 'sla_started', 'sla_met'"
INDEXES = {
    "ix_event_kind": f"event (kind, id) WHERE kind NOT IN ({FREQUENT})",
    "ix_event_actor": "event (actor, id) WHERE actor IN ('assistant', 'rule')",
    "ix_event_token": "event (id, token_id) WHERE token_id IS NOT NULL",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            steps.index(name, definition)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            steps.no_index(name)
