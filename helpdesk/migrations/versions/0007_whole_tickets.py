"""Statuses as rows, types, tags, custom fields, participants, links, removal, snoozing; roles of a desk's own."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIVE = "NOT settled AND snoozed_until IS NULL AND removed IS NULL"
STATUSES = """
INSERT INTO ticket_status (id, category, name, customer_name, colour, position) VALUES
  (1, 'new', 'New', 'Received', 'blue', 10),
  (2, 'open', 'Open', 'In progress', 'amber', 20),
  (3, 'waiting', 'Waiting for customer', 'Waiting for you', 'violet', 30),
  (4, 'on_hold', 'On hold', 'In progress', 'grey', 40),
  (5, 'resolved', 'Resolved', 'Solved', 'green', 50),
  (6, 'closed', 'Closed', 'Closed', 'grey', 60);
SELECT setval(pg_get_serial_sequence('ticket_status', 'id'), 100);
"""

# In small steps, each of its own, so that no queue of mails stands behind one long lock.
FILL_STATUS = """
DO $$
DECLARE step CONSTANT bigint := 5000; at bigint := 0; last bigint;
BEGIN
  SELECT max(id) INTO last FROM ticket;
  WHILE at <= coalesce(last, 0) LOOP
    UPDATE ticket SET status_id = array_position(
      ARRAY['new', 'open', 'waiting', 'on_hold', 'resolved', 'closed'], category)
    WHERE id > at AND id <= at + step AND status_id IS NULL;
    COMMIT;
    at := at + step;
  END LOOP;
END $$;
"""


def upgrade() -> None:
    if not steps.is_there("ticket_status"):
        _tables()
        _columns()
        _constraints()
    with op.get_context().autocommit_block():
        op.execute(FILL_STATUS)
        steps.validate("ticket", "fk_ticket_status_id_category")
        if steps.has_constraint("ticket", "ck_ticket_has_status"):
            steps.validate("ticket", "ck_ticket_has_status")
        op.execute("ALTER TABLE ticket ALTER status_id SET NOT NULL")  # reads nothing: the check proves it
        op.execute("ALTER TABLE ticket DROP CONSTRAINT IF EXISTS ck_ticket_has_status")
        _indexes()


def _columns() -> None:
    op.alter_column("ticket", "status", new_column_name="category")
    op.add_column("ticket", sa.Column("status_id", sa.BigInteger()))
    op.add_column("ticket", sa.Column("type_id", sa.BigInteger()))
    op.add_column(
        "ticket", sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column("ticket", sa.Column("snoozed_until", sa.DateTime(timezone=True)))
    op.add_column("ticket", sa.Column("removed", sa.Text()))
    op.add_column("ticket", sa.Column("removed_at", sa.DateTime(timezone=True)))
    op.add_column("ticket", sa.Column("merged_into_id", sa.BigInteger()))
    op.add_column("message", sa.Column("original", sa.Text()))
    op.add_column("message", sa.Column("edited_at", sa.DateTime(timezone=True)))
    op.add_column("message", sa.Column("origin_id", sa.BigInteger()))
    op.add_column("message", sa.Column("side_id", sa.BigInteger()))
    op.add_column("event", sa.Column("token_id", sa.BigInteger()))
    op.add_column("event", sa.Column("about", sa.Text()))
    op.add_column("event", sa.Column("about_id", sa.BigInteger()))
    op.add_column("agent", sa.Column("custom_role_id", sa.BigInteger()))
    op.add_column("team_member", sa.Column("custom_role_id", sa.BigInteger()))
    for table in ("agent", "team_member"):
        op.create_foreign_key(
            f"fk_{table}_custom_role_id",
            table,
            "custom_role",
            ["custom_role_id"],
            ["id"],
            ondelete="SET NULL",
        )


def _tables() -> None:
    def row(name: str, *columns: sa.schema.SchemaItem) -> None:
        op.create_table(
            name,
            sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
            *columns,
            sa.Column(
                "created_at",
                sa.DateTime(timezone=True),
                server_default=sa.text("clock_timestamp()"),
                nullable=False,
            ),
            sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        )

    def text(name: str, default: str | None = None) -> sa.Column[str]:
        return sa.Column(name, sa.Text(), server_default=default, nullable=False)

    def flag(name: str) -> sa.Column[bool]:
        return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)

    def position() -> sa.Column[int]:
        return sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False)

    def reference(name: str, table: str, *, whole: bool = False, needed: bool = True) -> sa.Column[int]:
        key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE" if whole else None)
        return sa.Column(name, sa.BigInteger(), key, nullable=not needed)

    row(
        "ticket_status",
        text("category"),
        text("name"),
        text("customer_name"),
        text("colour", "blue"),
        position(),
        flag("archived"),
        sa.UniqueConstraint("id", "category", name="uq_ticket_status_id_category"),
    )
    op.create_index("uq_ticket_status_name", "ticket_status", [sa.text("lower(name)")], unique=True)
    op.execute(STATUSES)
    row("ticket_type", text("name"), text("colour", "grey"), position(), flag("archived"))
    op.create_index("uq_ticket_type_name", "ticket_type", [sa.text("lower(name)")], unique=True)
    row("tag", text("name"), text("colour", "grey"))
    op.create_index("uq_tag_name", "tag", [sa.text("lower(name)")], unique=True)
    op.create_table(
        "ticket_tag",
        reference("ticket_id", "ticket", whole=True),
        reference("tag_id", "tag", whole=True),
        sa.PrimaryKeyConstraint("ticket_id", "tag_id", name="pk_ticket_tag"),
    )
    op.create_index("ix_ticket_tag_tag_id", "ticket_tag", ["tag_id"])
    row(
        "ticket_participant",
        reference("ticket_id", "ticket", whole=True),
        reference("contact_id", "contact", needed=False),
        reference("agent_id", "agent", needed=False),
        text("part"),
        sa.UniqueConstraint("ticket_id", "contact_id", name="uq_ticket_participant_ticket_id_contact_id"),
        sa.UniqueConstraint("ticket_id", "agent_id", name="uq_ticket_participant_agent_id"),
        sa.CheckConstraint("(contact_id IS NULL) <> (agent_id IS NULL)", name="one"),
    )
    op.create_index("ix_ticket_participant_contact_id", "ticket_participant", ["contact_id"])
    op.create_index("ix_ticket_participant_agent_id", "ticket_participant", ["agent_id"])
    row(
        "ticket_link",
        reference("ticket_id", "ticket", whole=True),
        reference("other_id", "ticket", whole=True),
        text("kind"),
        sa.UniqueConstraint("ticket_id", "other_id", "kind", name="uq_ticket_link_ticket_id_other_id_kind"),
        sa.CheckConstraint("ticket_id <> other_id", name="two"),
    )
    op.create_index("ix_ticket_link_other_id", "ticket_link", ["other_id"])
    row(
        "custom_field",
        text("subject"),
        text("key"),
        text("name"),
        text("kind"),
        sa.Column("choices", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        text("pattern", ""),
        text("hint", ""),
        flag("required"),
        flag("customer_can_see"),
        position(),
        flag("archived"),
        sa.UniqueConstraint("subject", "key", name="uq_custom_field_subject_key"),
    )
    row(
        "custom_role",
        text("name"),
        sa.Column("permissions", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        text("reach"),
        sa.UniqueConstraint("name", name="uq_custom_role_name"),
    )


def _constraints() -> None:
    for constraint in (
        "fk_ticket_status_id_category FOREIGN KEY (status_id, category) REFERENCES ticket_status (id, category)",
        "fk_ticket_type_id FOREIGN KEY (type_id) REFERENCES ticket_type (id)",
        "fk_ticket_merged_into_id FOREIGN KEY (merged_into_id) REFERENCES ticket (id)",
        "ck_ticket_merged CHECK ((removed = 'merged') = (merged_into_id IS NOT NULL))",
        "ck_ticket_has_status CHECK (status_id IS NOT NULL)",
    ):
        op.execute(f"ALTER TABLE ticket ADD CONSTRAINT {constraint} NOT VALID")
    op.execute(
        "ALTER TABLE message ADD CONSTRAINT fk_message_origin_id "
        "FOREIGN KEY (origin_id) REFERENCES ticket (id) NOT VALID"
    )


NEW = {
    "ix_ticket_active": f"(last_message_at DESC, id DESC) WHERE {ACTIVE}",
    "ix_ticket_active_assignee": f"(assignee_id, last_message_at DESC, id DESC) WHERE {ACTIVE}",
    "ix_ticket_active_team": f"(team_id, last_message_at DESC, id DESC) WHERE {ACTIVE}",
    "ix_ticket_active_counts": f"(team_id, assignee_id) WHERE {ACTIVE}",
    "ix_ticket_removed": "(removed, last_message_at DESC, id DESC) WHERE removed IS NOT NULL",
    "ix_ticket_snoozed": "(snoozed_until) WHERE snoozed_until IS NOT NULL",
    "ix_ticket_merged": "(merged_into_id) WHERE merged_into_id IS NOT NULL",
    "ix_ticket_fields": "USING gin (fields jsonb_path_ops)",
}
OLD = {
    "ix_ticket_open": "(last_message_at DESC, id DESC) WHERE NOT settled",
    "ix_ticket_open_assignee": "(assignee_id, last_message_at DESC, id DESC) WHERE NOT settled",
    "ix_ticket_open_team": "(team_id, last_message_at DESC, id DESC) WHERE NOT settled",
    "ix_ticket_open_counts": "(team_id, assignee_id) WHERE NOT settled",
}


def _indexes() -> None:
    steps.no_index("ix_ticket_settled")  # the older one of this name
    steps.index(
        "ix_ticket_settled", "ticket (last_message_at DESC, id DESC) WHERE settled AND removed IS NULL"
    )
    for name, columns in NEW.items():
        steps.index(name, f"ticket {columns}")
    for name in OLD:
        steps.no_index(name)
    steps.index("ix_event_about", "event (about, about_id, id) WHERE about IS NOT NULL")


def downgrade() -> None:
    for name in ("ix_event_about", "ix_ticket_settled", *NEW):
        op.execute(f"DROP INDEX {name}")
    for table, columns in {
        "team_member": ("custom_role_id",),
        "agent": ("custom_role_id",),
        "event": ("about_id", "about", "token_id"),
        "message": ("side_id", "origin_id", "edited_at", "original"),
        "ticket": (
            "merged_into_id",
            "removed_at",
            "removed",
            "snoozed_until",
            "fields",
            "type_id",
            "status_id",
        ),
    }.items():
        for column in columns:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {column} CASCADE")
    op.alter_column("ticket", "category", new_column_name="status")
    op.execute("CREATE INDEX ix_ticket_settled ON ticket (last_message_at DESC, id DESC) WHERE settled")
    for name, definition in OLD.items():
        op.execute(f"CREATE INDEX {name} ON ticket {definition}")
    for table in (
        "custom_role",
        "custom_field",
        "ticket_link",
        "ticket_participant",
        "ticket_tag",
        "tag",
        "ticket_type",
        "ticket_status",
    ):
        op.drop_table(table)
