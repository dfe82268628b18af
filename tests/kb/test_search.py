"""The search finds what answers, shows only what one may read, and knows changes at once."""

import numpy as np
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import OnnxEmbedder
from helpdesk.ports import Vectors
from kb.articles import Article, Audience
from kb.index import Chunk, ChunkVector, Lexeme, index_changed, weigh_lexemes
from kb.readers import Reader
from kb.search import search

ANYBODY = Reader.public()
TEXTS = {
    "Reset your password": "Open the sign-in page and choose *Forgot password*. We mail you a link for one hour.",
    "Refunds": "We pay back within 14 days. The money arrives on the card that was charged.",
    "Label printer shows PRT-09": "The printer has lost the wireless network. Hold the power key for ten seconds.",
    "Opening hours": "Our support answers on weekdays from nine to six, Berlin time.",
}


@pytest.fixture
async def articles(session: AsyncSession, model: OnnxEmbedder) -> dict[str, Article]:
    made = {title: Article.write(title, body) for title, body in TEXTS.items()}
    secret = Article.write("Goodwill limits", "Agents may refund up to 50 euro.", audience=Audience.internal)
    draft = Article.write("Refunds next year", "We will pay back within 30 days.")
    for article in [*made.values(), secret]:
        article.publish()
    session.add_all([*made.values(), secret, draft])
    await session.flush()
    assert await index_changed(session, model) == 5
    assert await index_changed(session, model) == 0
    await weigh_lexemes(session)
    return made


async def found(
    session: AsyncSession, model: OnnxEmbedder, question: str, reader: Reader = ANYBODY
) -> list[str]:
    return [hit.title for hit in await search(session, model, question, reader=reader)]


async def test_by_meaning(session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]) -> None:
    assert (await found(session, model, "I can't log in any more"))[0] == "Reset your password"
    assert (await found(session, model, "when do I get my money back"))[0] == "Refunds"


async def test_by_a_telling_word(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]
) -> None:
    (best, *_) = await search(session, model, "what is prt-09??", reader=ANYBODY)
    assert best.title == "Label printer shows PRT-09"
    assert best.lexical > 0
    assert "prt-09" in " ".join(best.reasons) or "prt" in " ".join(best.reasons)
    assert 0 < best.coverage <= 1
    assert best.best.position > 0


async def test_customers_never_find_internal_articles_or_drafts(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]
) -> None:
    question = "up to how many euro may agents refund as goodwill"
    assert "Goodwill limits" not in await found(session, model, question)
    assert (await found(session, model, question, Reader.agent()))[0] == "Goodwill limits"
    assert "Refunds next year" not in await found(session, model, "refunds next year", Reader.agent())
    assert await found(session, model, question, Reader()) == []


async def test_a_revised_article_is_found_by_its_new_text_only(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]
) -> None:
    article = articles["Opening hours"]
    article.revise(body="Write to us whenever you like, a zebra answers.")
    await session.flush()
    assert await index_changed(session, model) == 1
    (best, *_) = await search(session, model, "zebra", reader=ANYBODY)
    assert (best.title, best.version) == ("Opening hours", 2)
    texts = await session.scalars(
        select(Chunk.text).where(Chunk.article_id == article.id, Chunk.position > 0)
    )
    assert texts.all() == ["Write to us whenever you like, a zebra answers."]


async def test_an_article_taken_back_is_gone_at_once(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]
) -> None:
    articles["Refunds"].unpublish()
    await session.flush()
    assert "Refunds" not in await found(session, model, "refund")


@pytest.mark.parametrize(
    "question", ["", "   ", "'\\ & | ! :* <->", "\ud800".encode("utf-8", "replace").decode()]
)
async def test_any_question_is_a_question(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article], question: str
) -> None:
    assert isinstance(await search(session, model, question, reader=ANYBODY), list)


async def test_an_empty_knowledge_base_finds_nothing(session: AsyncSession, model: OnnxEmbedder) -> None:
    assert await search(session, model, "anything", reader=ANYBODY) == []


class Other:
    """A second model, of an unusual length."""

    name = "other@1"
    dimensions = 5

    async def embed(self, texts: list[str]) -> Vectors:
        vectors = np.random.default_rng(0).normal(size=(len(texts), 5)).astype(np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


async def test_a_second_model_grows_beside_the_first(
    session: AsyncSession, model: OnnxEmbedder, articles: dict[str, Article]
) -> None:
    """While the new model's vectors are made, the search goes on with the old one's."""
    before = await found(session, model, "refund")
    assert await index_changed(session, Other(), limit=2) == 2  # type: ignore[arg-type]
    assert await found(session, model, "refund") == before
    while await index_changed(session, Other(), limit=2):  # type: ignore[arg-type]
        pass
    counts = await session.scalars(
        select(func.count()).select_from(ChunkVector).group_by(ChunkVector.embedder)
    )
    both = counts.all()
    assert len(both) == 2
    assert both[0] == both[1]
    assert await search(session, Other(), "refund", reader=ANYBODY)  # type: ignore[arg-type]


async def test_rare_words_tell_more(session: AsyncSession, articles: dict[str, Article]) -> None:
    words = await session.scalars(select(Lexeme))
    idf = {word.word: word.idf for word in words}
    assert idf["berlin"] > idf["hour"] > 0  # one passage against two
