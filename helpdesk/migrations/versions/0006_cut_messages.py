"""How big a message really is, of which only the beginning was taken."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kept", sa.Column("cut_from", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("kept", "cut_from")
