"""Passages a second that the index takes in, as the models' process does it: cut, embedded, written, words counted.

`real`: the articles of WixQA and TechQA, some of their words exchanged so that no two are the same; `made up`:
passages of the model's full 256 tokens, which real ones hardly ever are.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
from sqlalchemy import func, select

from ai.embedding import embedder
from helpdesk.database import committed
from helpdesk.desk import Desk
from kb.articles import Article
from kb.chunks import split
from kb.index import Chunk
from tests.bench.processes import cpu_ms
from tests.bench.words import texts, vocabulary
from tests.cluster import Cluster
from workers.indexing import Indexing

CORPORA = Path(__file__).parents[2] / "../shared/corpora/ai"
CHANGED = 0.15  # of an article's words
TOLD = 5.0  # seconds between two lines of progress


async def indexed(desk: Desk, cluster: Cluster, kind: str, wanted: int) -> dict[str, float]:
    """Prints, and returns, what it took; other articles are left as they are."""
    published = await _publish(desk, real() if kind == "real" else made_up(), wanted)
    before = await _passages(desk)
    application, database, began = time.process_time() * 1000, cpu_ms(cluster.postmaster), time.monotonic()
    working = asyncio.create_task(Indexing(desk, embedder(desk.settings)).everything())
    while not working.done():
        with suppress(TimeoutError):
            async with asyncio.timeout(TOLD):
                await asyncio.shield(working)
        print(
            f"  {await _passages(desk) - before} passages after {time.monotonic() - began:.0f} s", flush=True
        )
    await working
    wall = time.monotonic() - began
    made = await _passages(desk) - before
    application = time.process_time() * 1000 - application
    database = cpu_ms(cluster.postmaster) - database
    print(
        f"index, {kind}: {published} articles, {made} passages in {wall:.1f} s, {made / wall:.0f} a second; CPU ms "
        f"each {application / made:.1f} + {database / made:.1f} (database); 100,000 take "
        f"{wall / made * 100_000 / 60:.0f} min",
        flush=True,
    )
    return {"passages": made, "seconds": wall, "application": application / made, "database": database / made}


async def _passages(desk: Desk) -> int:
    async with desk.sessions() as session:
        return await session.scalar(select(func.count()).select_from(Chunk)) or 0


async def _publish(desk: Desk, articles: Iterator[tuple[str, str]], passages: int) -> int:
    made = published = 0
    async with committed(desk.sessions) as session:
        while made < passages:
            title, body = next(articles)
            article = Article.write(title, body)
            article.slug = uuid4().hex  # several notes have one title
            article.publish()
            session.add(article)
            made, published = made + 1 + len(split(body)), published + 1
    return published


def real() -> Iterator[tuple[str, str]]:
    """First as they are, in any order, then with other words again and again."""
    chance = random.Random(6)  # noqa: S311 - no secret
    found = [
        json.loads(line)
        for name in ("wixqa", "techqa")
        for line in (CORPORA / name / "articles.jsonl").read_text().splitlines()
    ]
    chance.shuffle(found)
    words = vocabulary()
    for again in count():
        for each in found:
            body = each["text"]
            if again:
                body = " ".join(
                    chance.choice(words) if chance.random() < CHANGED and part.isalpha() else part
                    for part in body.split(" ")
                )
            yield f"{titled(each['text'])} {again or ''}".strip(), body


def made_up() -> Iterator[tuple[str, str]]:
    pool, chance = texts(2000), np.random.default_rng(6)
    for number in count():
        parts = chance.choice(pool, (9, 2))
        body = "\n\n".join(f"## Part {i}\n\n{one}. {other}." for i, (one, other) in enumerate(parts))
        yield f"Measured {number} {chance.choice(pool)[:40]}", body


def titled(text: str) -> str:
    return text.split("\n", 1)[0].removeprefix("Title: ").removesuffix(" - United States")[:200]
