"""Articles from elsewhere, and where each came from; what reports of the backlog and of promises are read by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

OPEN = "resolved_at IS NULL AND removed IS NULL"
SORTED_BY = "created_at, inbox_id, team_id, assignee_id, contact_id, type_id, priority"


def upgrade() -> None:
    if not steps.is_there("imported_article"):
        _tables()
        # Without it a year of promises is taken for ten thousand, and each one's ticket is looked up by itself.
        op.execute(
            "CREATE STATISTICS IF NOT EXISTS sla_clock_decided ON (coalesce(breached_at, met_at)) FROM sla_clock"
        )
    with op.get_context().autocommit_block():
        steps.index("ix_ticket_fact_open", f"ticket_fact (id) INCLUDE ({SORTED_BY}) WHERE {OPEN}")
        op.execute("ANALYZE sla_clock")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index("ix_ticket_fact_open")
    op.execute("DROP STATISTICS IF EXISTS sla_clock_decided")
    op.drop_table("knowledge_import")
    op.drop_table("imported_article")


def _tables() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "imported_article",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text, nullable=False),
        sa.Column("article_id", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("imported_at", time, nullable=False),
        sa.PrimaryKeyConstraint("source", "external_id", name="pk_imported_article"),
        sa.ForeignKeyConstraint(
            ["article_id"], ["article.id"], name="fk_imported_article_article_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_imported_article_article_id", "imported_article", ["article_id"])
    op.create_table(
        "knowledge_import",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("agent_id", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("found", postgresql.JSONB),
        sa.Column("written_at", time),
        sa.Column("counts", postgresql.JSONB, server_default="{}", nullable=False),
        sa.Column("created_at", time, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_knowledge_import"),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_knowledge_import_agent_id"),
    )
