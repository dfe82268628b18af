"""A knowledge base of its own within one transaction: temporary tables that hide the desk's, gone at its end."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ai.evaluation.sets import SetArticle
from helpdesk.ports import Embedder
from kb.articles import LONGEST_TITLE, Article
from kb.index import index, weigh_lexemes

TABLES = (
    "article",
    "article_version",
    "article_company",
    "chunk",
    "chunk_vector",
    "lexeme",
    "answer_level",
    "suggestion",
)


async def knowledge_of(session: AsyncSession, embedder: Embedder, articles: Sequence[SetArticle]) -> None:
    """For the rest of this transaction the knowledge base is these articles and nothing else.

    PostgreSQL looks into pg_temp first, so the desk's own search runs unchanged, and nobody waits for a lock.
    """
    for table in TABLES:
        await session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
        await session.execute(
            text(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
        )
    for start in range(0, len(articles), 20):
        batch = [
            Article.write(a.title[:LONGEST_TITLE], a.body, slug=a.id) for a in articles[start : start + 20]
        ]
        for article in batch:
            article.publish()
        session.add_all(batch)
        await session.flush()
        await index(session, embedder, *batch)
        session.expunge_all()
    await weigh_lexemes(session)
    for table in TABLES:
        await session.execute(text(f"ANALYZE {table}"))
