"""The questions of a run that were not done well, for people: what was asked, expected and said, and why.

What a customer wrote is shown to those only who may read the ticket.
"""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.rows import EvaluationCase
from helpdesk.access import is_visible
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from kb.articles import Article

LENGTH = 400
"""Characters of a question."""


@dataclass(frozen=True)
class Named:
    slug: str
    title: str


@dataclass(frozen=True)
class Failure:
    kind: str
    why: str
    question: str | None  # None: somebody else's ticket
    ticket: int | None
    expected: tuple[Named, ...]
    got: Named | None
    chance: float | None
    answered: bool


async def counts(session: AsyncSession, run_id: int) -> dict[str, int]:
    """How many of each reason."""
    rows = await session.execute(
        select(EvaluationCase.why, func.count())
        .where(EvaluationCase.run_id == run_id, EvaluationCase.why != "")
        .group_by(EvaluationCase.why)
    )
    return {row[0]: row[1] for row in rows}


async def of_run(
    session: AsyncSession, agent: Agent, run_id: int, *, why: str = "", start: int = 0, most: int = 30
) -> list[Failure]:
    """The surest mistakes first."""
    condition = EvaluationCase.why == why if why else EvaluationCase.why != ""
    rows = await session.execute(
        select(EvaluationCase, Ticket.number, func.left(Message.text, LENGTH))
        .outerjoin(Message, Message.id == EvaluationCase.message_id)
        .outerjoin(Ticket, (Ticket.id == Message.ticket_id) & is_visible(agent))
        .where(EvaluationCase.run_id == run_id, condition)
        .order_by(EvaluationCase.answered.desc(), EvaluationCase.chance.desc(), EvaluationCase.position)
        .offset(start)
        .limit(most)
    )
    found = rows.all()
    titles = await titles_of(session, {slug for case, _, _ in found for slug in [*case.expected, case.got]})
    return [failure(case, ticket, text, titles) for case, ticket, text in found]


def failure(case: EvaluationCase, ticket: int | None, text: str | None, titles: dict[str, str]) -> Failure:
    question = case.question[:LENGTH] if case.message_id is None else text if ticket else None
    return Failure(
        kind=case.kind,
        why=case.why,
        question=question,
        ticket=ticket,
        expected=tuple(Named(slug, titles.get(slug, slug)) for slug in case.expected),
        got=Named(case.got, titles.get(case.got, case.got)) if case.got else None,
        chance=case.chance,
        answered=case.answered,
    )


async def titles_of(session: AsyncSession, slugs: set[str]) -> dict[str, str]:
    """Of this desk's articles; a file's have none here."""
    rows = await session.execute(select(Article.slug, Article.title).where(Article.slug.in_(slugs)))
    return {row[0]: row[1] for row in rows}
