"""Mails to colleagues who are asked to read an article, or whose question was decided."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import i18n
from helpdesk.desk import Desk
from helpdesk.i18n import gettext
from helpdesk.people import Agent
from kb.articles import Article
from kb.reviews import Decision, Review, ReviewMail


@dataclass(frozen=True)
class Written:
    to: str
    subject: str
    text: str
    thread: str


async def written(session: AsyncSession, desk: Desk, row: ReviewMail) -> Written | None:
    """None where it is not needed any more: somebody has decided, or has left."""
    review = await session.get_one(Review, row.review_id)
    agent = await session.get_one(Agent, row.agent_id)
    if not agent.active or (row.asks and review.decision is not None):
        return None
    article = await session.get_one(Article, review.article_id)
    other = review.asked_by_id if row.asks else review.decided_by_id
    i18n.speak_to_colleague(agent.locale)
    who = await session.scalar(select(Agent.name).where(Agent.id == other)) or gettext("A colleague")
    words = {"who": who, "title": article.title or gettext("Untitled")}
    said = review.question if row.asks else review.answer
    parts = [_told(row, review) % words, said, f"{desk.settings.url}/knowledge/{article.slug}"]
    return Written(
        agent.email,
        gettext("Article: %(title)s") % words,
        "\n\n".join(part for part in parts if part),
        f"article.{article.id}.review.{agent.id}",
    )


def _told(row: ReviewMail, review: Review) -> str:
    if row.asks:
        return gettext("%(who)s asks you to read “%(title)s” before it is published.")
    if review.decision is Decision.approved:
        return gettext("%(who)s has read “%(title)s” and approves it.")
    if review.decision is Decision.sent_back:
        return gettext("%(who)s has read “%(title)s” and asks for changes.")
    return gettext("%(who)s has taken back the question about “%(title)s”.")
