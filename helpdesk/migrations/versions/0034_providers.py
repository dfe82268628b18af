"""Language models that are connected, what they cost, and what left the desk for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_connection",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("base_url", sa.Text, server_default="", nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("sealed_key", sa.LargeBinary),
        sa.Column("active", sa.Boolean, server_default="true", nullable=False),
        sa.Column("mask_names", sa.Boolean, server_default="true", nullable=False),
        sa.Column("keep_texts", sa.Boolean, server_default="true", nullable=False),
        sa.Column("context", sa.Integer, server_default="8192", nullable=False),
        sa.Column("input_price", sa.Numeric(12, 4), server_default="0", nullable=False),
        sa.Column("output_price", sa.Numeric(12, 4), server_default="0", nullable=False),
        sa.Column("daily_tokens", sa.BigInteger),
        sa.Column("daily_money", sa.Numeric(12, 2)),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column("trouble_since", sa.DateTime(timezone=True)),
        _made(),
    )
    op.create_table(
        "model_purpose",
        sa.Column("purpose", sa.Text, primary_key=True),
        sa.Column(
            "connection_id",
            sa.BigInteger,
            sa.ForeignKey("model_connection.id", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
    )
    op.create_table(
        "model_call",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("connection_id", sa.BigInteger, sa.ForeignKey("model_connection.id", ondelete="SET NULL")),
        sa.Column("connection_name", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text),
        sa.Column("ticket_id", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column("left", sa.Boolean, server_default="true", nullable=False),
        sa.Column("tokens_in", sa.Integer, server_default="0", nullable=False),
        sa.Column("tokens_out", sa.Integer, server_default="0", nullable=False),
        sa.Column("cost", sa.Numeric(14, 6), server_default="0", nullable=False),
        sa.Column("first_ms", sa.Integer),
        sa.Column("took_ms", sa.Integer),
        sa.Column("masked", JSONB, server_default="{}", nullable=False),
        _made(),
    )
    op.create_index(None, "model_call", ["connection_id", "created_at"])
    op.create_index(None, "model_call", ["created_at"])
    op.create_index("ix_model_call_ticket", "model_call", ["ticket_id", "id"])
    op.create_table(
        "model_record",
        sa.Column(
            "call_id", sa.BigInteger, sa.ForeignKey("model_call.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("ticket_id", sa.BigInteger, sa.ForeignKey("ticket.id", ondelete="CASCADE"), index=True),
        _made(),
        sa.Column("system", sa.Text, nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, server_default="", nullable=False),
    )


def downgrade() -> None:
    for name in ("model_record", "model_call", "model_purpose", "model_connection"):
        op.drop_table(name)


def _made() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
    )
