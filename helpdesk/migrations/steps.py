"""Steps of a migration that commits on its way, so that one that was ended anywhere is simply run again.

What stands before `autocommit_block` is one transaction, committed when the block begins: it is there whole or not
at all, and anything that it made tells which. In the block every statement stands alone, so each must bear being
run again.
"""

from alembic import op
from sqlalchemy import inspect, text

VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
CONSTRAINT = text("SELECT FROM pg_constraint WHERE conrelid = to_regclass(:table) AND conname = :name")


def is_there(table: str) -> bool:
    """Whether an earlier run made this table, and so everything else before the block."""
    return inspect(op.get_bind()).has_table(table)


def has_constraint(table: str, name: str) -> bool:
    return op.get_bind().execute(CONSTRAINT, {"table": table, "name": name}).first() is not None


def index(name: str, definition: str) -> None:
    """`definition` is what follows ON. What an attempt that was ended has left behind is made again."""
    valid = op.get_bind().scalar(VALID, {"name": name})
    if valid:
        return
    if valid is not None:
        no_index(name)
    op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")


def no_index(name: str) -> None:
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def validate(table: str, constraint: str) -> None:
    """Reads the table while others write to it; does nothing where it was done before."""
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
