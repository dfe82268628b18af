"""What customers said of the service, and when they are asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _ratings()
    op.create_table(
        "rating_refusal",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("contact_id", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rating_refusal"),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name="fk_rating_refusal_contact_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_rating_refusal_contact_id", "rating_refusal", ["contact_id"])
    op.create_table(
        "inbox_survey",
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("active", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("wait_minutes", sa.Integer, server_default="60", nullable=False),
        sa.Column("quiet_days", sa.Integer, server_default="7", nullable=False),
        sa.Column("words", sa.Text, server_default="", nullable=False),
        sa.Column("since", INSTANT),
        sa.PrimaryKeyConstraint("inbox_id", name="pk_inbox_survey"),
        sa.ForeignKeyConstraint(
            ["inbox_id"], ["inbox.id"], name="fk_inbox_survey_inbox_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "promoter_survey",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("active", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("schedule", JSONB, nullable=False),
        sa.Column("within_days", sa.Integer, server_default="30", nullable=False),
        sa.Column("every_days", sa.Integer, server_default="90", nullable=False),
        sa.Column("most", sa.Integer, server_default="50", nullable=False),
        sa.Column("words", sa.Text, server_default="", nullable=False),
        sa.Column("next_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_promoter_survey"),
        sa.CheckConstraint("id = 1", name="ck_promoter_survey_one"),
    )


def downgrade() -> None:
    op.drop_table("promoter_survey")
    op.drop_table("inbox_survey")
    op.drop_table("rating_refusal")
    op.drop_table("rating")


def _ratings() -> None:
    op.create_table(
        "rating",
        sa.Column("id", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ticket_id", sa.BigInteger, nullable=False),
        sa.Column("contact_id", sa.BigInteger),
        sa.Column("inbox_id", sa.BigInteger, nullable=False),
        sa.Column("team_id", sa.BigInteger),
        sa.Column("assignee_id", sa.BigInteger),
        sa.Column("public_id", sa.Text, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("asked_at", INSTANT),
        sa.Column("why_not", sa.Text),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("score", sa.Integer),
        sa.Column("comment", sa.Text, server_default="", nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.Column("changed_at", INSTANT),
        sa.Column("channel", sa.Text),
        sa.Column("created_at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rating"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_rating_ticket_id"),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name="fk_rating_contact_id"),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name="fk_rating_inbox_id"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name="fk_rating_team_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["assignee_id"], ["agent.id"], name="fk_rating_assignee_id"),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name="fk_rating_message_id", ondelete="SET NULL"
        ),
        sa.UniqueConstraint("public_id", name="uq_rating_public_id"),
        sa.CheckConstraint("(score IS NULL) = (answered_at IS NULL)", name="ck_rating_answered"),
        sa.CheckConstraint(
            "score IS NULL OR (kind = 'csat' AND score BETWEEN 1 AND 5) "
            "OR (kind = 'nps' AND score BETWEEN 0 AND 10)",
            name="ck_rating_score",
        ),
    )
    op.create_index("ix_rating_ticket_id", "rating", ["ticket_id"])
    op.create_index(
        "uq_rating_csat", "rating", ["ticket_id"], unique=True, postgresql_where=sa.text("kind = 'csat'")
    )
    op.create_index("ix_rating_contact_id", "rating", ["contact_id", "asked_at"])
    for name, columns, given in (
        ("asked_at", ["asked_at"], "asked_at IS NOT NULL"),
        ("answered_at", [sa.text("answered_at DESC"), sa.text("id DESC")], "answered_at IS NOT NULL"),
        ("message_id", ["message_id"], "message_id IS NOT NULL"),
    ):
        op.create_index(f"ix_rating_{name}", "rating", columns, postgresql_where=sa.text(given))
    op.create_index(
        "ix_rating_comment_words",
        "rating",
        ["comment"],
        postgresql_using="gin",
        postgresql_ops={"comment": "gin_trgm_ops"},
        postgresql_where=sa.text("comment <> ''"),
    )
