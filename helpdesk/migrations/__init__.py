"""The database's history, by Alembic; every step has a way back."""
