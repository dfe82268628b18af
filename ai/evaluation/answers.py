"""Does the desk answer when it can, and keep silent when it cannot?"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ai.answerability import features, gate
from ai.evaluation.intervals import auroc, share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, SetArticle
from ai.levels import Level, measure
from helpdesk.ports import Embedder
from kb.articles import CUSTOMERS
from kb.search import Hit, search

ANSWERABLE, NEAR_MISS, IMPOSSIBLE, OFF_DOMAIN = "answerable", "near_miss", "impossible", "off_domain"
KINDS = (ANSWERABLE, NEAR_MISS, IMPOSSIBLE, OFF_DOMAIN)


@dataclass(frozen=True)
class Case:
    """One question as the gate sees it."""

    kind: str
    question: str
    article: str  # the one that answers, for splitting by article; "" where none does
    right: bool  # the best hit is an article that answers
    features: tuple[float, ...]
    chance: float
    answered: bool  # the desk would offer a draft


async def evaluate_answers(
    session: AsyncSession,
    embedder: Embedder,
    articles: Sequence[SetArticle],
    questions: Sequence[Question],
    *,
    strangers: Sequence[str] = (),
) -> dict[str, Any]:
    """Coverage and false answers of the shipped gate, at the level that these articles ask for.

    Near misses are the answerable questions again with their articles taken out of the results; strangers are
    questions of another trade."""
    await knowledge_of(session, embedder, articles)
    level = await measure(session, embedder)
    cases = await cases_of(session, embedder, questions, level, strangers=strangers)
    return {
        "articles": len(articles),
        "threshold": level.threshold,
        "closeness": level.closeness,
        **summary(cases),
        "embedder": embedder.name,
    }


def summary(cases: Sequence[Case]) -> dict[str, Any]:
    answered = {kind: [case.answered for case in cases if case.kind == kind] for kind in KINDS}
    given = [case for case in cases if case.kind == ANSWERABLE and case.answered]
    right = [case.chance for case in cases if case.kind == ANSWERABLE]
    wrong = [case.chance for case in cases if case.kind != ANSWERABLE]
    return {
        "answered": share(sum(answered[ANSWERABLE]), len(answered[ANSWERABLE])),
        "answered_from_the_right_article": share(sum(case.right for case in given), len(given)),
        "false_answers": {
            kind: share(sum(answered[kind]), len(answered[kind])) for kind in KINDS[1:] if answered[kind]
        },
        "auroc": round(auroc(right, wrong), 4) if right and wrong else None,
    }


async def cases_of(
    session: AsyncSession,
    embedder: Embedder,
    questions: Sequence[Question],
    level: Level,
    *,
    strangers: Sequence[str] = (),
) -> list[Case]:
    """Of the articles that the session has now."""
    cases = []
    for question in questions:
        hits = await found(session, embedder, question.text)
        cases.append(case_of(ANSWERABLE if question.articles else IMPOSSIBLE, question, hits, level))
        if question.articles:
            others = [hit for hit in hits if hit.slug not in question.articles]
            cases.append(case_of(NEAR_MISS, question, others, level))
    strange = [(Question("", text, ()), await found(session, embedder, text)) for text in strangers]
    return cases + [case_of(OFF_DOMAIN, question, hits, level) for question, hits in strange]


async def found(session: AsyncSession, embedder: Embedder, text: str) -> list[Hit]:
    return await search(session, embedder, text, audiences=CUSTOMERS, limit=12)


def case_of(kind: str, question: Question, hits: Sequence[Hit], level: Level) -> Case:
    chance = gate().chance(hits)
    return Case(
        kind=kind,
        question=question.text,
        article=question.articles[0] if question.articles else "",
        right=bool(hits) and hits[0].slug in question.articles,
        features=features(hits) if hits else (0.0,) * 7,
        chance=chance,
        answered=level.lets_through(chance, hits),
    )


def drawn(texts: Sequence[str], n: int, *, seed: int = 1) -> list[str]:
    return random.Random(seed).sample(list(texts), min(n, len(texts)))  # noqa: S311 - a sample, no secret
