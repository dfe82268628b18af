"""What models say about messages: one row per message and kind, with how sure and why."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Choice, Row


class Kind(StrEnum):
    sentiment = "sentiment"
    frustration = "frustration"
    language = "language"
    team = "team"


class Sentiment(StrEnum):
    """Five steps, worst first."""

    very_negative = "very_negative"
    negative = "negative"
    neutral = "neutral"
    positive = "positive"
    very_positive = "very_positive"


class Classification(Row):
    """One model's word on one message; `label` is empty where the model does not know."""

    __tablename__ = "classification"
    __table_args__ = (
        UniqueConstraint("message_id", "kind"),
        Index("ix_classification_kind_label", "kind", "label"),
    )

    message_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("message.id", ondelete="CASCADE"))
    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    label: Mapped[str | None]
    """A Sentiment, `calm` or `frustrated`, an ISO 639-1 code, or a team's id."""
    confidence: Mapped[float]
    """Calibrated chance that the label is right; of the best label where it was not sure enough to say one."""
    model: Mapped[str]
    """Which model and weights, so that its rows can be found again when it is replaced."""
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """For people: the example or words that decided, or why nothing was said."""
