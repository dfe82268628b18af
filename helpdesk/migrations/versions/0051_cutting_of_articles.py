"""How the passages of an article were cut, so that a newer way of cutting reaches articles that nobody edits."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("article", sa.Column("indexed_cutting", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("article", "indexed_cutting")
