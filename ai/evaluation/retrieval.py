"""Does the search find the article that answers?"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intervals import share
from ai.evaluation.sandbox import knowledge_of
from ai.evaluation.sets import Question, SetArticle
from helpdesk.ports import Embedder
from kb.readers import Reader
from kb.search import search


async def evaluate_retrieval(
    session: AsyncSession, embedder: Embedder, articles: Sequence[SetArticle], questions: Sequence[Question]
) -> dict[str, Any]:
    """Hit@1 and hit@5 of the desk's own search, on temporary tables."""
    await knowledge_of(session, embedder, articles)
    answerable = [question for question in questions if question.articles]
    ranks = [await rank(session, embedder, question) for question in answerable]
    return {
        "articles": len(articles),
        "questions": len(questions),
        "hit@1": share(sum(r == 1 for r in ranks), len(ranks)),
        "hit@5": share(sum(0 < r <= 5 for r in ranks), len(ranks)),
        "mrr": round(sum(1 / r for r in ranks if r) / len(ranks), 4) if ranks else None,
        "embedder": embedder.name,
    }


async def rank(session: AsyncSession, embedder: Embedder, question: Question) -> int:
    """Place of the first right article among ten, 0 where none is."""
    hits = await search(session, embedder, question.text, reader=Reader.public(), limit=10)
    places = [i for i, hit in enumerate(hits, 1) if hit.slug in question.articles]
    return places[0] if places else 0
