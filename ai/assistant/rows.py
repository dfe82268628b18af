"""Policies, tools, runs, what was done, and codes that prove who writes."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Choice, Row


class Mode(StrEnum):
    """In order: each allows more than the one before."""

    off = "off"
    shadow = "shadow"  # writes down what it would have said
    suggest = "suggest"  # colleagues see it beside the ticket
    answer = "answer"  # the customer gets it

    @property
    def next(self) -> "Mode | None":
        order = list(Mode)
        place = order.index(self) + 1
        return order[place] if place < len(order) else None


class State(StrEnum):
    waiting = "waiting"
    running = "running"
    done = "done"
    failed = "failed"  # `trouble` says why
    overtaken = "overtaken"  # a person was faster, or the customer wrote again


class Agreement(StrEnum):
    agreed = "agreed"
    differed = "differed"
    none = "none"  # nothing to compare: it would have handed over, or nobody answered


class Confirmation(StrEnum):
    none = "none"  # reads only
    customer = "customer"  # the customer says yes first
    agent = "agent"  # a colleague presses a button first


class ActState(StrEnum):
    asked_proof = "asked_proof"  # a code was mailed first
    asked_customer = "asked_customer"
    asked_agent = "asked_agent"
    doing = "doing"
    done = "done"
    failed = "failed"
    refused = "refused"


SECONDS = 20
"""For one run, where nobody says otherwise."""


def _to(table: str, ondelete: str) -> ForeignKey:
    return ForeignKey(f"{table}.id", ondelete=ondelete)


class Policy(Row):
    """What the assistant may do in one inbox, for one topic or for any."""

    __tablename__ = "assistant_policy"

    inbox_id: Mapped[int] = mapped_column(BigInteger, _to("inbox", "CASCADE"))
    topic: Mapped[str] = mapped_column(default="", server_default="")
    """An intent of triage; empty: any other."""
    mode: Mapped[Mode] = mapped_column(Choice(Mode), default=Mode.off)
    team_id: Mapped[int | None] = mapped_column(BigInteger, _to("team", "SET NULL"), index=True)
    """Who gets what it hands over; None: the ticket's team."""
    turns: Mapped[int] = mapped_column(default=6, server_default="6")
    """Messages of its own in one engagement."""
    seconds: Mapped[int] = mapped_column(default=SECONDS, server_default="20")
    """For one run; then it hands over."""
    tokens: Mapped[int] = mapped_column(default=30_000, server_default="30000")
    cost: Mapped[float] = mapped_column(default=0.5, server_default="0.5")
    """In the currency of the models' prices, for one engagement."""
    per_contact: Mapped[int] = mapped_column(default=20, server_default="20")
    """Answers to one customer in a day."""
    per_day: Mapped[int] = mapped_column(default=500, server_default="500")
    """Answers of this policy in a day."""
    name: Mapped[str] = mapped_column(default="", server_default="")
    tone: Mapped[str] = mapped_column(default="", server_default="")
    language: Mapped[str] = mapped_column(default="", server_default="")
    """Empty: the customer's own."""
    instructions: Mapped[str] = mapped_column(default="", server_default="")
    announcement: Mapped[str] = mapped_column(default="", server_default="")
    """How it says that it is no person; empty: the desk's own words."""
    mode_since: Mapped[datetime] = mapped_column(default=now, server_default=text("clock_timestamp()"))
    demoted_from: Mapped[Mode | None] = mapped_column(Choice(Mode))
    """What it was allowed before the desk took it back by itself."""

    __table_args__ = (UniqueConstraint("inbox_id", "topic"),)


class Tool(Row):
    """A signed call to a program of the company's own."""

    __tablename__ = "assistant_tool"

    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(default="", server_default="")
    examples: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Phrases of customers that ask for it."""
    url: Mapped[str] = mapped_column(default="", server_default="")
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    schema: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """JSON schema of its arguments, in the part of it that `tools.py` reads."""
    reply: Mapped[str] = mapped_column(default="", server_default="")
    """What the customer is told afterwards; `{name}` stands for a value of the answer."""
    needs_identity: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    confirmation: Mapped[Confirmation] = mapped_column(Choice(Confirmation), default=Confirmation.agent)
    amount_field: Mapped[str] = mapped_column(default="", server_default="")
    amount_limit: Mapped[float | None]
    active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))


class Run(Row):
    """One message of a customer, and everything that the assistant saw and did about it."""

    __tablename__ = "assistant_run"

    ticket_id: Mapped[int] = mapped_column(BigInteger, _to("ticket", "CASCADE"))
    message_id: Mapped[int] = mapped_column(BigInteger, _to("message", "CASCADE"))
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    """Counts up where a colleague hands a ticket back."""
    engagement_id: Mapped[int | None] = mapped_column(BigInteger, _to("engagement", "SET NULL"), index=True)
    policy_id: Mapped[int | None] = mapped_column(BigInteger, _to("assistant_policy", "SET NULL"))
    inbox_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("inbox.id"))
    topic: Mapped[str] = mapped_column(default="", server_default="")
    mode: Mapped[Mode] = mapped_column(Choice(Mode))
    state: Mapped[State] = mapped_column(Choice(State), default=State.waiting)
    kind: Mapped[str | None]
    """answer, ask, act, hand_over, confirm."""
    due_at: Mapped[datetime]
    """Until when it must have begun, and once it has begun, ended."""
    alive_at: Mapped[datetime | None]
    """The last sign of life of whoever runs it."""
    finished_at: Mapped[datetime | None]
    question: Mapped[str] = mapped_column(default="", server_default="")
    passages: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """[{number, article_id, version, chunk_id, slug, title, text, score}]."""
    model: Mapped[str] = mapped_column(default="", server_default="")
    prompt: Mapped[str] = mapped_column(default="", server_default="")
    """As it left: masked."""
    decision: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    checks: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """[{name, passed, detail}], in order."""
    confidence: Mapped[float] = mapped_column(default=0.0, server_default="0")
    seconds: Mapped[float] = mapped_column(default=0.0, server_default="0")
    tokens: Mapped[int] = mapped_column(default=0, server_default="0")
    cost: Mapped[float] = mapped_column(default=0.0, server_default="0")
    reply_id: Mapped[int | None] = mapped_column(BigInteger, _to("message", "SET NULL"))
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    agreement: Mapped[Agreement | None] = mapped_column(Choice(Agreement))
    compared_id: Mapped[int | None] = mapped_column(BigInteger, _to("message", "SET NULL"))

    __table_args__ = (
        UniqueConstraint("message_id", "attempt"),
        Index("ix_assistant_run_ticket_id", "ticket_id", "id"),
        Index("ix_assistant_run_policy_id", "policy_id", "id"),
        Index("ix_assistant_run_reply_id", "reply_id", postgresql_where=text("reply_id IS NOT NULL")),
        Index(
            "ix_assistant_run_compared_id", "compared_id", postgresql_where=text("compared_id IS NOT NULL")
        ),
        Index("ix_assistant_run_open", "due_at", postgresql_where=text("state IN ('waiting', 'running')")),
        Index(
            "ix_assistant_run_uncompared",
            "id",
            postgresql_where=text("state = 'done' AND agreement IS NULL AND mode IN ('shadow', 'suggest')"),
        ),
    )

    @property
    def is_open(self) -> bool:
        return self.state in {State.waiting, State.running}

    def end(self, state: State, *, trouble: str = "") -> None:
        self.state, self.finished_at, self.trouble = state, now(), trouble


class Act(Row):
    """A tool that was asked for, and what became of it."""

    __tablename__ = "assistant_act"

    ticket_id: Mapped[int] = mapped_column(BigInteger, _to("ticket", "CASCADE"))
    run_id: Mapped[int] = mapped_column(BigInteger, _to("assistant_run", "CASCADE"), index=True)
    tool: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    state: Mapped[ActState] = mapped_column(Choice(ActState))
    idempotency_key: Mapped[str]
    """The same on every attempt, so that the other side does it once."""
    result: Mapped[str] = mapped_column(default="", server_default="")
    """What the other side said: untrusted."""
    agent_id: Mapped[int | None] = mapped_column(BigInteger, _to("agent", "SET NULL"))
    """Who pressed the button."""
    began_at: Mapped[datetime | None]
    """When the call was allowed to be made; until `ended_at` nobody knows what came of it."""
    ended_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_assistant_act_ticket_id", "ticket_id", "id"),)

    def begin(self) -> None:
        self.state, self.began_at = ActState.doing, now()


class Code(Row):
    """Six digits that were mailed to an address on file. The digits themselves stand nowhere: they are made of the
    nonce and the desk's secret when the mail leaves."""

    __tablename__ = "assistant_code"

    ticket_id: Mapped[int] = mapped_column(BigInteger, _to("ticket", "CASCADE"))
    contact_id: Mapped[int] = mapped_column(BigInteger, _to("contact", "CASCADE"))
    address: Mapped[str]
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    message_id: Mapped[int | None] = mapped_column(BigInteger, _to("message", "SET NULL"))
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    expires_at: Mapped[datetime]
    verified_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_assistant_code_ticket_id", "ticket_id", "id"),
        Index("ix_assistant_code_contact_id", "contact_id", "id"),
        Index("ix_assistant_code_message_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
    )
