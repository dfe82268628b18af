"""Evaluations that were run on this desk, and what became of every question of theirs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.database import Base, Choice, Row
from helpdesk.i18n import Text as Words
from helpdesk.i18n import _
from helpdesk.people import Agent


class Kind(StrEnum):
    """What is measured."""

    answers = "answers"
    drafts = "drafts"
    """Written by a language model, and checked."""
    assistant = "assistant"
    """What its language model decides under its instructions."""
    retrieval = "retrieval"
    intents = "intents"
    sentiment = "sentiment"


class State(StrEnum):
    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"

    @property
    def is_over(self) -> bool:
        return self in {State.done, State.failed}


KINDS: dict[Kind, Words] = {
    Kind.answers: _("Answer or stay silent"),
    Kind.drafts: _("Drafts in a model's words"),
    Kind.assistant: _("The assistant's instructions"),
    Kind.retrieval: _("Search"),
    Kind.intents: _("Topics"),
    Kind.sentiment: _("Mood"),
}
STATES: dict[State, Words] = {
    State.waiting: _("Waits for a worker"),
    State.running: _("Running"),
    State.done: _("Done"),
    State.failed: _("Stopped"),
}
SOLVED, ARTICLES, TOPICS = "solved", "articles", "topics"
"""Sources that every desk has: its solved tickets, questions made from its articles, and topics that colleagues chose.
Others are files' names."""
SOURCES: dict[str, Words] = {
    SOLVED: _("Solved tickets of this desk"),
    ARTICLES: _("Titles and headings of this desk's articles"),
    TOPICS: _("Topics that colleagues chose or corrected"),
}


class EvaluationRun(Row):
    """One measurement, with everything that was in force while it was taken."""

    __tablename__ = "evaluation_run"

    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    source: Mapped[str]
    state: Mapped[State] = mapped_column(Choice(State), default=State.waiting)
    progress: Mapped[int] = mapped_column(default=0, server_default="0")
    """Percent."""
    agent_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))
    """Who ordered it; None: a command."""
    configuration: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`ai.evaluation.comparing.Configuration`: runs are compared by it."""
    measures: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    curve: Mapped[list[Any]] = mapped_column(server_default="[]")
    """[[coverage, risk], …], of what is answered first to what is answered last."""
    trouble: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    agent: Mapped[Agent | None] = relationship(lazy="raise")

    @property
    def label(self) -> str:
        return str(STATES[self.state])

    @property
    def title(self) -> str:
        return str(KINDS[self.kind])

    @property
    def source_label(self) -> str:
        return str(SOURCES.get(self.source, self.source))


class EvaluationCase(Base):
    """One question of a run. What a customer wrote is not copied: the case points to the message, and goes with it."""

    __tablename__ = "evaluation_case"

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("evaluation_run.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """answerable, near_miss, impossible or off_domain; for other measures the true label."""
    key: Mapped[str]
    """The same question in another run has the same."""
    message_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("message.id", ondelete="CASCADE"), index=True
    )
    question: Mapped[str] = mapped_column(default="", server_default="")
    """Empty where it is a customer's message."""
    expected: Mapped[list[str]] = mapped_column(server_default="{}")
    got: Mapped[str] = mapped_column(default="", server_default="")
    chance: Mapped[float | None]
    answered: Mapped[bool]
    right: Mapped[bool]
    """What came of it is what should have: the right answer, or silence where there is none."""
    why: Mapped[str] = mapped_column(Text, default="", server_default="")
    features: Mapped[list[Any]] = mapped_column(server_default="[]")
    """What the gate saw, so that another gate can be tried on the same questions without asking again."""
