"""What happened in a certain time is found without reading everything that ever happened."""

from alembic import op

from helpdesk.migrations import steps

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # a few kB for millions of events, which lie nearly in the order of their times
        steps.index("ix_event_created_at", "event USING brin (created_at) WITH (autosummarize = on)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_event_created_at")
