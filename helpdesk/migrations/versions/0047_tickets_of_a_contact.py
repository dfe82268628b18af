"""A person's tickets newest first, open and settled apart: for the pages on which customers see theirs."""

from alembic import op

from helpdesk.migrations import steps

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

NAME = "ix_ticket_of_contact"
COLUMNS = "(contact_id, settled, last_message_at DESC, id DESC) INCLUDE (inbox_id)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        steps.index(NAME, f"ticket {COLUMNS} WHERE removed IS NULL")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index(NAME)
