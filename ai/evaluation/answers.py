"""Does the desk answer when it can, and keep silent when it cannot?"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ai.answerability import FEATURES, features
from ai.assistant.deciding import equally_near
from ai.evaluation.curves import area, at_coverage, risk_curve, thinned
from ai.evaluation.intervals import auroc, share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, SetArticle
from ai.levels import Level, level, measure
from helpdesk.ports import Embedder
from kb.readers import Reader
from kb.search import Hit, search

ANSWERABLE, NEAR_MISS, IMPOSSIBLE, OFF_DOMAIN = "answerable", "near_miss", "impossible", "off_domain"
KINDS = (ANSWERABLE, NEAR_MISS, IMPOSSIBLE, OFF_DOMAIN)
COVERAGE = 0.6
"""Of the answerable, at which false answers are compared between help centres and models."""
FOUND = 12

Told = Callable[[int, int], Awaitable[None]]
"""How many of how many are done."""


@dataclass(frozen=True)
class Case:
    """One question as the gate sees it."""

    kind: str
    question: str
    article: str  # the one that answers, for splitting by article; "" where none does
    right: bool  # the best hit is an article that answers
    features: tuple[float, ...]
    chance: float
    answered: bool  # it would be answered without anybody reading it first
    drafted: bool = False  # an agent would get a draft
    asked: bool = False  # the assistant would ask whether this is what is meant
    offered: bool = False  # and one that answers would be among what it offers
    id: str = ""
    expected: tuple[str, ...] = ()
    got: str = ""
    shared: tuple[str, ...] = ()  # words that question and best article have in common
    message_id: int | None = None

    @property
    def is_well(self) -> bool:
        """The right answer, or silence where there is none."""
        return self.answered and self.right if self.kind == ANSWERABLE else not self.answered


async def evaluate_answers(
    session: AsyncSession,
    embedder: Embedder,
    articles: Sequence[SetArticle],
    questions: Sequence[Question],
    *,
    strangers: Sequence[str] = (),
    without_gold: bool = False,
) -> tuple[dict[str, Any], list[Case]]:
    """Coverage and false answers of the shipped gate, at the levels that these articles ask for.

    Near misses are the answerable questions again with their articles taken out of the results; strangers are
    questions of another trade. `without_gold`: only near misses and strangers, so that every answer is a false one."""
    await knowledge_of(session, embedder, articles)
    await measure(session, embedder)
    alone = await level(session, embedder, alone=True)
    draft = await level(session, embedder)
    cases = await cases_of(session, embedder, questions, alone, draft, strangers=strangers)
    if without_gold:
        cases = [case for case in cases if case.kind != ANSWERABLE]
    told = {
        "articles": len(articles),
        "threshold": alone.threshold,
        **summary(cases),
        "drafts": {"threshold": draft.threshold, **shares(cases, lambda case: case.drafted)},
        "embedder": embedder.name,
    }
    return told, cases


def summary(cases: Sequence[Case]) -> dict[str, Any]:
    chances = {kind: [case.chance for case in cases if case.kind == kind] for kind in KINDS}
    right, wrong = chances[ANSWERABLE], [p for kind in KINDS[1:] for p in chances[kind]]
    told = shares(cases, lambda case: case.answered)
    told["asked_back"] = asked_back(cases)
    if right and wrong:
        at = at_coverage(right, COVERAGE)
        told["false_answers_at_60_percent"] = {
            kind: share(sum(p >= at for p in chances[kind]), len(chances[kind]))
            for kind in KINDS[1:]
            if chances[kind]
        }
        told["auroc"] = round(auroc(right, wrong), 4)
        told["auroc_by_kind"] = {
            kind: round(auroc(right, chances[kind]), 4) for kind in KINDS[1:] if chances[kind]
        }
        told["aurc"] = area(risk_curve([c.chance for c in cases], [c.right for c in cases]))
    return told


def asked_back(cases: Sequence[Case]) -> dict[str, Any]:
    """How often the assistant asks instead, and how often the customer can say yes."""
    told: dict[str, Any] = {}
    for kind in KINDS:
        if some := [case for case in cases if case.kind == kind]:
            told[kind] = share(sum(case.asked for case in some), len(some))
    if asked := [case for case in cases if case.kind == ANSWERABLE and case.asked]:
        told["with_the_right_article"] = share(sum(case.offered for case in asked), len(asked))
    return told


def shares(cases: Sequence[Case], answers: Callable[[Case], bool]) -> dict[str, Any]:
    """What is answered, from where, and what falsely; of kinds that were asked."""
    answered = {kind: [answers(case) for case in cases if case.kind == kind] for kind in KINDS}
    given = [case for case in cases if case.kind == ANSWERABLE and answers(case)]
    told: dict[str, Any] = {}
    if answered[ANSWERABLE]:
        told["answered"] = share(sum(answered[ANSWERABLE]), len(answered[ANSWERABLE]))
        told["answered_from_the_right_article"] = share(sum(case.right for case in given), len(given))
        told["over_refusal"] = share(
            sum(not each for each in answered[ANSWERABLE]), len(answered[ANSWERABLE])
        )
    told["false_answers"] = {
        kind: share(sum(answered[kind]), len(answered[kind])) for kind in KINDS[1:] if answered[kind]
    }
    return told


def curve_of(cases: Sequence[Case]) -> list[tuple[float, float]]:
    return thinned(risk_curve([case.chance for case in cases], [case.right for case in cases]))


async def cases_of(
    session: AsyncSession,
    embedder: Embedder,
    questions: Sequence[Question],
    alone: Level,
    draft: Level | None = None,
    *,
    strangers: Sequence[str] = (),
    tell: Told | None = None,
) -> list[Case]:
    """Of the articles that the session has now; a question of which nothing is known but its text is a stranger."""
    cases: list[Case] = []
    every = [*questions, *(Question(f"stranger {i}", text, ()) for i, text in enumerate(strangers, 1))]
    for number, question in enumerate(every):
        hits = await found(session, embedder, question.text)
        strange = number >= len(questions)
        kind = ANSWERABLE if question.articles else OFF_DOMAIN if strange else IMPOSSIBLE
        cases.append(case_of(kind, question, hits, alone, draft))
        if question.articles:
            others = [hit for hit in hits if hit.slug not in question.articles]
            cases.append(case_of(NEAR_MISS, question, others, alone, draft))
        if tell:
            await tell(number + 1, len(every))
    return cases


async def found(session: AsyncSession, embedder: Embedder, text: str) -> list[Hit]:
    return await search(session, embedder, text, reader=Reader.public(), limit=FOUND)


def case_of(
    kind: str, question: Question, hits: Sequence[Hit], alone: Level, draft: Level | None = None
) -> Case:
    chance = alone.chance(hits)
    answered = alone.lets_through(chance, hits)
    return Case(
        kind=kind,
        question=question.text,
        article=question.articles[0] if question.articles else "",
        right=kind == ANSWERABLE and bool(hits) and hits[0].slug in question.articles,
        features=features(hits) if hits else (0.0,) * len(FEATURES),
        chance=chance,
        answered=answered,
        drafted=(draft or alone).lets_through(chance, hits),
        asked=bool(hits) and not answered and alone.is_worth_asking(chance),
        offered=any(hit.slug in question.articles for hit in equally_near(hits)),
        id=question.id,
        expected=question.articles if kind == ANSWERABLE else (),
        got=hits[0].slug if hits else "",
        shared=tuple(hits[0].reasons) if hits else (),
        message_id=question.message_id,
    )


def drawn(texts: Sequence[str], n: int, *, seed: int = 1) -> list[str]:
    return random.Random(seed).sample(list(texts), min(n, len(texts)))  # noqa: S311 - a sample, no secret
