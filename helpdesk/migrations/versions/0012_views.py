"""Saved views, counts that are kept, mentions, and an index over what was said."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

EXTENSION = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = '{name}') THEN
    CREATE EXTENSION {name};
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'The extension {name} is missing in this database.'
    USING HINT = 'Run CREATE EXTENSION {name}; in it as a superuser, then migrate again.';
END $$;
"""

# Each configuration of PostgreSQL's own once more, without accents: who types Muller finds Müller.
CONFIGURATIONS = """
DO $$
DECLARE known record;
BEGIN
  FOR known IN
    SELECT c.cfgname AS name, min(d.dictname) AS dictionary
    FROM pg_ts_config c
    JOIN pg_ts_config_map m ON m.mapcfg = c.oid
    JOIN pg_ts_dict d ON d.oid = m.mapdict
    JOIN ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype AND t.alias = 'word'
    WHERE c.cfgnamespace = 'pg_catalog'::regnamespace
    GROUP BY c.cfgname
  LOOP
    EXECUTE format('CREATE TEXT SEARCH CONFIGURATION desk_%s (COPY = pg_catalog.%I)', known.name, known.name);
    EXECUTE format('ALTER TEXT SEARCH CONFIGURATION desk_%s ALTER MAPPING FOR hword, hword_part, word '
                   'WITH unaccent, %I', known.name, known.dictionary);
  END LOOP;
END $$;
"""
NO_CONFIGURATIONS = """
DO $$
DECLARE known record;
BEGIN
  FOR known IN SELECT cfgname FROM pg_ts_config
    WHERE cfgname LIKE 'desk\\_%' AND cfgnamespace = 'public'::regnamespace
  LOOP
    EXECUTE format('DROP TEXT SEARCH CONFIGURATION %I', known.cfgname);
  END LOOP;
END $$;
"""

# By the first part of a language's code; what PostgreSQL cannot stem is searched word for word.
CONFIGURATION_OF = """
CREATE FUNCTION search_configuration_of(language text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce((SELECT cfgname::text FROM pg_ts_config WHERE cfgnamespace = 'public'::regnamespace
    AND cfgname = 'desk_' || CASE split_part(replace(lower(language), '_', '-'), '-', 1)
    WHEN 'ar' THEN 'arabic' WHEN 'hy' THEN 'armenian' WHEN 'eu' THEN 'basque' WHEN 'ca' THEN 'catalan'
    WHEN 'da' THEN 'danish' WHEN 'nl' THEN 'dutch' WHEN 'en' THEN 'english' WHEN 'et' THEN 'estonian'
    WHEN 'fi' THEN 'finnish' WHEN 'fr' THEN 'french' WHEN 'de' THEN 'german' WHEN 'el' THEN 'greek'
    WHEN 'hi' THEN 'hindi' WHEN 'hu' THEN 'hungarian' WHEN 'id' THEN 'indonesian' WHEN 'ga' THEN 'irish'
    WHEN 'it' THEN 'italian' WHEN 'lt' THEN 'lithuanian' WHEN 'ne' THEN 'nepali' WHEN 'nb' THEN 'norwegian'
    WHEN 'no' THEN 'norwegian' WHEN 'nn' THEN 'norwegian' WHEN 'pl' THEN 'polish' WHEN 'pt' THEN 'portuguese'
    WHEN 'ro' THEN 'romanian' WHEN 'ru' THEN 'russian' WHEN 'sr' THEN 'serbian' WHEN 'es' THEN 'spanish'
    WHEN 'sv' THEN 'swedish' WHEN 'ta' THEN 'tamil' WHEN 'tr' THEN 'turkish' WHEN 'yi' THEN 'yiddish' END),
  'desk_simple')
$$
"""

# What was typed, read by every configuration that occurs; alike readings count once. A leading minus would
# search everything that does not have a word, which no index answers: conditions say `not`.
QUERY = """
CREATE FUNCTION search_query(words text) RETURNS tsquery LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  plain CONSTANT text := regexp_replace(left(words, 1000), '(^|\\s)-+', '\\1', 'g');
  configuration text;
  reading tsquery;
  seen text[] := '{}';
  found tsquery := ''::tsquery;
BEGIN
  FOR configuration IN SELECT name FROM search_configuration ORDER BY name LOOP
    reading := websearch_to_tsquery(configuration::regconfig, plain);
    IF numnode(reading) > 0 AND reading::text <> ALL (seen) THEN
      seen := seen || reading::text;
      found := CASE WHEN numnode(found) = 0 THEN reading ELSE found || reading END;
    END IF;
  END LOOP;
  RETURN found;
END $$
"""

NOTED = """
CREATE FUNCTION message_to_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_todo VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER message_to_search AFTER INSERT ON message FOR EACH ROW EXECUTE FUNCTION message_to_search();
CREATE TRIGGER message_to_search_again AFTER UPDATE OF text, ticket_id, withdrawn_at, copy_of_id ON message
  FOR EACH ROW WHEN (ROW(OLD.text, OLD.ticket_id, OLD.withdrawn_at, OLD.copy_of_id)
    IS DISTINCT FROM ROW(NEW.text, NEW.ticket_id, NEW.withdrawn_at, NEW.copy_of_id))
  EXECUTE FUNCTION message_to_search();

CREATE FUNCTION ticket_to_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_todo SELECT id FROM message WHERE ticket_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_to_search AFTER UPDATE OF subject, language ON ticket
  FOR EACH ROW WHEN (OLD.subject <> NEW.subject OR coalesce(OLD.language, 'en') <> coalesce(NEW.language, 'en'))
  EXECUTE FUNCTION ticket_to_search();
"""

# One row for every change, never an update: writers do not wait for each other. Readers add them up, a worker
# makes one row of many.
COUNTED = """
CREATE FUNCTION ticket_queue(t ticket) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN t.removed IS NOT NULL THEN t.removed WHEN t.category IN ('resolved', 'closed') THEN 'settled'
    WHEN t.snoozed_until IS NOT NULL THEN 'snoozed' ELSE 'active' END
$$;
CREATE FUNCTION ticket_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    INSERT INTO ticket_count VALUES (OLD.team_id, OLD.assignee_id, OLD.inbox_id, ticket_queue(OLD),
      OLD.first_replied_at IS NULL OR OLD.waiting_since IS NOT NULL, -1);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO ticket_count VALUES (NEW.team_id, NEW.assignee_id, NEW.inbox_id, ticket_queue(NEW),
      NEW.first_replied_at IS NULL OR NEW.waiting_since IS NOT NULL, 1);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ticket_counted AFTER INSERT OR DELETE ON ticket
  FOR EACH ROW EXECUTE FUNCTION ticket_counted();
CREATE TRIGGER ticket_counted_again
  AFTER UPDATE OF team_id, assignee_id, inbox_id, category, snoozed_until, removed, first_replied_at, waiting_since
  ON ticket FOR EACH ROW WHEN (
    ROW(OLD.team_id, OLD.assignee_id, OLD.inbox_id, ticket_queue(OLD),
        OLD.first_replied_at IS NULL OR OLD.waiting_since IS NOT NULL) IS DISTINCT FROM
    ROW(NEW.team_id, NEW.assignee_id, NEW.inbox_id, ticket_queue(NEW),
        NEW.first_replied_at IS NULL OR NEW.waiting_since IS NOT NULL))
  EXECUTE FUNCTION ticket_counted();
INSERT INTO ticket_count
  SELECT team_id, assignee_id, inbox_id, ticket_queue(ticket),
         first_replied_at IS NULL OR waiting_since IS NOT NULL, count(*)
  FROM ticket GROUP BY 1, 2, 3, 4, 5;
"""

ACTIVE = "NOT settled AND snoozed_until IS NULL AND removed IS NULL"
RANK = "array_position(ARRAY['low', 'normal', 'high', 'urgent'], priority)"
ORDERS = {
    "ix_ticket_active_created": "(created_at DESC, id DESC)",
    "ix_ticket_active_waiting": "(coalesce(waiting_since, 'infinity'), id)",
    "ix_ticket_active_due": "(coalesce(next_due_at, 'infinity'), id)",
    "ix_ticket_active_priority": f"(({RANK}) DESC, last_message_at DESC, id DESC)",
    "ix_ticket_active_inbox": "(inbox_id, last_message_at DESC, id DESC)",
}


def upgrade() -> None:
    if not steps.is_there("ticket_count"):
        for name in ("unaccent", "btree_gin"):
            op.execute(EXTENSION.format(name=name))
        op.execute(CONFIGURATIONS)
        op.execute(CONFIGURATION_OF)
        _views()
        _search()
        _counts()
    with op.get_context().autocommit_block():
        for name, columns in ORDERS.items():
            steps.index(name, f"ticket {columns} WHERE {ACTIVE}")
        steps.index("ix_ticket_kept", "ticket (last_message_at DESC, id DESC) WHERE removed IS NULL")


def _counts() -> None:
    op.create_table(
        "ticket_count",
        sa.Column("team_id", sa.BigInteger()),
        sa.Column("assignee_id", sa.BigInteger()),
        sa.Column("inbox_id", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("unattended", sa.Boolean(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
    )
    op.execute(
        "ALTER TABLE ticket_count SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    )
    op.execute(NOTED)
    op.execute("INSERT INTO search_backfill SELECT max(id) + 1 FROM message HAVING max(id) IS NOT NULL")
    op.execute(COUNTED)


def _views() -> None:
    op.create_table(
        "saved_view",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("icon", sa.Text(), server_default="list-filter", nullable=False),
        sa.Column("colour", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("team_id", sa.BigInteger()),
        sa.Column("condition", postgresql.JSONB(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("sort", sa.Text(), server_default="last_message", nullable=False),
        sa.Column("reverse", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["agent.id"], name="fk_saved_view_owner_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_saved_view_team_id", ondelete="CASCADE"),
        sa.CheckConstraint("(visibility = 'team') = (team_id IS NOT NULL)", name="team"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
    )
    op.create_index("ix_saved_view_owner_id", "saved_view", ["owner_id"])
    op.create_table(
        "mention",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("agent_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_mention_ticket_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"], name="fk_mention_agent_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("agent_id", "ticket_id", name="pk_mention"),
    )
    op.create_index("ix_mention_ticket_id", "mention", ["ticket_id"])


def _search() -> None:
    op.create_table(
        "message_search",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("document", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name="fk_message_search_message_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_message_search_ticket_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", name="pk_message_search"),
    )
    op.create_index("ix_message_search_ticket", "message_search", ["ticket_id", "message_id"])
    op.create_index(
        "ix_message_search_words",
        "message_search",
        [sa.text("(message_id >> 16)"), "document"],
        postgresql_using="gin",
    )
    op.create_table("search_todo", sa.Column("message_id", sa.BigInteger(), nullable=False))
    op.create_table("search_backfill", sa.Column("below", sa.BigInteger(), nullable=False))
    op.create_table(
        "search_configuration",
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_search_configuration"),
    )
    op.execute(QUERY)


def downgrade() -> None:
    for name in (*ORDERS, "ix_ticket_kept"):
        op.execute(f"DROP INDEX {name}")
    for trigger, table in {
        "ticket_counted_again": "ticket",
        "ticket_counted": "ticket",
        "ticket_to_search": "ticket",
        "message_to_search_again": "message",
        "message_to_search": "message",
    }.items():
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    for function in (
        "ticket_counted()",
        "ticket_queue(ticket)",
        "ticket_to_search()",
        "message_to_search()",
        "search_query(text)",
        "search_configuration_of(text)",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in (
        "ticket_count",
        "search_configuration",
        "search_backfill",
        "search_todo",
        "message_search",
        "mention",
        "saved_view",
    ):
        op.drop_table(table)
    op.execute(NO_CONFIGURATIONS)
