"""Chat: visitors and what they hold."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_visitor",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("inbox_id", sa.BigInteger, sa.ForeignKey("inbox.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("name", sa.Text, server_default="", nullable=False),
        sa.Column("email", sa.Text, server_default="", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.Column("typing_at", sa.DateTime(timezone=True)),
        sa.Column("read_id", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("mailed_id", sa.BigInteger, server_default="0", nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.Column("transcript_of", sa.BigInteger),
        sa.Column("language", sa.Text, server_default="", nullable=False),
        sa.Column("referrer", sa.Text, server_default="", nullable=False),
        sa.Column("pages", JSONB, server_default="[]", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.create_index("ix_chat_visitor_person", "chat_visitor", ["inbox_id", "kind", "address"])
    op.create_index("ix_chat_visitor_seen", "chat_visitor", ["seen_at"])


def downgrade() -> None:
    op.drop_table("chat_visitor")
