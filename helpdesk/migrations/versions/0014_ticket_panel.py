"""Copies of a message are found without a search, so that deleting a message is cheap."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_message_copy_of",
            "message",
            ["copy_of_id"],
            postgresql_where=sa.text("copy_of_id IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_message_copy_of", table_name="message")
