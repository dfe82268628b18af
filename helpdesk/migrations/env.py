"""Alembic's entry: the caller hands over a connection and the metadata of all packages."""

from alembic import context

config = context.config
connection = config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=config.attributes["metadata"],
    compare_type=True,
    transaction_per_migration=True,
    include_object=lambda thing, name, kind, reflected, compared: (
        not (reflected and compared is None and str(name).startswith("procrastinate_"))
    ),
)
context.run_migrations()
