"""Macros, and what each use of one changed."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "macro",
        *_row(),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folder", sa.Text, server_default="", nullable=False),
        sa.Column("body", sa.Text, server_default="", nullable=False),
        sa.Column("actions", JSONB, server_default="[]", nullable=False),
        sa.Column("used", sa.Integer, server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.Column("archived", sa.Boolean, server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_macro"),
        sa.ForeignKeyConstraint(["owner_id"], ["agent.id"], name="fk_macro_owner_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_macro_team_id", ondelete="CASCADE"),
        sa.CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),
    )
    op.create_index("ix_macro_owner_id", "macro", ["owner_id"])
    op.create_index(
        "uq_macro_name",
        "macro",
        ["owner_id", "visibility", sa.text("lower(folder)"), sa.text("lower(name)")],
        unique=True,
    )
    op.create_table(
        "macro_use",
        *_row(),
        sa.Column("macro_id", sa.BigInteger, nullable=False),
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("without", JSONB(none_as_null=True)),
        sa.Column("done", JSONB, nullable=False),
        sa.Column("event_id", sa.BigInteger),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_macro_use"),
        sa.ForeignKeyConstraint(["macro_id"], ["macro.id"], name="fk_macro_use_macro_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_macro_use_ticket_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_macro_use_agent_id"),
    )
    op.create_index("ix_macro_use_macro_id", "macro_use", ["macro_id"])
    op.create_index("ix_macro_use_ticket_id", "macro_use", ["ticket_id", "id"])


def downgrade() -> None:
    op.drop_table("macro_use")
    op.drop_table("macro")


def _row() -> list[Any]:
    return [
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    ]
