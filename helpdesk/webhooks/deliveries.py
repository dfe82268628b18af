"""Deliveries: one event for one webhook, from being put in to being taken, given up, or sent once more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import CHANNEL, Choice, Row
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.texts import clean
from helpdesk.webhooks.endpoints import EXCERPT, GIVE_UP, TRIES, Outcome, Webhook
from helpdesk.webhooks.subjects import EVENTS

KEPT_FOR = timedelta(days=30)
"""How long the log goes back, and so how far back a replay can."""
MOST_REPLAYED = 10_000
"""Deliveries that one press may start again."""
BELL = "webhook"
"""What wakes the worker."""


class State(StrEnum):
    queued = "queued"
    delivered = "delivered"
    dead = "dead"  # given up; it can be sent again from the log


class Delivery(Row):
    __tablename__ = "webhook_delivery"

    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(BigInteger)
    """None where it is a test."""
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    body: Mapped[str | None]
    """JSON, byte for byte the same on every attempt; made before the first."""
    state: Mapped[State] = mapped_column(Choice(State), default=State.queued)
    since: Mapped[datetime]
    """When it was put in, or in again: it is tried for 72 hours from here."""
    next_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    status: Mapped[int | None]
    """What the last attempt was answered with."""
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    answer: Mapped[str] = mapped_column(default="", server_default="")
    """The beginning of the last answer."""
    tries: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    """Of each attempt: when, how long it took in ms, status, and why it failed."""
    delivered_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_webhook_delivery_queued", "webhook_id", "id", postgresql_where=text("state = 'queued'")),
        Index("ix_webhook_delivery_log", "webhook_id", "state", "id"),
        Index("ix_webhook_delivery_ticket", "ticket_id", postgresql_where=text("ticket_id IS NOT NULL")),
    )

    @property
    def message_id(self) -> str:
        """`webhook-id`: the same on every attempt and every replay, so that receivers can tell."""
        named = f"test_{self.id}" if self.event_id is None else str(self.event_id)
        return f"msg_{self.webhook_id}_{named}"

    def note_attempt(self, outcome: Outcome, at: datetime) -> None:
        self.attempts += 1
        self.status, self.trouble = outcome.status, clean(outcome.words)
        self.answer = clean(outcome.excerpt)[:EXCERPT]
        took = int(outcome.took.total_seconds() * 1000)
        one = {"at": at.isoformat(), "ms": took, "status": outcome.status, "trouble": self.trouble}
        self.tries = [*self.tries, one][-TRIES:]
        if outcome.taken:
            self.state, self.delivered_at = State.delivered, at

    def put_off(self, until: datetime, at: datetime) -> None:
        """The last attempt is made when its time ends, and then no more."""
        end = self.since + GIVE_UP
        if at >= end or self.event_id is None:
            self.state = State.dead
        else:
            self.next_at = min(until, end)


async def enlist(session: AsyncSession, event_ids: Sequence[int]) -> None:
    """Put these events into the deliveries of those who subscribed to them before they happened."""
    found = await session.execute(_put_in(Event.id.in_(event_ids)).returning(Delivery.id))
    if found.first():
        await ring(session)


async def ring(session: AsyncSession) -> None:
    await session.execute(select(func.pg_notify(CHANNEL, BELL)))


def _put_in(which: Any, *, again: bool = False, webhook: Webhook | None = None) -> Any:
    """Insert deliveries from events; `again` puts in once more what was delivered or given up already."""
    at = now()
    of_kind = {subject.kind.value: name for name, subject in EVENTS.items()}
    name = case(of_kind, value=cast(Event.kind, Text), else_=None)
    columns = ["webhook_id", "event_id", "ticket_id", "type", "state", "since", "next_at", "attempts"]
    chosen = (
        select(
            Webhook.id,
            Event.id,
            Event.ticket_id,
            name,
            literal(State.queued.value),
            literal(at),
            literal(at),
            literal(0),
        )
        .select_from(Event)
        .join(Webhook, Webhook.created_at <= Event.created_at)
        .where(which, name == func.any(Webhook.events))
        .order_by(Event.id)
    )
    narrowed = (
        chosen.where(Webhook.active)
        if webhook is None
        else chosen.where(Webhook.id == webhook.id).limit(MOST_REPLAYED)
    )
    put = insert(Delivery).from_select(columns, narrowed)
    if not again:
        return put.on_conflict_do_nothing()
    return put.on_conflict_do_update(
        index_elements=[Delivery.webhook_id, Delivery.event_id],
        set_={"state": State.queued.value, "since": at, "next_at": at, "attempts": 0},
        where=Delivery.state != State.queued,
    )


async def replay(session: AsyncSession, webhook: Webhook, found: Delivery, *, by: Actor) -> None:
    """One delivery once more, with the same id and the same body."""
    found.state, found.since, found.next_at, found.attempts = State.queued, now(), now(), 0
    webhook.retry_at = None
    session.add(Event(Kind.webhook_replayed, by=by, about=webhook, deliveries=1))
    await ring(session)


async def replay_since(session: AsyncSession, webhook: Webhook, since: datetime, *, by: Actor) -> int:
    """Everything that happened since, delivered or not, missed while it was off or not; the oldest 10,000.

    Never what happened before the webhook was made, nor before the log begins. Returns how many.
    """
    since = max(since, webhook.created_at, now() - KEPT_FOR)
    first = await _first_since(session, since)
    put = _put_in((Event.id >= first) & (Event.created_at >= since), again=True, webhook=webhook)
    count = len((await session.execute(put.returning(Delivery.id))).all())
    webhook.retry_at = None
    session.add(Event(Kind.webhook_replayed, by=by, about=webhook, deliveries=count))
    await ring(session)
    return count


async def _first_since(session: AsyncSession, since: datetime) -> int:
    """The first event of that time, by halving: events are not indexed by time, but numbered in its order.

    Numbers are given before transactions end, so the answer is a little early rather than late.
    """
    low, high = 0, (await session.scalar(select(func.max(Event.id))) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at = await session.scalar(
            select(Event.created_at).where(Event.id >= middle).order_by(Event.id).limit(1)
        )
        if at is None or at >= since - timedelta(minutes=1):
            high = middle
        else:
            low = middle + 1
    return low


async def waiting_as_dead(session: AsyncSession, webhook: Webhook) -> None:
    """Nothing is sent to what is switched off: what waits is given up, and can be replayed."""
    words = gettext("The webhook was switched off before this was delivered.")
    await session.execute(
        update(Delivery)
        .where(Delivery.webhook_id == webhook.id, Delivery.state == State.queued)
        .values(state=State.dead, trouble=case((Delivery.trouble == "", words), else_=Delivery.trouble))
        .execution_options(synchronize_session=False)
    )


async def forget(session: AsyncSession, ticket_ids: Sequence[int]) -> int:
    """Remove what the log holds of these tickets: when they, or the person who wrote them, are erased."""
    result = await session.execute(delete(Delivery).where(Delivery.ticket_id.in_(ticket_ids)))
    return int(result.rowcount)  # type: ignore[attr-defined]
