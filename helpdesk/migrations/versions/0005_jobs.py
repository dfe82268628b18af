"""The job queue's own tables, types and functions, as the installed procrastinate brings them."""

import psycopg
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

REMOVE = """
DO $$
DECLARE thing record;
BEGIN
  FOR thing IN
    SELECT format('DROP TABLE IF EXISTS %s CASCADE', oid::regclass) AS command
      FROM pg_class WHERE relname LIKE 'procrastinate\\_%' AND relkind = 'r' AND pg_table_is_visible(oid)
    UNION ALL
    SELECT format('DROP FUNCTION IF EXISTS %s', oid::regprocedure)
      FROM pg_proc WHERE proname LIKE 'procrastinate\\_%' AND pg_function_is_visible(oid)
    UNION ALL
    SELECT format('DROP TYPE IF EXISTS %s', oid::regtype)
      FROM pg_type
      WHERE typname LIKE 'procrastinate\\_%' AND pg_type_is_visible(oid)
        AND (typtype = 'e' OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
  LOOP
    EXECUTE thing.command;
  END LOOP;
END $$;
"""


def upgrade() -> None:
    _execute(SchemaManager.get_schema())


def downgrade() -> None:
    _execute(REMOVE)


def _execute(script: str) -> None:
    """On the driver's own cursor and without parameters, so that no % and no : is interpreted."""
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)  # noqa: S101 - migrations run synchronously
    with connection.cursor() as cursor:
        cursor.execute(script.encode())
