"""What is asked of customers, what they answered, and what an inbox or the desk chose about that.

The verbs are in `helpdesk/satisfaction/`.
"""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Choice, Row
from helpdesk.i18n import Text, _


class Survey(StrEnum):
    """What is asked. The names are those of the field: customer satisfaction, net promoter score."""

    csat = "csat"
    nps = "nps"

    @property
    def scale(self) -> range:
        return range(1, 6) if self is Survey.csat else range(11)


GOOD = 4
"""From here on a customer is satisfied (CSAT)."""
BAD = 2
"""Down from here the ticket's assignee is told."""
PROMOTER, DETRACTOR = 9, 6
"""From, and up to."""

NAMES: dict[int, tuple[str, Text]] = {
    1: ("😞", _("Very bad")),
    2: ("😕", _("Bad")),
    3: ("😐", _("Okay")),
    4: ("😊", _("Good")),
    5: ("😄", _("Very good")),
}
"""Face and words of each score of CSAT; faces that fonts have had since 2012."""


class WhyNot(StrEnum):
    """Why a customer was not asked."""

    asked = "asked"
    blocked = "blocked"
    declined = "declined"
    no_address = "no_address"
    recently = "recently"
    unanswered = "unanswered"
    removed = "removed"
    erased = "erased"
    reopened = "reopened"


WORDS: dict[WhyNot, Text] = {
    WhyNot.asked: _("The customer was asked about this ticket already."),
    WhyNot.blocked: _("The contact is blocked."),
    WhyNot.declined: _("The customer does not want to be asked."),
    WhyNot.no_address: _("The customer has no e-mail address that could be asked."),
    WhyNot.recently: _("The customer was asked a short while ago."),
    WhyNot.unanswered: _("No colleague has answered on this ticket."),
    WhyNot.removed: _("The ticket is in spam or in the trash, or was merged."),
    WhyNot.erased: _("What was said on this ticket has been erased."),
    WhyNot.reopened: _("The ticket was opened again before the question left."),
}


class Rating(Row):
    """One question to one customer, and what they answered. Once for a ticket, now and then for the desk."""

    __tablename__ = "rating"

    kind: Mapped[Survey] = mapped_column(Choice(Survey))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    """What is asked about the desk as a whole is asked in the thread of their last ticket."""
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    """Who was asked; None once they were erased: the number stays, as their tickets do, what they wrote does not."""
    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    """As they were when the customer was asked, as is the team: whoever takes the ticket later has not earned it."""
    public_id: Mapped[str] = mapped_column(default=lambda: secrets.token_urlsafe(12), unique=True)
    """What stands in links, with a signature beside it."""
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id", ondelete="SET NULL"))
    asked_at: Mapped[datetime | None]
    """None where nobody was asked: see `why_not`; or where a rating came in by itself."""
    why_not: Mapped[WhyNot | None] = mapped_column(Choice(WhyNot))
    decided_at: Mapped[datetime]
    """When it was decided to ask or not: a ticket that is resolved again later is thought about again."""
    score: Mapped[int | None]
    comment: Mapped[str] = mapped_column(default="", server_default="")
    answered_at: Mapped[datetime | None]
    """The first time; the answer can be changed for a while."""
    changed_at: Mapped[datetime | None]
    channel: Mapped[str | None]
    """By which way the answer came: `email`, or a name that a program gave."""

    __table_args__ = (
        CheckConstraint("(score IS NULL) = (answered_at IS NULL)", name="answered"),
        CheckConstraint(
            "score IS NULL OR (kind = 'csat' AND score BETWEEN 1 AND 5) "
            "OR (kind = 'nps' AND score BETWEEN 0 AND 10)",
            name="score",
        ),
        Index("uq_rating_csat", "ticket_id", unique=True, postgresql_where=text("kind = 'csat'")),
        Index("ix_rating_contact_id", "contact_id", "asked_at"),
        Index("ix_rating_asked_at", "asked_at", postgresql_where=text("asked_at IS NOT NULL")),
        Index(
            "ix_rating_answered_at",
            desc("answered_at"),
            desc("id"),
            postgresql_where=text("answered_at IS NOT NULL"),
        ),
        Index("ix_rating_message_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
        Index(
            "ix_rating_comment_words",
            "comment",
            postgresql_using="gin",
            postgresql_ops={"comment": "gin_trgm_ops"},
            postgresql_where=text("comment <> ''"),
        ),
    )

    @property
    def is_answered(self) -> bool:
        return self.score is not None


class RatingRefusal(Row):
    """Somebody does not want to be asked any more."""

    __tablename__ = "rating_refusal"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)


class InboxSurvey(Base):
    """What an inbox asks when a ticket was resolved. Without a row nobody is asked."""

    __tablename__ = "inbox_survey"

    inbox_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("inbox.id", ondelete="CASCADE"), primary_key=True
    )
    active: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    wait_minutes: Mapped[int] = mapped_column(default=60, server_default="60")
    """After the ticket was resolved."""
    quiet_days: Mapped[int] = mapped_column(default=7, server_default="7")
    """Whoever was asked anything within so many days is not asked."""
    words: Mapped[str] = mapped_column(default="", server_default="")
    """What stands above the five answers, with placeholders; empty for ours."""
    since: Mapped[datetime | None]
    """When it was switched on: nobody is asked about what was resolved before."""


class PromoterSurvey(Base):
    """How likely customers would recommend the desk's company, asked on a schedule. One row."""

    __tablename__ = "promoter_survey"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    active: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    schedule: Mapped[dict[str, Any]]
    """As `helpdesk/schedules.py` reads it."""
    within_days: Mapped[int] = mapped_column(default=30, server_default="30")
    """Whose ticket was resolved within so many days."""
    every_days: Mapped[int] = mapped_column(default=90, server_default="90")
    """Nobody is asked twice within so many days."""
    most: Mapped[int] = mapped_column(default=50, server_default="50")
    """People asked each time."""
    words: Mapped[str] = mapped_column(default="", server_default="")
    next_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("id = 1", name="one"),)
