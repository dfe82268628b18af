"""What is measured of each ticket, kept for the board and the reports.

Tickets that are there already are counted afterwards by a worker, newest first: `fact_walk` says how far it got.
"""

import sqlalchemy as sa
from alembic import op

from helpdesk.migrations import steps

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
DECIDED = "coalesce(breached_at, met_at)"

# What a ticket is sorted by is copied at once, so that a report never asks the wide table of tickets.
COPIED = """
CREATE FUNCTION ticket_fact_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ticket_fact
    (id, created_at, inbox_id, team_id, assignee_id, contact_id, type_id, priority, removed)
  VALUES (NEW.id, NEW.created_at, NEW.inbox_id, NEW.team_id, NEW.assignee_id, NEW.contact_id, NEW.type_id,
    NEW.priority, NEW.removed) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_fact_begun AFTER INSERT ON ticket FOR EACH ROW EXECUTE FUNCTION ticket_fact_begun();

CREATE FUNCTION ticket_fact_copied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ticket_fact SET inbox_id = NEW.inbox_id, team_id = NEW.team_id, assignee_id = NEW.assignee_id,
    contact_id = NEW.contact_id, type_id = NEW.type_id, priority = NEW.priority, removed = NEW.removed
  WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_fact_copied
  AFTER UPDATE OF inbox_id, team_id, assignee_id, contact_id, type_id, priority, removed ON ticket
  FOR EACH ROW WHEN (
    ROW(OLD.inbox_id, OLD.team_id, OLD.assignee_id, OLD.contact_id, OLD.type_id, OLD.priority, OLD.removed)
    IS DISTINCT FROM
    ROW(NEW.inbox_id, NEW.team_id, NEW.assignee_id, NEW.contact_id, NEW.type_id, NEW.priority, NEW.removed))
  EXECUTE FUNCTION ticket_fact_copied();

INSERT INTO fact_walk (id, upto) SELECT 1, coalesce(max(id), 0) FROM ticket;
"""


def upgrade() -> None:
    if not steps.is_there("ticket_fact"):
        _facts()
        _spells()
        _replies()
        op.create_table(
            "fact_walk",
            sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
            sa.Column("upto", sa.BigInteger, nullable=False),
            sa.Column("version", sa.Integer, server_default="1", nullable=False),
            sa.PrimaryKeyConstraint("id", name="pk_fact_walk"),
        )
        op.execute(COPIED)
    with op.get_context().autocommit_block():
        steps.index("ix_sla_clock_decided", f"sla_clock (({DECIDED})) WHERE {DECIDED} IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX ix_sla_clock_decided")
    op.execute("DROP TRIGGER ticket_fact_copied ON ticket")
    op.execute("DROP TRIGGER ticket_fact_begun ON ticket")
    op.execute("DROP FUNCTION ticket_fact_copied()")
    op.execute("DROP FUNCTION ticket_fact_begun()")
    for table in ("fact_walk", "ticket_reply", "ticket_spell", "ticket_fact"):
        op.drop_table(table)


def _facts() -> None:
    op.create_table(
        "ticket_fact",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("assignee_id", sa.BigInteger),
        sa.Column("contact_id", sa.BigInteger, nullable=False),
        sa.Column("type_id", sa.BigInteger),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("removed", sa.Text),
        sa.Column("asked_at", INSTANT),
        sa.Column("answered_at", INSTANT),
        sa.Column("responder_id", sa.BigInteger),
        sa.Column("resolved_at", INSTANT),
        sa.Column("resolver_id", sa.BigInteger),
        sa.Column("resolution", sa.BigInteger),
        sa.Column("resolution_hours", sa.BigInteger),
        sa.Column("replies", sa.Integer, server_default="0", nullable=False),
        sa.Column("customer_messages", sa.Integer, server_default="0", nullable=False),
        sa.Column("reopens", sa.Integer, server_default="0", nullable=False),
        sa.Column("one_touch", sa.Boolean),
        sa.Column("calendar_id", sa.BigInteger),
        sa.Column("counted_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_fact"),
        sa.ForeignKeyConstraint(["id"], ["ticket.id"], name="fk_ticket_fact_id", ondelete="CASCADE"),
    )
    op.create_index("ix_ticket_fact_created_at", "ticket_fact", ["created_at"])
    op.create_index(
        "ix_ticket_fact_resolved_at",
        "ticket_fact",
        ["resolved_at"],
        postgresql_where=sa.text("resolved_at IS NOT NULL"),
    )
    op.create_index(
        "ix_ticket_fact_removed", "ticket_fact", ["id"], postgresql_where=sa.text("removed IS NOT NULL")
    )
    op.create_index(
        "ix_ticket_fact_waiting", "ticket_fact", ["id"], postgresql_where=sa.text("counted_at IS NULL")
    )


def _spells() -> None:
    op.create_table(
        "ticket_spell",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("began", sa.Text, nullable=False),
        sa.Column("began_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("resolver_id", sa.BigInteger),
        sa.Column("reopened", sa.Boolean, server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("ticket_id", "position", name="pk_ticket_spell"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket_fact.id"], name="fk_ticket_spell_ticket_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_spell_began_at", "ticket_spell", ["began_at"])
    op.create_index("ix_ticket_spell_ended_at", "ticket_spell", ["ended_at"])


def _replies() -> None:
    op.create_table(
        "ticket_reply",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.BigInteger),
        sa.Column("asked_at", INSTANT),
        sa.Column("replied_at", INSTANT, nullable=False),
        sa.Column("first", sa.Boolean, server_default="false", nullable=False),
        sa.Column("wait", sa.BigInteger),
        sa.Column("wait_hours", sa.BigInteger),
        sa.PrimaryKeyConstraint("ticket_id", "position", name="pk_ticket_reply"),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket_fact.id"], name="fk_ticket_reply_ticket_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_ticket_reply_replied_at", "ticket_reply", ["replied_at"])
