"""People as a whole: languages, notes, own fields, blocking, mail domains of companies, merges, imports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from helpdesk.migrations import steps

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EXTENSION = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
    CREATE EXTENSION pg_trgm;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE EXCEPTION 'The extension pg_trgm is missing in this database.'
    USING HINT = 'Run CREATE EXTENSION pg_trgm; in it as a superuser, then migrate again.';
END $$;
"""
INDEXES = {
    "ix_contact_name_words": "contact USING gin (name gin_trgm_ops)",
    "ix_company_name_words": "company USING gin (name gin_trgm_ops)",
    "ix_contact_identity_value_words": "contact_identity USING gin (value gin_trgm_ops)",
    "ix_contact_fields": "contact USING gin (fields jsonb_path_ops)",
    "ix_company_fields": "company USING gin (fields jsonb_path_ops)",
    "ix_contact_by_name": "contact (lower(left(name, 60)), id) WHERE merged_into_id IS NULL",
    "ix_contact_merged": "contact (merged_into_id) WHERE merged_into_id IS NOT NULL",
    "ix_contact_identity_phone": "contact_identity (right(value, 9)) WHERE kind = 'phone'",
    "ix_message_contact": "message (contact_id, id) WHERE contact_id IS NOT NULL",
}


def upgrade() -> None:
    if not steps.is_there("company_domain"):
        op.execute(EXTENSION)
        _columns()
        _tables()
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            steps.index(name, definition)


def _columns() -> None:
    for table in ("contact", "company"):
        op.add_column(table, sa.Column("time_zone", sa.Text(), server_default="", nullable=False))
        op.add_column(table, sa.Column("fields", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("company", sa.Column("notes", sa.Text(), server_default="", nullable=False))
    op.add_column("contact", sa.Column("language", sa.Text(), server_default="", nullable=False))
    op.add_column("contact", sa.Column("blocked_at", sa.DateTime(timezone=True)))
    op.add_column("contact", sa.Column("merged_into_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_contact_merged_into_id"),
        "contact",
        "contact",
        ["merged_into_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.execute("ALTER TABLE contact VALIDATE CONSTRAINT fk_contact_merged_into_id")
    op.add_column(
        "contact_identity", sa.Column("origin", sa.Text(), server_default="message", nullable=False)
    )
    op.add_column("contact_identity", sa.Column("verified_at", sa.DateTime(timezone=True)))


def _tables() -> None:
    op.create_table(
        "company_domain",
        *_id(),
        _to("company_id", "company", on_delete="CASCADE", null=False),
        sa.Column("domain", sa.Text(), nullable=False),
        *_made("company_domain"),
        sa.UniqueConstraint("domain", name=op.f("uq_company_domain_domain")),
    )
    op.create_index(op.f("ix_company_domain_company_id"), "company_domain", ["company_id"])
    op.create_table(
        "contact_note",
        *_id(),
        _to("contact_id", "contact", null=False),
        _to("agent_id", "agent"),
        sa.Column("text", sa.Text(), nullable=False),
        *_made("contact_note"),
    )
    op.create_index(op.f("ix_contact_note_contact_id"), "contact_note", ["contact_id"])
    op.create_table(
        "contact_merge",
        *_id(),
        _to("winner_id", "contact", null=False),
        _to("loser_id", "contact", null=False),
        _to("agent_id", "agent"),
        sa.Column("moved", postgresql.JSONB(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        *_made("contact_merge"),
    )
    op.create_index(op.f("ix_contact_merge_winner_id"), "contact_merge", ["winner_id"])
    op.create_index(
        "uq_contact_merge_loser",
        "contact_merge",
        ["loser_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_table(
        "contact_distinct",
        *_id(),
        _to("low_id", "contact", on_delete="CASCADE", null=False),
        _to("high_id", "contact", on_delete="CASCADE", null=False),
        _to("agent_id", "agent"),
        *_made("contact_distinct"),
        sa.UniqueConstraint("low_id", "high_id", name=op.f("uq_contact_distinct_low_id_high_id")),
    )
    op.create_index(op.f("ix_contact_distinct_high_id"), "contact_distinct", ["high_id"])
    _imports()


def _imports() -> None:
    op.create_table(
        "contact_import",
        *_id(),
        _to("agent_id", "agent"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=False),
        sa.Column("delimiter", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("mapping", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("report", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        *_made("contact_import"),
    )
    op.create_table(
        "contact_import_error",
        *_id(),
        _to("import_id", "contact_import", on_delete="CASCADE", null=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        *_made("contact_import_error"),
    )
    op.create_index(op.f("ix_contact_import_error_import_id"), "contact_import_error", ["import_id"])
    op.create_table(
        "contact_import_change",
        *_id(),
        _to("import_id", "contact_import", on_delete="CASCADE", null=False),
        _to("contact_id", "contact", on_delete="CASCADE", null=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("was", postgresql.JSONB(), nullable=False),
        sa.Column("became", postgresql.JSONB(), nullable=False),
        sa.Column("identities", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        *_made("contact_import_change"),
    )
    op.create_index(op.f("ix_contact_import_change_import_id"), "contact_import_change", ["import_id"])
    op.create_index(op.f("ix_contact_import_change_contact_id"), "contact_import_change", ["contact_id"])


def _id() -> tuple[sa.Column[int]]:
    return (sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),)


def _made(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _to(column: str, table: str, *, on_delete: str | None = None, null: bool = True) -> sa.Column[int]:
    """A reference; its name follows the convention when the table is made."""
    return sa.Column(column, sa.BigInteger(), sa.ForeignKey(f"{table}.id", ondelete=on_delete), nullable=null)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in reversed(INDEXES):
            steps.no_index(name)
    for table in ("contact_import_change", "contact_import_error", "contact_import", "contact_distinct",
                  "contact_merge", "contact_note", "company_domain"):  # fmt: skip
        op.drop_table(table)
    for column in ("verified_at", "origin"):
        op.drop_column("contact_identity", column)
    op.drop_constraint(op.f("fk_contact_merged_into_id"), "contact")
    for column in ("merged_into_id", "blocked_at", "language"):
        op.drop_column("contact", column)
    op.drop_column("company", "notes")
    for table in ("contact", "company"):
        for column in ("fields", "time_zone"):
            op.drop_column(table, column)
