"""Four eyes: a colleague reads a text before it is published, and approves it or sends it back."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk import options
from helpdesk.access import Action, may
from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict, Forbidden, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.people import Agent, with_access
from helpdesk.texts import written
from kb.articles import Article, State
from kb.copies import WorkingCopy


class Decision(StrEnum):
    approved = "approved"
    sent_back = "sent_back"
    withdrawn = "withdrawn"


class Review(Row):
    """Open until somebody decides; an article has one open review at most."""

    __tablename__ = "article_review"
    __table_args__ = (
        Index("uq_article_review_open", "article_id", unique=True, postgresql_where=text("decision IS NULL")),
    )

    article_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    version: Mapped[int]
    revision: Mapped[int] = mapped_column(default=0, server_default="0")
    """Of the working copy that is to be read; 0 where the settled version is."""
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"), index=True)
    """Whoever may publish, where nobody is named."""
    question: Mapped[str] = mapped_column(default="", server_default="")
    decision: Mapped[Decision | None] = mapped_column(Choice(Decision))
    answer: Mapped[str] = mapped_column(default="", server_default="")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("agent.id"))
    decided_at: Mapped[datetime | None]


class ReviewMail(Row):
    """One mail to one colleague about a review: that they are asked, or what was decided."""

    __tablename__ = "article_review_mail"

    review_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("article_review.id", ondelete="CASCADE"), index=True
    )
    agent_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("agent.id", ondelete="CASCADE"), index=True)
    asks: Mapped[bool]
    """They are asked to read it; else they had asked."""
    mailed_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(default="", server_default="")
    """Why it has not left, in words."""


class AlreadyAsked(Conflict):
    message = _("Somebody was asked to read this article already.")


class NotAsked(Conflict):
    message = _("Nobody was asked to read this article, or it has been decided meanwhile.")


class ChangedSince(Conflict):
    message = _("The text was changed after you opened it. Read it again, then decide.")


class OwnWork(Invalid):
    message = _("Ask a colleague: whoever asks for a review does not decide it.")


async def open_one(session: AsyncSession, article: Article, *, lock: bool = False) -> Review | None:
    query = select(Review).where(Review.article_id == article.id, Review.decision.is_(None))
    return await session.scalar(query.with_for_update() if lock else query)


async def ask(
    session: AsyncSession, article: Article, *, by: Agent, reviewer: Agent | None, question: str = ""
) -> Review:
    """A colleague by name, or whoever may publish. `article` is locked."""
    if await open_one(session, article):
        raise AlreadyAsked
    if reviewer and reviewer.id == by.id:
        raise OwnWork
    if reviewer and not (reviewer.active and may(reviewer, Action.write_knowledge)):
        raise Invalid(_("This colleague may not write articles. Ask somebody else."))
    copy = await session.get(WorkingCopy, article.id)
    review = Review(
        article_id=article.id,
        version=article.version,
        revision=copy.revision if copy else 0,
        asked_by_id=by.id,
        reviewer_id=reviewer.id if reviewer else None,
        question=written(question)[:2000],
    )
    session.add(review)
    if article.state is State.draft:
        article.state = State.review
    await session.flush()
    asked = [reviewer] if reviewer else await _who_publishes(session, besides=by)
    mails = await _to_mail(session, review, asked, asks=True)
    _tell(session, article, "asked", by=by, reviewer=review.reviewer_id, mails=mails)
    return review


async def decide(
    session: AsyncSession,
    article: Article,
    decision: Decision,
    *,
    by: Agent,
    answer: str = "",
    seen: tuple[int, int] | None = None,
) -> Review:
    """`article` is locked. Who asked may only withdraw; others decide who were asked, or who may publish.

    `seen`: the version, and the revision of the working copy (0 without one), that was read. Raises ChangedSince
    where another text would be approved.
    """
    review = await open_one(session, article, lock=True)
    if review is None:
        raise NotAsked
    if decision is Decision.withdrawn:
        if by.id != review.asked_by_id and not may(by, Action.publish_knowledge):
            raise Forbidden
    elif by.id == review.asked_by_id:
        raise OwnWork
    elif by.id != review.reviewer_id and not may(by, Action.publish_knowledge):
        raise Forbidden
    if decision is Decision.sent_back and not answer.strip():
        raise Invalid(_("Say what is to be changed."))
    if decision is Decision.approved:
        copy = await session.get(WorkingCopy, article.id, with_for_update=True, populate_existing=True)
        stands = (article.version, copy.revision if copy else 0)
        if seen is not None and seen != stands:
            raise ChangedSince
        review.version, review.revision = stands
    review.decision, review.answer = decision, written(answer)[:2000]
    review.decided_by_id, review.decided_at = by.id, now()
    if article.state is State.review:
        article.state = State.draft
    await session.flush()
    asker = await session.get(Agent, review.asked_by_id) if review.asked_by_id else None
    mails = await _to_mail(session, review, [asker] if asker and asker.id != by.id else [], asks=False)
    _tell(session, article, decision.value, by=by, mails=mails)
    return review


async def end(session: AsyncSession, article: Article) -> None:
    """The question is settled by what happened."""
    if review := await open_one(session, article, lock=True):
        review.decision, review.decided_at = Decision.withdrawn, now()
        await session.flush()


async def latest(session: AsyncSession, article: Article) -> Review | None:
    return await session.scalar(
        select(Review).where(Review.article_id == article.id).order_by(Review.id.desc()).limit(1)
    )


async def let_through(session: AsyncSession, article: Article) -> bool:
    """Whether what would be published now may be: a colleague has approved it, or the desk asks for no approval."""
    if not (await options.load(session)).articles_reviewed:
        return True
    found, copy = await latest(session, article), await session.get(WorkingCopy, article.id)
    stands = (article.version, copy.revision if copy else 0)
    return (
        found is not None
        and found.decision is Decision.approved
        and (found.version, found.revision) == stands
    )


async def _who_publishes(session: AsyncSession, *, besides: Agent) -> list[Agent]:
    agents = await session.scalars(
        select(Agent).where(Agent.active, Agent.id != besides.id).options(*with_access()).order_by(Agent.id)
    )
    return [agent for agent in agents.unique() if may(agent, Action.publish_knowledge)]


async def _to_mail(
    session: AsyncSession, review: Review, agents: Sequence[Agent], *, asks: bool
) -> list[int]:
    """The numbers of the mails that are to be sent."""
    mails = [ReviewMail(review_id=review.id, agent_id=agent.id, asks=asks) for agent in agents]
    session.add_all(mails)
    await session.flush()
    return [mail.id for mail in mails]


def _tell(session: AsyncSession, article: Article, what: str, *, by: Actor, **data: Any) -> None:
    session.add(Event(Kind.article_reviewed, by=by, about=article, what=what, **data))
