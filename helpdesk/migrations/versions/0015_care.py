"""Imports of other products, rules for how long things are kept, and events that outlive what they were about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# An import of ten years must not start ten years of reactions.
SILENT = """
CREATE OR REPLACE TRIGGER event_after_insert AFTER INSERT ON event FOR EACH ROW
  WHEN (current_setting('helpdesk.silent', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION event_after_insert()
"""
LOUD = """
CREATE OR REPLACE TRIGGER event_after_insert AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_after_insert()
"""
ORPHANS = """
UPDATE event SET ticket_id = NULL WHERE ticket_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM ticket WHERE ticket.id = event.ticket_id);
UPDATE event SET message_id = NULL WHERE message_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM message WHERE message.id = event.message_id);
"""


def upgrade() -> None:
    if not steps.is_there("retention_rule"):
        _events()
        _tables()
    with op.get_context().autocommit_block():
        steps.index(
            "ix_ticket_retention", "ticket (inbox_id, resolved_at) WHERE settled AND erased_at IS NULL"
        )


def _events() -> None:
    op.drop_constraint("fk_event_ticket_id", "event", type_="foreignkey")
    op.drop_constraint("fk_event_message_id", "event", type_="foreignkey")
    op.execute(SILENT)
    for table in ("ticket", "contact"):
        op.add_column(table, sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))


def _tables() -> None:
    op.create_table(
        "retention_rule",
        _id(),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        _created(),
        sa.CheckConstraint("days > 0", name=op.f("ck_retention_rule_days")),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inbox.id"], name=op.f("fk_retention_rule_inbox_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rule")),
        sa.UniqueConstraint("inbox_id", name=op.f("uq_retention_rule_inbox_id")),
    )
    op.create_table(
        "import_run",
        _id(),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("sealed_access", sa.LargeBinary(), nullable=True),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("dry", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("report", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        _created(),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_import_run_agent_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_import_run_inbox_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "imported",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["import_run.id"], name=op.f("fk_imported_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source", "kind", "source_id", name=op.f("pk_imported")),
    )
    op.create_index("ix_imported_run", "imported", ["run_id", "kind"])
    op.create_index("ix_imported_row", "imported", ["kind", "row_id"])


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ix_ticket_retention")
    op.drop_table("imported")
    op.drop_table("import_run")
    op.drop_table("retention_rule")
    for table in ("ticket", "contact"):
        op.drop_column(table, "erased_at")
    op.execute(LOUD)
    op.execute(ORPHANS)
    op.create_foreign_key("fk_event_ticket_id", "event", "ticket", ["ticket_id"], ["id"])
    op.create_foreign_key("fk_event_message_id", "event", "message", ["message_id"], ["id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _created() -> sa.Column[object]:
    return sa.Column(
        "created_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
    )
