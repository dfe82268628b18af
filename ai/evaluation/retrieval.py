"""Does the search find the article that answers?"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.intervals import share
from ai.evaluation.sets import Question, SetArticle
from helpdesk.ports import Embedder
from kb.articles import CUSTOMERS, Article
from kb.index import index, weigh_lexemes
from kb.search import search


async def evaluate_retrieval(
    session: AsyncSession, embedder: Embedder, articles: Sequence[SetArticle], questions: Sequence[Question]
) -> dict[str, Any]:
    """Hit@1 and hit@5 of the desk's own search; the caller rolls the session back."""
    await only(session, embedder, articles)
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
    hits = await search(session, embedder, question.text, audiences=CUSTOMERS, limit=10)
    places = [i for i, hit in enumerate(hits, 1) if hit.slug in question.articles]
    return places[0] if places else 0


async def only(session: AsyncSession, embedder: Embedder, articles: Sequence[SetArticle]) -> None:
    """The knowledge base holds these articles and nothing else, for the rest of this transaction."""
    await session.execute(delete(Article))
    for start in range(0, len(articles), 20):
        batch = [Article.write(a.title, a.body, slug=a.id) for a in articles[start : start + 20]]
        for article in batch:
            article.publish()
        session.add_all(batch)
        await session.flush()
        await index(session, embedder, *batch)
    await weigh_lexemes(session)
