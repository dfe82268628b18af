"""Published articles as a help centre lists and counts them: by language and category, in the order of their titles."""

from alembic import op

from helpdesk.migrations import steps

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

NAME = "ix_article_shelved"
COLUMNS = "(locale, category_id, lower(title), id) INCLUDE (audience, publish_at, archive_at)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        steps.index(NAME, f"article {COLUMNS} WHERE state = 'published'")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        steps.no_index(NAME)
