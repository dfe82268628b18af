"""API tokens, and the answers that are given again when a request is repeated."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    texts = postgresql.ARRAY(sa.Text())
    none = sa.text("'{}'")
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("scopes", texts, server_default=none, nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("addresses", texts, server_default=none, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_at", sa.DateTime(timezone=True)),
        sa.Column("last_used_from", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_api_token_agent_id", ondelete="CASCADE"),
        sa.UniqueConstraint("hash", name="uq_api_token_hash"),
    )
    op.create_index("ix_api_token_agent_id", "api_token", ["agent_id"])
    op.create_index("ix_api_token_created", "api_token", ["created_at"])
    op.create_table(
        "api_answer",
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("headers", postgresql.JSONB(), server_default=none, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_id", "key", name="pk_api_answer"),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_token.id"], name="fk_api_answer_token_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_api_answer_created_at", "api_answer", ["created_at"])


def downgrade() -> None:
    op.drop_table("api_answer")
    op.drop_table("api_token")
