"""Which tables an export holds, read from the database itself, so that a new one is never forgotten."""

import re
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

EXCLUDED = {
    "alembic_version": "the manifest names the revision; an import needs the same",
    "invitation": "links that were mailed work on the old desk only; invite again",
    "password_reset": "links that were mailed work on the old desk only; ask for another",
    "article_review_mail": "mails about reviews; who has not got one yet is not written to by another desk",
    "assistant_code": "codes that were mailed; good for minutes, on the old desk only",
    "api_answer": "what was answered to a program a while ago, should it ask the same again",
    "chat_code": "codes that were mailed; good for minutes, on the old desk only",
    "chat_visitor": "browsers that hold tokens of the old desk; conversations are tickets, which are exported",
    "api_token": "tokens are good for the old desk; make new ones",
    "event_dispatch": "what nobody has reacted to yet; an import leaves it empty but for replies that wait to leave",
    "portal_link": "links that were mailed to customers; good for minutes, on the old desk only",
    "portal_session": "which customers are signed in, where",
    "procrastinate_events": "the job queue's own history",
    "procrastinate_jobs": "jobs are made anew for replies that wait to leave",
    "procrastinate_periodic_defers": "the job queue's own clockwork",
    "procrastinate_workers": "which processes are running",
    "rule_waiting": "what rules have not looked at yet, as with `event_dispatch`",
    "sign_in_failures": "counts of the last minutes",
    "web_session": "who is signed in, where",
}
"""Table → why it is in no export. Everything else is."""

SECRETS: dict[str, str | None] = {
    "agent.password_hash": None,
    "business_calendar.feed_url": "",  # private calendars are read by whoever knows the address
    "assistant_tool.sealed_secret": "",
    "import_run.sealed_access": None,
    "inbox.sealed_settings": "",
    "model_connection.sealed_key": None,
    "webhook.sealed_secrets": "",
}
"""Column → what stands in its place in an export without secrets."""

NO_SECRETS = {
    "help_centre.logo": "a picture that everybody sees",
    "ticket.reply_key": "random bits that are good for nothing without the desk's secret; old reply addresses need it",
    "side_conversation.reply_key": "as a ticket's",
    "kept.raw": "a mail as it came",
    "message.dedup_key": "made from the message",
    "assistant_act.idempotency_key": "random; names a call, and opens nothing",
    "triage_learned.weights": "numbers of a classifier",
    "event_seal.seal": "proves that the history was not changed, to who has the desk's secret",
}
"""Columns that look like secrets → why they are none."""

SUSPICIOUS = re.compile(r"secret|password|^sealed_(?!at$)|hash$|token$|nonce|private_key|_key$|credential")
"""A column of bytes, or with such a name, is a secret until it is said not to be."""

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relkind = 'r' AND NOT EXISTS (
  SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname COLLATE "C", a.attnum
"""
KEYS = """
SELECT c.relname, a.attname
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
WHERE i.indisprimary ORDER BY c.relname, k.place
"""
SEQUENCES = """
SELECT s.relname FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace AND n.nspname = current_schema()
WHERE s.relkind = 'S' AND s.relname NOT LIKE 'procrastinate%'
ORDER BY s.relname COLLATE "C"
"""
TEXTS = {"text", "citext", "character varying", "name"}


@dataclass(frozen=True)
class Column:
    table: str
    name: str
    type: str
    required: bool

    @property
    def is_bytes(self) -> bool:
        return self.type == "bytea"

    @property
    def full_name(self) -> str:
        return f"{self.table}.{self.name}"

    @property
    def is_secret(self) -> bool:
        if self.full_name in SECRETS or self.full_name in NO_SECRETS:
            return self.full_name in SECRETS
        return self.is_suspicious

    @property
    def is_suspicious(self) -> bool:
        return self.is_bytes or (self.type in TEXTS and bool(SUSPICIOUS.search(self.name)))

    @property
    def blank(self) -> str | None:
        """What stands in a secret's place."""
        return SECRETS.get(self.full_name, "" if self.required else None)

    def written(self, *, with_secrets: bool) -> Composable:
        """As an export reads it. Bytes are base64, a third shorter than PostgreSQL's own hex."""
        if self.is_secret and not with_secrets:
            return SQL("{}::text AS {}").format(Literal(self.blank), Identifier(self.name))
        if self.is_bytes:
            return SQL("translate(encode({0}, 'base64'), E'\\n', '') AS {0}").format(Identifier(self.name))
        return Identifier(self.name)

    @property
    def declared(self) -> Composable:
        """As an import reads it from a line."""
        return SQL("{} " + ("text" if self.is_bytes else self.type)).format(Identifier(self.name))

    @property
    def read(self) -> Composable:
        if self.is_bytes:
            return SQL("decode(r.{}, 'base64')").format(Identifier(self.name))
        return SQL("r.{}").format(Identifier(self.name))

    @property
    def sorted(self) -> Composable:
        """In an order that no server's locale changes."""
        collated = SQL('{} COLLATE "C"') if self.type in TEXTS else SQL("{}")
        return collated.format(Identifier(self.name))


@dataclass(frozen=True)
class Table:
    name: str
    columns: list[Column] = field(default_factory=list)
    key: list[str] = field(default_factory=list)

    @property
    def order(self) -> Composed:
        chosen = [column for name in self.key for column in self.columns if column.name == name]
        return SQL(", ").join([column.sorted for column in chosen or self.columns])

    def rows(self, *, with_secrets: bool) -> Composed:
        """A query that gives every row as one line of JSON."""
        columns = SQL(", ").join([c.written(with_secrets=with_secrets) for c in self.columns])
        return SQL("SELECT row_to_json(r) FROM (SELECT {} FROM {} ORDER BY {}) AS r").format(
            columns, Identifier(self.name), self.order
        )

    def inserted(self) -> Composed:
        """A statement that takes an array of such lines."""
        return SQL(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest(%s::json[]) AS l (line), "
            "json_to_record(l.line) AS r ({})"
        ).format(
            Identifier(self.name),
            SQL(", ").join([Identifier(c.name) for c in self.columns]),
            SQL(", ").join([c.read for c in self.columns]),
            SQL(", ").join([c.declared for c in self.columns]),
        )


def all_of(connection: Connection[Any]) -> list[Table]:
    """Every table that an export holds, by name."""
    return [table for table in known(connection) if table.name not in EXCLUDED]


def known(connection: Connection[Any]) -> list[Table]:
    """Every table of the desk, with the columns that can be written."""
    tables: dict[str, Table] = {}
    for name, column, kind, required in connection.execute(COLUMNS):
        tables.setdefault(name, Table(name)).columns.append(Column(name, column, kind, required))
    for name, column in connection.execute(KEYS):
        if name in tables:
            tables[name].key.append(column)
    return list(tables.values())


def sequences(connection: Connection[Any]) -> dict[str, list[Any]]:
    """Where every counter stands, so that no number is ever given twice."""
    names = [name for (name,) in connection.execute(SEQUENCES)]
    query = SQL("SELECT last_value, is_called FROM {}")
    return {name: list(connection.execute(query.format(Identifier(name))).fetchone() or ()) for name in names}
