"""Whoever shows the names of colleagues and teams hears that one has changed, or that somebody came or went."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CHANGED = {
    "agent": "(OLD.name, OLD.active, OLD.availability, OLD.present_at IS NULL) IS DISTINCT FROM "
    "(NEW.name, NEW.active, NEW.availability, NEW.present_at IS NULL)",
    "team": "(OLD.name, OLD.colour) IS DISTINCT FROM (NEW.name, NEW.colour)",
}


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION tell_names() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('helpdesk', 'registers');
            RETURN NULL;
        END $$
    """)
    for table, changed in CHANGED.items():
        op.execute(f"""
            CREATE TRIGGER tell_new_names AFTER INSERT OR DELETE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION tell_names()
        """)
        op.execute(f"""
            CREATE TRIGGER tell_names AFTER UPDATE ON {table}
            FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION tell_names()
        """)


def downgrade() -> None:
    for table in CHANGED:
        op.execute(f"DROP TRIGGER tell_names ON {table}")
        op.execute(f"DROP TRIGGER tell_new_names ON {table}")
    op.execute("DROP FUNCTION tell_names()")
