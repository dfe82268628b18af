"""Availability, signatures, notices, invitations, lost passwords, the desk's options, the seals of the audit."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

APPEND_ONLY = """
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'helpdesk_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON event_seal FROM helpdesk_app;
  END IF;
END $$;
"""


def upgrade() -> None:
    if not steps.is_there("desk_option"):
        _columns()
        _accounts()
        _notices()
        _desk()
    with op.get_context().autocommit_block():
        steps.index("ix_event_desk", "event (id) WHERE ticket_id IS NULL")
        steps.index("ix_event_agent", "event (actor_id, id) WHERE actor = 'agent'")


def _desk() -> None:
    op.create_table(
        "desk_option",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        _time("changed_at", default=True),
        sa.PrimaryKeyConstraint("name", name="pk_desk_option"),
    )
    op.create_table(
        "event_seal",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), sa.ForeignKey("event.id"), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        _time("sealed_at", default=True),
        sa.PrimaryKeyConstraint("number", name="pk_event_seal"),
        sa.UniqueConstraint("event_id", name="uq_event_seal_event_id"),
    )
    op.execute(APPEND_ONLY)


def _columns() -> None:
    op.add_column("agent", sa.Column("availability", sa.Text(), server_default="online", nullable=False))
    op.add_column("agent", _time("present_at"))
    op.add_column("agent", _map("notices"))
    op.add_column("web_session", _time("confirmed_at"))
    op.add_column("web_session", sa.Column("address", sa.Text(), server_default="", nullable=False))
    op.add_column("web_session", sa.Column("browser", sa.Text(), server_default="", nullable=False))


def _accounts() -> None:
    _row(
        "invitation",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("email", "name", "role")),
        _reference("custom_role_id", "custom_role", gone="SET NULL", needed=False),
        sa.Column("team_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        _reference("invited_by_id", "agent", gone="SET NULL", needed=False),
        *_token(),
        _time("accepted_at"),
        _time("revoked_at"),
        _reference("agent_id", "agent", gone="SET NULL", needed=False),
    )
    op.create_index(
        "uq_invitation_open",
        "invitation",
        [sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
    _row("password_reset", _reference("agent_id", "agent"), *_token(), _time("used_at"))
    op.create_index("ix_password_reset_agent_id", "password_reset", ["agent_id"])


def _notices() -> None:
    op.create_table(
        "agent_signature",
        _reference("agent_id", "agent"),
        _reference("inbox_id", "inbox"),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("agent_id", "inbox_id", name="pk_agent_signature"),
    )
    _row(
        "notification",
        _reference("agent_id", "agent"),
        sa.Column("reason", sa.Text(), nullable=False),
        _reference("event_id", "event", gone=None),
        _reference("ticket_id", "ticket"),
        sa.Column("in_app", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _time("read_at"),
        _time("mail_at"),
        _time("mailed_at"),
        sa.UniqueConstraint("agent_id", "event_id", name="uq_notification_agent_id_event_id"),
    )
    op.create_index("ix_notification_agent_id", "notification", ["agent_id", "id"])
    op.create_index("ix_notification_ticket_id", "notification", ["ticket_id"])
    op.create_index("ix_notification_event_id", "notification", ["event_id"])
    op.create_index(
        "ix_notification_unread",
        "notification",
        ["agent_id", "ticket_id"],
        postgresql_where=sa.text("read_at IS NULL AND in_app"),
    )
    op.create_index(
        "ix_notification_to_mail",
        "notification",
        ["mail_at"],
        postgresql_where=sa.text("mail_at IS NOT NULL AND mailed_at IS NULL"),
    )


def _row(name: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *columns,
        _time("created_at", default=True),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
    )


def _token() -> tuple[sa.schema.SchemaItem, ...]:
    """`token_hash` is what is looked for; `nonce` makes the same link again when a mail has to be repeated."""
    return (
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
    )


def _reference(name: str, table: str, *, gone: str | None = "CASCADE", needed: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id", ondelete=gone), nullable=not needed)


def _time(name: str, *, default: bool = False) -> sa.Column[Any]:
    if default:
        return sa.Column(
            name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        )
    return sa.Column(name, sa.DateTime(timezone=True))


def _map(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False)


def downgrade() -> None:
    for index in ("ix_event_agent", "ix_event_desk"):
        op.execute(f"DROP INDEX {index}")
    for table in (
        "event_seal",
        "desk_option",
        "notification",
        "agent_signature",
        "password_reset",
        "invitation",
    ):
        op.drop_table(table)
    for name in ("browser", "address", "confirmed_at"):
        op.drop_column("web_session", name)
    for name in ("notices", "present_at", "availability"):
        op.drop_column("agent", name)
