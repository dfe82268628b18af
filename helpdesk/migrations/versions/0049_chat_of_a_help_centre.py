"""The chat on a help centre's pages, and in it the customers who have signed in there."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

KEY = "fk_help_centre_chat_inbox_id_inbox"


def upgrade() -> None:
    op.add_column("help_centre", sa.Column("chat_inbox_id", sa.BigInteger))
    op.create_foreign_key(KEY, "help_centre", "inbox", ["chat_inbox_id"], ["id"], ondelete="SET NULL")
    op.create_unique_constraint("uq_help_centre_chat_inbox_id", "help_centre", ["chat_inbox_id"])
    op.add_column("chat_visitor", sa.Column("portal_session", sa.LargeBinary))


def downgrade() -> None:
    op.drop_column("chat_visitor", "portal_session")
    op.drop_column("help_centre", "chat_inbox_id")
