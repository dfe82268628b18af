"""Holidays of business calendars, by day, with a name and where they come from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

EMPTY = sa.text("''")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("country", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("subdivision", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), server_default="{public}", nullable=False),
        sa.Column("language", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("worked", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("own_holidays", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("feed_url", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("feed_etag", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("feed_due_at", MOMENT, nullable=True),
        sa.Column("feed_fetched_at", MOMENT, nullable=True),
        sa.Column("feed_trouble", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("feed_failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("feed_ignored", sa.Integer(), server_default="0", nullable=False),
        sa.Column("laid_out_on", sa.Date(), nullable=True),
    ):
        op.add_column("business_calendar", column)
    op.create_table(
        "calendar_holiday",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("calendar_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), server_default=EMPTY, nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["calendar_id"],
            ["business_calendar.id"],
            name=op.f("fk_calendar_holiday_calendar_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_holiday")),
        sa.UniqueConstraint(
            "calendar_id", "day", "source", name=op.f("uq_calendar_holiday_calendar_id_day_source")
        ),
    )
    # What a calendar was told before is now what somebody entered by hand.
    op.execute("""
        UPDATE business_calendar SET own_holidays =
          (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('day', d, 'name', '')), '[]')
           FROM jsonb_array_elements_text(holidays) AS d)
        WHERE holidays <> '[]'
    """)
    op.execute("""
        INSERT INTO calendar_holiday (calendar_id, source, day, name)
        SELECT DISTINCT c.id, 'own', d::date, 'Closed'
        FROM business_calendar AS c, jsonb_array_elements_text(c.holidays) AS d
    """)


def downgrade() -> None:
    op.drop_table("calendar_holiday")
    for name in [
        "laid_out_on",
        "feed_ignored",
        "feed_failures",
        "feed_trouble",
        "feed_fetched_at",
        "feed_due_at",
        "feed_etag",
        "feed_url",
        "own_holidays",
        "worked",
        "language",
        "categories",
        "subdivision",
        "country",
    ]:
        op.drop_column("business_calendar", name)
