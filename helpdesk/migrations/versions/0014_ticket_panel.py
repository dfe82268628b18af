"""Copies of a message are found without a search, so that deleting a message is cheap."""

from alembic import op

from helpdesk.migrations import steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        steps.index("ix_message_copy_of", "message (copy_of_id) WHERE copy_of_id IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_message_copy_of", table_name="message")
