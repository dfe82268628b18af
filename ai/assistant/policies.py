"""Which policy holds for a message, and how much of its limits is used up."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.assistant.decisions import Reason
from ai.assistant.rows import Mode, Policy, Run
from ai.predictions import Classification
from ai.predictions import Kind as Read
from helpdesk.clock import now
from helpdesk.engagements import Engagement
from helpdesk.errors import Conflict
from helpdesk.events import Actor, ActorKind, Event, Kind
from helpdesk.i18n import _
from helpdesk.messages import Direction, Message
from helpdesk.tickets import Ticket

DAY = timedelta(days=1)
LIMITS = {
    "turns": (1, 20),
    "seconds": (3, 120),
    "tokens": (500, 30_000),
    "per_contact": (1, 200),
    "per_day": (1, 100_000),
}
"""Smallest and largest of each."""


class TopicThere(Conflict):
    message = _("There is a line for this inbox and topic already. Change that one.")


async def of_inbox(session: AsyncSession, inbox_id: int) -> Sequence[Policy]:
    found = await session.scalars(select(Policy).where(Policy.inbox_id == inbox_id).order_by(Policy.id))
    return found.all()


def strongest(policies: Sequence[Policy]) -> Mode:
    """Before anybody knows what a message is about: what it may come to at most."""
    order = list(Mode)
    return max((policy.mode for policy in policies), key=order.index, default=Mode.off)


def holding(policies: Sequence[Policy], topic: str) -> Policy | None:
    """The topic's own, else the one for any other topic."""
    return next((p for p in policies if topic and p.topic == topic), None) or next(
        (p for p in policies if not p.topic), None
    )


def voice(policies: Sequence[Policy], policy: Policy) -> Policy:
    """Who speaks is decided once an inbox: in the line for any topic, where a topic's own says nothing."""
    whole = next((p for p in policies if not p.topic), policy)
    for name in ("name", "tone", "language", "instructions", "announcement"):
        if getattr(policy, name):
            return policy
    return whole


async def topic_of(session: AsyncSession, message_id: int) -> str:
    """As triage read it; empty where it does not know, or has not looked yet."""
    found = await session.scalar(
        select(Classification.label).where(
            Classification.message_id == message_id, Classification.kind == Read.topic
        )
    )
    return found or ""


async def exhausted(
    session: AsyncSession, policy: Policy, ticket: Ticket, engagement: Engagement | None
) -> Reason | None:
    """A limit that is used up, asked before anything is thought."""
    if engagement and (
        engagement.turns >= policy.turns
        or engagement.tokens >= policy.tokens
        or (policy.cost and engagement.cost >= policy.cost)
    ):
        return Reason.limit
    since = now() - DAY
    to_contact = await session.scalar(
        select(func.count())
        .select_from(Message)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(
            Ticket.contact_id == ticket.contact_id,
            Message.direction == Direction.outbound,
            Message.author == ActorKind.assistant,
            Message.created_at > since,
        )
    )
    today = await session.scalar(
        select(func.count()).where(
            Run.policy_id == policy.id, Run.created_at > since, Run.reply_id.is_not(None)
        )
    )
    over = (to_contact or 0) >= policy.per_contact or (today or 0) >= policy.per_day
    return Reason.limit if over else None


async def change(session: AsyncSession, policy: Policy, mode: Mode, *, by: Actor) -> None:
    """What a policy may do; somebody's decision, on record."""
    if policy.mode is not mode:
        was, policy.mode, policy.mode_since = policy.mode, mode, now()
        policy.demoted_from = None
        session.add(Event(Kind.assistant_edited, by=by, about=policy, was=was, now=mode))
