"""How teams share out their tickets, what colleagues can take, and since when somebody is away."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "team_routing",
        sa.Column("team_id", sa.BigInteger, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("cap", sa.Integer, server_default="10", nullable=False),
        sa.Column("match_skills", sa.Boolean, server_default="true", nullable=False),
        sa.Column("relax_minutes", sa.Integer, server_default="30", nullable=False),
        sa.Column("give_back_minutes", sa.Integer),
        sa.PrimaryKeyConstraint("team_id", name="pk_team_routing"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_team_routing_team_id", ondelete="CASCADE"),
    )
    op.create_table(
        "agent_routing",
        sa.Column("agent_id", sa.BigInteger, nullable=False),
        sa.Column("skills", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column("languages", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column("cap", sa.Integer),
        sa.Column("channel_caps", JSONB, server_default="{}", nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("agent_id", name="pk_agent_routing"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agent.id"], name="fk_agent_routing_agent_id", ondelete="CASCADE"
        ),
    )
    op.add_column("agent", sa.Column("away_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("agent", "away_since")
    op.drop_table("agent_routing")
    op.drop_table("team_routing")
