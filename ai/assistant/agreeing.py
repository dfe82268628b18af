"""What it would have said against what a colleague said: measured before anything is allowed, and afterwards.

Agreement is counted over the messages that it would have answered: the colleague's answer says the same (cosine of
the texts), or names or quotes the same article. Where it would have handed over there is nothing to compare. What may
be offered follows from the lower end of the interval, never from the mean; only taking back happens by itself.
"""

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from ai.assistant.decisions import Answer, Ask, read
from ai.assistant.rows import Agreement, Mode, Policy, Run, State
from ai.suggestions import State as Offered
from ai.suggestions import Suggestion
from helpdesk.clock import now
from helpdesk.engagements import Engagement
from helpdesk.events import DESK, ActorKind, Event, Kind
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.ports import Embedder
from helpdesk.ratings import Rating, Survey
from helpdesk.satisfaction.intervals import Interval, wilson
from helpdesk.scheduling import LATER

SAME = 0.6
"""Cosine of two answers from which they say the same. Of experts' answers (WixQA, TechQA) 75 and 64 % reach it with the
passage of the article that answers, 25 and 9 % with that of the nearest one that does not: so a share above one half is
counted too low rather than too high, and a line gets less than it deserves rather than more (docs/ai.md)."""
BATCH = 32
ENOUGH = 20
"""Compared answers before anything is offered."""
SUGGEST, ANSWER = 0.5, 0.8
"""What the lower end of the interval has to reach for each. In shadow, colleagues write in their own words, and `SAME`
sees 64 to 75 % of what agrees: one half stands for some 60 %. What is suggested they use or leave, which is seen nearly
always."""
DROPPED = 0.5
"""Where the upper end of the last ones falls below this, what was allowed is taken back."""
LAST = 40
BAD = 0.4
"""And where at least so large a share of the customers who rated it, by the lower end, were not satisfied."""


@dataclass(frozen=True)
class Record:
    """One policy since it has its mode: how many messages, how many it would have answered, how often it agreed."""

    seen: int
    answered: int
    agreement: Interval | None

    def may_become(self, mode: Mode) -> Mode | None:
        """What could be allowed next, as far as the numbers go."""
        wanted = {Mode.shadow: (Mode.suggest, SUGGEST), Mode.suggest: (Mode.answer, ANSWER)}.get(mode)
        if wanted is None or self.agreement is None or self.agreement.n < ENOUGH:
            return None
        return wanted[0] if self.agreement.low >= wanted[1] else None


async def record(session: AsyncSession, policy: Policy) -> Record:
    seen, answered, compared, agreed = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(Run.kind == "answer"),
                func.count().filter(Run.agreement.in_([Agreement.agreed, Agreement.differed])),
                func.count().filter(Run.agreement == Agreement.agreed),
            ).where(
                Run.policy_id == policy.id,
                Run.state == State.done,
                Run.mode.in_([Mode.shadow, Mode.suggest]),
            )
        )
    ).one()
    return Record(seen, answered, wilson(agreed, compared))


async def compare(session: AsyncSession, embedder: Embedder) -> int:
    """The next runs for which a colleague's answer has left; returns how many."""
    said = aliased(Message)
    reply = (
        select(said.id)
        .where(
            said.ticket_id == Run.ticket_id,
            said.id > Run.message_id,
            said.direction == Direction.outbound,
            said.author == ActorKind.agent,
            said.withdrawn_at.is_(None),
            said.side_id.is_(None),
            or_(said.delivery.is_(None), said.delivery.not_in([*LATER, Delivery.queued])),
        )
        .order_by(said.id)
        .limit(1)
        .correlate(Run)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Run, Message)
        .join(Message, Message.id == reply)
        .where(
            Run.state == State.done,
            Run.agreement.is_(None),
            Run.mode.in_([Mode.shadow, Mode.suggest]),
        )
        .order_by(Run.id)
        .limit(BATCH)
        .with_for_update(of=Run, skip_locked=True)
    )
    found = rows.all()
    for run, message in found:
        run.agreement = await judged(session, embedder, run, message)
        run.compared_id = message.id
    return len(found)


async def judged(session: AsyncSession, embedder: Embedder, run: Run, reply: Message) -> Agreement:
    decision = read(run.decision)
    if isinstance(decision, Ask):
        return Agreement.agreed if "?" in reply.text and len(reply.text) < 600 else Agreement.differed
    if not isinstance(decision, Answer):
        return Agreement.none
    if any(passage["title"].lower() in reply.text.lower() for passage in run.passages[:1]):
        return Agreement.agreed
    if await _same_article(session, run):
        return Agreement.agreed
    ours = " ".join(sentence.text for sentence in decision.sentences)
    vectors = await embedder.embed([ours[:2_000], reply.text[:2_000]])
    return Agreement.agreed if float(vectors[0] @ vectors[1]) >= SAME else Agreement.differed


async def _same_article(session: AsyncSession, run: Run) -> bool:
    """The colleague sent a suggested reply from the article that it would have quoted."""
    sentences = await session.scalar(
        select(Suggestion.sentences).where(
            Suggestion.message_id == run.message_id,
            or_(
                Suggestion.state == Offered.used,
                and_(Suggestion.state == Offered.edited, Suggestion.edit_distance < 0.5),
            ),
        )
    )
    articles = {c["article_id"] for s in sentences or [] for c in s.get("citations", [])}
    return bool(articles & {passage["article_id"] for passage in run.passages[:3]})


async def demote(session: AsyncSession) -> list[Policy]:
    """Takes back one step where colleagues go another way, or customers rate it badly. Somebody can allow it again."""
    taken_back: list[Policy] = []
    active = await session.scalars(
        select(Policy).where(Policy.mode.in_([Mode.suggest, Mode.answer])).with_for_update(skip_locked=True)
    )
    for policy in active:
        latest = await _latest_agreement(session, policy)
        rated = await bad_ratings(session, policy)
        drops = latest is not None and latest.n >= ENOUGH and latest.high < DROPPED
        if drops or (policy.mode is Mode.answer and rated and rated.n >= 10 and rated.low > BAD):
            was = policy.mode
            policy.mode = Mode.shadow if was is Mode.suggest else Mode.suggest
            policy.demoted_from, policy.mode_since = was, now()
            session.add(
                Event(
                    Kind.assistant_edited,
                    by=DESK,
                    about=policy,
                    was=was,
                    now=policy.mode,
                    because="agreement" if drops else "ratings",
                )
            )
            taken_back.append(policy)
    return taken_back


async def _latest_agreement(session: AsyncSession, policy: Policy) -> Interval | None:
    last = (
        select(Run.agreement)
        .where(
            Run.policy_id == policy.id,
            Run.agreement.in_([Agreement.agreed, Agreement.differed]),
            Run.created_at > policy.mode_since,
        )
        .order_by(Run.id.desc())
        .limit(LAST)
        .subquery()
    )
    n, agreed = (
        await session.execute(
            select(func.count(), func.count().filter(last.c.agreement == Agreement.agreed)).select_from(last)
        )
    ).one()
    return wilson(agreed, n)


async def bad_ratings(session: AsyncSession, policy: Policy) -> Interval | None:
    """Of customers whom the assistant answered and nobody else, since this policy answers: 1 and 2 of 5."""
    people = select(Message.id).where(
        Message.ticket_id == Rating.ticket_id,
        Message.direction == Direction.outbound,
        Message.author == ActorKind.agent,
    )
    ours = (
        select(Run.id)
        .join(Engagement, Engagement.id == Run.engagement_id)
        .where(
            Run.ticket_id == Rating.ticket_id,
            Run.policy_id == policy.id,
            Run.reply_id.is_not(None),
            Run.created_at > policy.mode_since,
        )
    )
    n, bad = (
        await session.execute(
            select(func.count(), func.count().filter(Rating.score <= 2)).where(
                Rating.kind == Survey.csat, Rating.score.is_not(None), ours.exists(), ~people.exists()
            )
        )
    ).one()
    return wilson(bad, n)
