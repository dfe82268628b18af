"""What triage says of a message, and what agents made of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.add_column("ticket", sa.Column("urgency", sa.Text()))
    op.add_column("ticket", sa.Column("topic_id", sa.BigInteger()))
    _table(
        "topic",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False, server_default=""),
        sa.Column("examples", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"),
        sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.create_index("uq_topic_name", "topic", [sa.text("lower(name)")], unique=True)
    _corrections()
    _learned()
    _doing()


def _corrections() -> None:
    _table(
        "triage_correction",
        _to("message", nullable=False, ondelete="CASCADE"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("was", sa.Text()),
        sa.Column("now", sa.Text()),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        _to("agent", nullable=False),
        sa.UniqueConstraint("message_id", "kind", name="uq_triage_correction_message_id_kind"),
    )
    op.create_index("ix_triage_correction_kind", "triage_correction", ["kind", "id"])


def _learned() -> None:
    _table(
        "triage_learned",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("embedder", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("shape", JSON, nullable=False, server_default="{}"),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("last_example_id", sa.BigInteger()),
        sa.Column("measured", JSON, nullable=False, server_default="{}"),
        sa.Column("replaced_id", sa.BigInteger()),
        sa.Column("promoted_at", sa.DateTime(timezone=True)),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        _to("agent", name="retired_by_id"),
    )
    op.create_index(
        "uq_triage_learned_active",
        "triage_learned",
        ["kind", "embedder"],
        unique=True,
        postgresql_where=sa.text("active"),
    )
    op.create_index("ix_triage_learned_kind", "triage_learned", ["kind", "id"])


def _doing() -> None:
    _table(
        "triage_allowed",
        sa.Column("kind", sa.Text(), nullable=False),
        _to("team", ondelete="CASCADE"),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("sure", sa.Float(), nullable=False),
    )
    op.create_index(
        "uq_triage_allowed", "triage_allowed", ["kind", sa.text("coalesce(team_id, 0)")], unique=True
    )
    _table(
        "triage_deed",
        _to("ticket", nullable=False, ondelete="CASCADE"),
        _to("message", nullable=False, ondelete="CASCADE"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("given", JSON, nullable=False, server_default="{}"),
        sa.Column("back", JSON, nullable=False, server_default="{}"),
        sa.Column("last_event_id", sa.BigInteger()),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        _to("agent", name="undone_by_id"),
    )
    op.create_index("ix_triage_deed_ticket", "triage_deed", ["ticket_id", "id"])


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        *parts,
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
        ),
    )


def _to(table: str, *, name: str = "", nullable: bool = True, ondelete: str | None = None) -> sa.Column[int]:
    return sa.Column(
        name or f"{table}_id",
        sa.BigInteger(),
        sa.ForeignKey(f"{table}.id", ondelete=ondelete),
        nullable=nullable,
    )


def downgrade() -> None:
    for table in ("triage_deed", "triage_allowed", "triage_learned", "triage_correction", "topic"):
        op.drop_table(table)
    op.drop_column("ticket", "topic_id")
    op.drop_column("ticket", "urgency")
