"""Customers' words that came with formatting are shown with it."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

OF_SLACK = """
UPDATE message SET marked = true FROM inbox
WHERE inbox.id = message.inbox_id AND inbox.channel = 'slack' AND message.direction = 'inbound'
    AND message.external_id ~ '^[^?/]+/[0-9]+[.][0-9]+'
"""


def upgrade() -> None:
    marked = sa.Column("marked", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("message", marked, if_not_exists=True)
    with op.get_context().autocommit_block():
        op.execute(OF_SLACK)  # it may read millions of messages, and holds nobody up


def downgrade() -> None:
    op.drop_column("message", "marked")
