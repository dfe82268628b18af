"""The assistant: where it may answer, what it did, and what it was shown."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
TAKES_OVER = (
    r"\m(i|we)(''ll| will)? (take|have|''ve got) (it|this|over)\M|\mtak(e|ing) (it |this )?over\M|\mtakeover\M|übernehm"
    r"|\mje (le )?prends\M|\mme encargo\M|\mneem (ik|het) over\M"
)

STOP = f"""
CREATE FUNCTION person_stops_assistant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE ended text;
BEGIN
  IF NEW.kind = 'noted' THEN
    IF NOT EXISTS (SELECT FROM message WHERE id = NEW.message_id AND text ~* '{TAKES_OVER}') THEN RETURN NULL;
    END IF;
    -- A note changes nothing of its ticket, so nothing has locked it yet: the assistant may be about to begin.
    PERFORM FROM ticket WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
    IF NOT EXISTS (SELECT FROM engagement WHERE ticket_id = NEW.ticket_id AND state = 'active')
      AND EXISTS (SELECT FROM assistant_policy WHERE mode <> 'off') THEN
      INSERT INTO engagement (ticket_id, state, reason, ended_at)
        VALUES (NEW.ticket_id, 'stopped', 'noted', NEW.created_at);
      RETURN NULL;
    END IF;
  END IF;
  IF NEW.kind = 'assigned' AND NEW.data ->> 'now' IS NULL THEN RETURN NULL;
  END IF;
  ended := CASE WHEN NEW.kind IN ('resolved', 'status_changed') THEN 'done' ELSE 'stopped' END;
  IF NEW.kind = 'status_changed' AND NEW.data ->> 'now' NOT IN ('closed', 'on_hold') THEN RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM engagement WHERE ticket_id = NEW.ticket_id AND state = 'active') THEN RETURN NULL;
  END IF;
  PERFORM FROM ticket WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
  UPDATE engagement SET state = ended, reason = NEW.kind, ended_at = NEW.created_at
    WHERE ticket_id = NEW.ticket_id AND state = 'active';
  RETURN NULL;
END $$;
CREATE TRIGGER event_person_stops_assistant AFTER INSERT ON event FOR EACH ROW
  WHEN (NEW.ticket_id IS NOT NULL AND (
    NEW.actor = 'agent' AND NEW.kind IN ('replied', 'reply_scheduled', 'noted', 'merged', 'forwarded', 'status_changed')
    OR NEW.kind IN ('assigned', 'resolved', 'removed') AND NEW.actor <> 'assistant'))
  EXECUTE FUNCTION person_stops_assistant();
CREATE FUNCTION assistant_holds_ticket() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ticket SET with_assistant = (NEW.state = 'active')
    WHERE id = NEW.ticket_id AND with_assistant IS DISTINCT FROM (NEW.state = 'active');
  RETURN NULL;
END $$;
CREATE TRIGGER engagement_holds_ticket AFTER INSERT OR UPDATE OF state ON engagement FOR EACH ROW
  EXECUTE FUNCTION assistant_holds_ticket();
"""  # noqa: S608 - the pattern is ours


def key(table: str, column: str, to: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=f"fk_{table}_{column}", ondelete=ondelete)


def made(table: str, *columns: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        *columns,
    )


def upgrade() -> None:
    op.add_column(
        "ticket", sa.Column("with_assistant", sa.Boolean, server_default=sa.text("false"), nullable=False)
    )
    engagements()
    policies()
    runs()
    op.execute(sa.text(STOP.replace(":", "\\:")))


def engagements() -> None:
    made(
        "engagement",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("turns", sa.Integer, server_default="0", nullable=False),
        sa.Column("tokens", sa.Integer, server_default="0", nullable=False),
        sa.Column("cost", sa.Float, server_default="0", nullable=False),
        sa.Column("asked_back", sa.Integer, server_default="0", nullable=False),
        sa.Column("confirmed", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("ended_at", INSTANT),
        key("engagement", "ticket_id", "ticket", "CASCADE"),
    )
    op.create_index("ix_engagement_ticket_id", "engagement", ["ticket_id", "id"])
    op.create_index(
        "uq_engagement_active", "engagement", ["ticket_id"], unique=True, postgresql_where="state = 'active'"
    )
    op.create_index("ix_engagement_created_at", "engagement", ["created_at"])


def policies() -> None:
    made(
        "assistant_policy",
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, server_default="", nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("turns", sa.Integer, server_default="6", nullable=False),
        sa.Column("seconds", sa.Integer, server_default="20", nullable=False),
        sa.Column("tokens", sa.Integer, server_default="30000", nullable=False),
        sa.Column("cost", sa.Float, server_default="0.5", nullable=False),
        sa.Column("per_contact", sa.Integer, server_default="20", nullable=False),
        sa.Column("per_day", sa.Integer, server_default="500", nullable=False),
        sa.Column("name", sa.Text, server_default="", nullable=False),
        sa.Column("tone", sa.Text, server_default="", nullable=False),
        sa.Column("language", sa.Text, server_default="", nullable=False),
        sa.Column("instructions", sa.Text, server_default="", nullable=False),
        sa.Column("announcement", sa.Text, server_default="", nullable=False),
        sa.Column("mode_since", INSTANT, server_default=NOW, nullable=False),
        sa.Column("demoted_from", sa.Text),
        key("assistant_policy", "inbox_id", "inbox", "CASCADE"),
        key("assistant_policy", "team_id", "team", "SET NULL"),
        sa.UniqueConstraint("inbox_id", "topic", name="uq_assistant_policy_inbox_id_topic"),
    )
    op.create_index("ix_assistant_policy_team_id", "assistant_policy", ["team_id"])
    made(
        "assistant_tool",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, server_default="", nullable=False),
        sa.Column("examples", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column("url", sa.Text, server_default="", nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
        sa.Column("schema", JSONB, server_default="{}", nullable=False),
        sa.Column("reply", sa.Text, server_default="", nullable=False),
        sa.Column("needs_identity", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.Column("confirmation", sa.Text, nullable=False),
        sa.Column("amount_field", sa.Text, server_default="", nullable=False),
        sa.Column("amount_limit", sa.Float),
        sa.Column("active", sa.Boolean, server_default=sa.text("true"), nullable=False),
        sa.UniqueConstraint("name", name="uq_assistant_tool_name"),
    )


def runs() -> None:
    made(
        "assistant_run",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger, nullable=False),
        sa.Column("attempt", sa.Integer, server_default="0", nullable=False),
        sa.Column("engagement_id", sa.BigInteger),
        sa.Column("policy_id", sa.BigInteger),
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.Text, server_default="", nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("alive_at", INSTANT),
        sa.Column("finished_at", INSTANT),
        sa.Column("question", sa.Text, server_default="", nullable=False),
        sa.Column("passages", JSONB, server_default="[]", nullable=False),
        sa.Column("model", sa.Text, server_default="", nullable=False),
        sa.Column("prompt", sa.Text, server_default="", nullable=False),
        sa.Column("decision", JSONB, server_default="{}", nullable=False),
        sa.Column("checks", JSONB, server_default="[]", nullable=False),
        sa.Column("confidence", sa.Float, server_default="0", nullable=False),
        sa.Column("seconds", sa.Float, server_default="0", nullable=False),
        sa.Column("tokens", sa.Integer, server_default="0", nullable=False),
        sa.Column("cost", sa.Float, server_default="0", nullable=False),
        sa.Column("reply_id", sa.BigInteger),
        sa.Column("trouble", sa.Text, server_default="", nullable=False),
        sa.Column("agreement", sa.Text),
        sa.Column("compared_id", sa.BigInteger),
        key("assistant_run", "ticket_id", "ticket", "CASCADE"),
        key("assistant_run", "message_id", "message", "CASCADE"),
        key("assistant_run", "engagement_id", "engagement", "SET NULL"),
        key("assistant_run", "policy_id", "assistant_policy", "SET NULL"),
        key("assistant_run", "inbox_id", "inbox"),
        key("assistant_run", "reply_id", "message", "SET NULL"),
        key("assistant_run", "compared_id", "message", "SET NULL"),
        sa.UniqueConstraint("message_id", "attempt", name="uq_assistant_run_message_id_attempt"),
    )
    op.create_index("ix_assistant_run_ticket_id", "assistant_run", ["ticket_id", "id"])
    op.create_index("ix_assistant_run_policy_id", "assistant_run", ["policy_id", "id"])
    op.create_index("ix_assistant_run_engagement_id", "assistant_run", ["engagement_id"])
    for column in ("reply_id", "compared_id"):
        op.create_index(
            f"ix_assistant_run_{column}", "assistant_run", [column], postgresql_where=f"{column} IS NOT NULL"
        )
    op.create_index(
        "ix_assistant_run_open",
        "assistant_run",
        ["due_at"],
        postgresql_where="state IN ('waiting', 'running')",
    )
    op.create_index(
        "ix_assistant_run_uncompared",
        "assistant_run",
        ["id"],
        postgresql_where="state = 'done' AND agreement IS NULL AND mode IN ('shadow', 'suggest')",
    )
    made(
        "assistant_act",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("run_id", sa.BigInteger, nullable=False),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("arguments", JSONB, server_default="{}", nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("result", sa.Text, server_default="", nullable=False),
        sa.Column("agent_id", sa.BigInteger),
        sa.Column("ended_at", INSTANT),
        key("assistant_act", "ticket_id", "ticket", "CASCADE"),
        key("assistant_act", "run_id", "assistant_run", "CASCADE"),
        key("assistant_act", "agent_id", "agent", "SET NULL"),
    )
    op.create_index("ix_assistant_act_ticket_id", "assistant_act", ["ticket_id", "id"])
    op.create_index("ix_assistant_act_run_id", "assistant_act", ["run_id"])
    made(
        "assistant_code",
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("contact_id", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("tries", sa.Integer, server_default="0", nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("verified_at", INSTANT),
        key("assistant_code", "ticket_id", "ticket", "CASCADE"),
        key("assistant_code", "contact_id", "contact", "CASCADE"),
        key("assistant_code", "message_id", "message", "SET NULL"),
    )
    op.create_index("ix_assistant_code_ticket_id", "assistant_code", ["ticket_id", "id"])
    op.create_index("ix_assistant_code_contact_id", "assistant_code", ["contact_id", "id"])
    op.create_index(
        "ix_assistant_code_message_id",
        "assistant_code",
        ["message_id"],
        postgresql_where="message_id IS NOT NULL",
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER event_person_stops_assistant ON event")
    op.execute("DROP FUNCTION person_stops_assistant()")
    for table in ("assistant_code", "assistant_act", "assistant_run", "assistant_tool", "assistant_policy"):
        op.drop_table(table)
    op.drop_table("engagement")
    op.execute("DROP FUNCTION assistant_holds_ticket()")
    op.drop_column("ticket", "with_assistant")
