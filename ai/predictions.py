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
    urgency = "urgency"
    topic = "topic"
    team = "team"
    tag = "tag"
    priority = "priority"


class Urgency(StrEnum):
    """How soon something has to happen, whatever the mood."""

    can_wait = "can_wait"
    soon = "soon"
    urgent = "urgent"


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
    """A Sentiment, `calm` or `frustrated`, an Urgency, an ISO 639-1 code, a Priority; of a topic, team, tag its id."""
    confidence: Mapped[float]
    """Calibrated chance that the label is right; of the best label where it was not sure enough to say one."""
    model: Mapped[str]
    """Which model and weights, so that its rows can be found again when it is replaced."""
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    """For people: the phrase that decided (text), the customer's message that did (`{"message": id}`), or why
    nothing was said."""
