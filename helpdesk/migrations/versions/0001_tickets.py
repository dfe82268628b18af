"""Tickets, messages, events, promises, and what is kept of what arrived."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = "0000"
branch_labels = None
depends_on = None

AFTER_EVENT = """
CREATE FUNCTION event_after_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO event_dispatch (event_id) VALUES (NEW.id);
  PERFORM pg_notify('helpdesk', CASE WHEN NEW.ticket_id IS NULL THEN 'event' ELSE 'ticket-' || NEW.ticket_id END);
  RETURN NULL;
END $$;
CREATE TRIGGER event_after_insert AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION event_after_insert();
"""

# The application's role, where there is one of its own, may add events but never change or remove them.
GRANTS = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'helpdesk_app') AND current_user <> 'helpdesk_app' THEN
    GRANT USAGE ON SCHEMA public TO helpdesk_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO helpdesk_app;
    GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO helpdesk_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO helpdesk_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO helpdesk_app;
    REVOKE UPDATE, DELETE, TRUNCATE ON event FROM helpdesk_app;
    REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM helpdesk_app;
  END IF;
END $$;
"""

UNGRANT = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'helpdesk_app') AND current_user <> 'helpdesk_app' THEN
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM helpdesk_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM helpdesk_app;
  END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("CREATE SEQUENCE ticket_number")
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "number", sa.BigInteger(), server_default=sa.text("nextval('ticket_number')"), nullable=False
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "settled",
            sa.Boolean(),
            sa.Computed(
                "status IN ('resolved', 'closed')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_key", sa.LargeBinary(), nullable=False),
        sa.Column("policy_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("sentiment", sa.Text(), nullable=True),
        sa.Column("has_suggestion", sa.Boolean(), nullable=False),
        sa.Column("preview", sa.Text(), nullable=False),
        sa.Column("last_direction", sa.Text(), nullable=True),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_replied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["agent.id"], name=op.f("fk_ticket_assignee_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_ticket_contact_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_ticket_inbox_id")),
        sa.ForeignKeyConstraint(["policy_id"], ["sla_policy.id"], name=op.f("fk_ticket_policy_id")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_ticket_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
        sa.UniqueConstraint("reply_key", name=op.f("uq_ticket_reply_key")),
    )
    op.create_index(
        "ix_ticket_contact", "ticket", ["contact_id", sa.literal_column("last_message_at DESC")], unique=False
    )
    op.create_index(
        "ix_ticket_open",
        "ticket",
        [sa.literal_column("last_message_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_index(
        "ix_ticket_open_assignee",
        "ticket",
        ["assignee_id", sa.literal_column("last_message_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_index(
        "ix_ticket_open_counts",
        "ticket",
        ["team_id", "assignee_id"],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_index(
        "ix_ticket_open_team",
        "ticket",
        ["team_id", sa.literal_column("last_message_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("NOT settled"),
    )
    op.create_index(
        "ix_ticket_settled",
        "ticket",
        [sa.literal_column("last_message_at DESC"), sa.literal_column("id DESC")],
        unique=False,
        postgresql_where=sa.text("settled"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("quoted", sa.Text(), nullable=True),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("dedup_key", sa.Text(), nullable=True),
        sa.Column("copy_of_id", sa.BigInteger(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("recipients", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("copies", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("matched", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("delivery", sa.Text(), nullable=True),
        sa.Column("send_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_message_agent_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_message_contact_id")),
        sa.ForeignKeyConstraint(["copy_of_id"], ["message.id"], name=op.f("fk_message_copy_of_id")),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_message_inbox_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_message_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("inbox_id", "dedup_key", name=op.f("uq_message_inbox_id_dedup_key")),
        sa.UniqueConstraint("ticket_id", "client_id", name=op.f("uq_message_ticket_id_client_id")),
    )
    op.create_index(
        "ix_message_dedup_key",
        "message",
        ["dedup_key"],
        unique=False,
        postgresql_where=sa.text("dedup_key IS NOT NULL"),
    )
    op.create_index(
        "ix_message_delivery",
        "message",
        ["send_after"],
        unique=False,
        postgresql_where=sa.text("delivery IN ('queued', 'sending')"),
    )
    op.create_index(
        "ix_message_external_id",
        "message",
        [sa.literal_column("md5(external_id)")],
        unique=False,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_message_ticket_id_message_id"), "message", ["ticket_id", "id"], unique=False)
    op.create_table(
        "sla_clock",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_sla_clock_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_clock")),
        sa.UniqueConstraint("ticket_id", "metric", name=op.f("uq_sla_clock_ticket_id_metric")),
    )
    op.create_index(
        "ix_sla_clock_due",
        "sla_clock",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("met_at IS NULL AND breached_at IS NULL"),
    )
    op.create_table(
        "ticket_read",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name=op.f("fk_ticket_read_agent_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_read_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_read")),
        sa.UniqueConstraint("agent_id", "ticket_id", name=op.f("uq_ticket_read_agent_id_ticket_id")),
    )
    op.create_table(
        "attachment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_attachment_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index(op.f("ix_attachment_message_id"), "attachment", ["message_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_event_message_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_event_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_ticket_id_event_id"), "event", ["ticket_id", "id"], unique=False)
    op.create_table(
        "kept",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_kept_inbox_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_kept_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept")),
        sa.UniqueConstraint("inbox_id", "source", name=op.f("uq_kept_inbox_id_source")),
    )
    op.create_index(op.f("ix_kept_message_id"), "kept", ["message_id"], unique=False)
    op.create_index(
        "ix_kept_waiting", "kept", ["id"], unique=False, postgresql_where=sa.text("state = 'kept'")
    )
    op.create_table(
        "event_dispatch",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_event_dispatch_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_dispatch")),
    )
    op.execute(AFTER_EVENT)
    op.execute(GRANTS)


def downgrade() -> None:
    op.execute(UNGRANT)
    op.drop_table("event_dispatch")
    op.drop_index("ix_kept_waiting", table_name="kept", postgresql_where=sa.text("state = 'kept'"))
    op.drop_index(op.f("ix_kept_message_id"), table_name="kept")
    op.drop_table("kept")
    op.drop_index(op.f("ix_event_ticket_id_event_id"), table_name="event")
    op.drop_table("event")
    op.drop_index(op.f("ix_attachment_message_id"), table_name="attachment")
    op.drop_table("attachment")
    op.drop_table("ticket_read")
    op.drop_index(
        "ix_sla_clock_due",
        table_name="sla_clock",
        postgresql_where=sa.text("met_at IS NULL AND breached_at IS NULL"),
    )
    op.drop_table("sla_clock")
    op.drop_index(op.f("ix_message_ticket_id_message_id"), table_name="message")
    op.drop_index(
        "ix_message_external_id", table_name="message", postgresql_where=sa.text("external_id IS NOT NULL")
    )
    op.drop_index(
        "ix_message_delivery",
        table_name="message",
        postgresql_where=sa.text("delivery IN ('queued', 'sending')"),
    )
    op.drop_index(
        "ix_message_dedup_key", table_name="message", postgresql_where=sa.text("dedup_key IS NOT NULL")
    )
    op.drop_table("message")
    op.drop_index("ix_ticket_settled", table_name="ticket", postgresql_where=sa.text("settled"))
    op.drop_index("ix_ticket_open_counts", table_name="ticket", postgresql_where=sa.text("NOT settled"))
    op.drop_index("ix_ticket_open_team", table_name="ticket", postgresql_where=sa.text("NOT settled"))
    op.drop_index("ix_ticket_open_assignee", table_name="ticket", postgresql_where=sa.text("NOT settled"))
    op.drop_index("ix_ticket_open", table_name="ticket", postgresql_where=sa.text("NOT settled"))
    op.drop_index("ix_ticket_contact", table_name="ticket")
    op.drop_table("ticket")
    op.execute("DROP FUNCTION event_after_insert()")
    op.execute("DROP SEQUENCE ticket_number")
