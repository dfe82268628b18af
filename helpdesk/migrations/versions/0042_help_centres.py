"""Help centres: brands, and customers who signed in to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.create_table(
        "help_centre",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("host", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("is_default", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("greeting", sa.Text, nullable=False, server_default=""),
        sa.Column("words", sa.Text, nullable=False, server_default=""),
        sa.Column("colour", sa.Text, nullable=False, server_default="#4f5bd5"),
        sa.Column("logo", sa.LargeBinary),
        sa.Column("logo_type", sa.Text, nullable=False, server_default=""),
        sa.Column("logo_mark", sa.Text, nullable=False, server_default=""),
        sa.Column("website", sa.Text, nullable=False, server_default=""),
        sa.Column("languages", ARRAY(sa.Text), nullable=False, server_default="{en}"),
        sa.Column("collection_ids", ARRAY(sa.BigInteger), nullable=False, server_default="{}"),
        sa.Column("contact_inbox_id", sa.BigInteger),
        sa.Column("inbox_ids", ARRAY(sa.BigInteger), nullable=False, server_default="{}"),
        sa.Column("indexed", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("signs_in", sa.Boolean, nullable=False, server_default="true"),
        sa.Column("created_at", INSTANT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", name="pk_help_centre"),
        sa.UniqueConstraint("slug", name="uq_help_centre_slug"),
        sa.UniqueConstraint("host", name="uq_help_centre_host"),
        sa.ForeignKeyConstraint(
            ["contact_inbox_id"], ["inbox.id"], ondelete="SET NULL", name="fk_help_centre_contact_inbox_id"
        ),
    )
    op.create_index(
        "uq_help_centre_default",
        "help_centre",
        ["is_default"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "portal_link",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("help_centre_id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("browser", sa.LargeBinary, nullable=False),
        sa.Column("target", sa.Text, nullable=False, server_default=""),
        sa.Column("language", sa.Text, nullable=False, server_default="en"),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.Column("mailed_at", INSTANT),
        sa.Column("trouble", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", INSTANT, nullable=False, server_default=NOW),
        sa.PrimaryKeyConstraint("id", name="pk_portal_link"),
        sa.UniqueConstraint("token_hash", name="uq_portal_link_token_hash"),
        *_keys("portal_link"),
    )
    op.create_index("ix_portal_link_identity_id", "portal_link", ["identity_id"])
    op.create_table(
        "portal_session",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("help_centre_id", sa.BigInteger, nullable=False),
        sa.Column("identity_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_session"),
        *_keys("portal_session"),
    )
    op.create_index("ix_portal_session_identity_id", "portal_session", ["identity_id"])
    op.create_index("ix_portal_session_expires_at", "portal_session", ["expires_at"])
    op.add_column("company", sa.Column("shares_tickets", sa.Boolean, nullable=False, server_default="false"))


def _keys(table: str) -> tuple[sa.ForeignKeyConstraint, ...]:
    return tuple(
        sa.ForeignKeyConstraint(
            [f"{other}_id"], [f"{parent}.id"], ondelete="CASCADE", name=f"fk_{table}_{other}_id"
        )
        for other, parent in (("help_centre", "help_centre"), ("identity", "contact_identity"))
    )


def downgrade() -> None:
    op.drop_column("company", "shares_tickets")
    op.drop_table("portal_session")
    op.drop_table("portal_link")
    op.drop_table("help_centre")
