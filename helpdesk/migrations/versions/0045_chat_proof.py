"""Chat: addresses that visitors prove by a code, and puzzles that were solved before somebody new came."""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chat_visitor", sa.Column("proved_at", sa.DateTime(timezone=True)))
    op.add_column("chat_visitor", sa.Column("unknown_as", sa.Text, server_default="", nullable=False))
    op.add_column("chat_visitor", sa.Column("puzzle", sa.LargeBinary))
    known = sa.text("unknown_as <> ''")
    op.create_index(
        "ix_chat_visitor_unknown_as", "chat_visitor", ["inbox_id", "unknown_as"], postgresql_where=known
    )
    op.create_index("uq_chat_visitor_puzzle", "chat_visitor", ["puzzle"], unique=True)
    _codes()


def downgrade() -> None:
    op.drop_table("chat_code")
    op.drop_index("uq_chat_visitor_puzzle", "chat_visitor")
    op.drop_index("ix_chat_visitor_unknown_as", "chat_visitor")
    for column in ("puzzle", "unknown_as", "proved_at"):
        op.drop_column("chat_visitor", column)


def _codes() -> None:
    op.create_table(
        "chat_code",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column(
            "visitor_id",
            sa.BigInteger,
            sa.ForeignKey("chat_visitor.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("origin", sa.LargeBinary, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("tries", sa.Integer, server_default="0", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )
    op.create_index("ix_chat_code_visitor_id", "chat_code", ["visitor_id"])
    op.create_index("ix_chat_code_created_at", "chat_code", ["created_at"])
