"""What older migrations left unproven is proven, while others read and write."""

from alembic import op

from helpdesk.migrations import steps

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

UNPROVEN = (
    ("ticket", "fk_ticket_type_id"),
    ("ticket", "fk_ticket_merged_into_id"),
    ("ticket", "ck_ticket_merged"),
    ("message", "fk_message_origin_id"),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table, constraint in UNPROVEN:
            steps.validate(table, constraint)


def downgrade() -> None:
    """What is proven does not become doubtful again."""
