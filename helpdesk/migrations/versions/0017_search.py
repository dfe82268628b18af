"""Parts of subjects, and of what custom fields hold, are found without reading every ticket and contact."""

from alembic import op

from helpdesk.migrations import steps

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# One index for all fields there will ever be: it answers which rows have the text in any of them.
FIELD_WORDS = r"""
CREATE OR REPLACE FUNCTION field_words(fields jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT string_agg(value, E'\n') FROM jsonb_each_text(fields)
$$
"""
INDEXES = {
    "ix_ticket_subject_words": "ticket USING gin (subject gin_trgm_ops)",
    "ix_ticket_field_words": "ticket USING gin (field_words(fields) gin_trgm_ops) WHERE fields <> '{}'",
    "ix_contact_field_words": "contact USING gin (field_words(fields) gin_trgm_ops) WHERE fields <> '{}'",
}


def upgrade() -> None:
    op.execute(FIELD_WORDS)
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            steps.index(name, definition)
        op.execute("ANALYZE ticket, contact")  # an expression is estimated by what is known of its values


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            steps.no_index(name)
    op.execute("DROP FUNCTION field_words(jsonb)")
