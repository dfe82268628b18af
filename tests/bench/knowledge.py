"""python -m tests.bench.knowledge [--passages 100000] [--times 200] [--index 2000]: a large knowledge base.

Prints CPU milliseconds of one search (the embedding of the question, the application and the database apart), its
wall time's median and 95th percentile of one client, how long the statement takes by its own account, and how many
passages a second the index takes in, cut, embedded and written, as the models' process does it
(tests/bench/indexing.py; `--index` is how many, `--times 0` leaves out the search, `--passages 0`
begins with an empty index).

Texts are made of a vocabulary as skewed as a language; vectors lie around those of five hundred real sentences, since
vectors without any order would make the graph look worse than it is, and identical ones better.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psycopg
from sqlalchemy import text

from ai.embedding import OnnxEmbedder, embedder
from ai.embedding.export import export
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.embedded.server import SUPERUSER
from helpdesk.ports import Vectors
from helpdesk.settings import Settings
from kb.chunks import CUTTING
from kb.index import weigh_lexemes
from kb.readers import Reader
from kb.search import Asked, scores_sql, search
from tests.bench.indexing import indexed
from tests.bench.processes import cpu_ms
from tests.bench.words import texts
from tests.cluster import Cluster

EACH = 8  # passages of an article
QUESTIONS = ("I was charged twice for the seat of my workshop", "label printer offline again after the calendar sync",
    "how do I export the report of my customers", "cannot find the login for the mobile app, password reset never came",
    "refund for a card payment that failed yesterday with an error message")  # fmt: skip


def fill(url: str, passages: int, model: OnnxEmbedder) -> None:
    """Straight into the tables; their indexes are made afterwards, as after an import."""
    chance = random.Random(5)  # noqa: S311 - no secret
    pool = texts(20_000)
    sentences = [" ".join(each.split()[:25]) for each in pool[:500]]
    around = model.embed_now(sentences)
    numbers = np.random.default_rng(5)
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        indexes = cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE indexname LIKE 'ix_chunk%'"
        ).fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        articles = passages // EACH
        cursor.execute(
            "INSERT INTO article (slug, title, body, state, audience, version, indexed_version, "
            "indexed_cutting, updated_at) "
            "SELECT 'a' || n, 'Article ' || n, '', 'published', "
            "CASE WHEN n %% 10 = 0 THEN 'internal' ELSE 'public' END, 1, 1, %s, now() FROM generate_series(1, %s) AS n",
            (CUTTING, articles),
        )
        ids = [row[0] for row in cursor.execute("SELECT id FROM article ORDER BY id").fetchall()]
        with cursor.copy(
            "COPY chunk (article_id, version, position, title, path, text, stemmer) FROM STDIN"
        ) as copy:
            for id_ in ids:
                title = " ".join(chance.choice(pool).split()[:7])
                copy.write_row((id_, 1, 0, title, "", "", "english"))
                for position in range(1, EACH + 1):
                    words = (chance.choice(pool) + " " + chance.choice(pool)).split()[:110]
                    copy.write_row((id_, 1, position, title, "", " ".join(words), "english"))
        chunks = [row[0] for row in cursor.execute("SELECT id FROM chunk ORDER BY id").fetchall()]
        with cursor.copy("COPY chunk_vector (chunk_id, embedder, precision, embedding) FROM STDIN") as copy:
            for start in range(0, len(chunks), 1000):
                part = chunks[start : start + 1000]
                made = vectors_near(around, numbers, len(part))
                for id_, vector in zip(part, made, strict=True):
                    copy.write_row(
                        (id_, model.name, "int8", "[" + ",".join(f"{x:.4f}" for x in vector) + "]")
                    )
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for name, definition in indexes:
            began = time.monotonic()
            cursor.execute(definition)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        cursor.execute("VACUUM ANALYZE article, chunk, chunk_vector")


def vectors_near(around: Vectors, numbers: np.random.Generator, count: int) -> Vectors:
    one, other = (around[numbers.integers(0, len(around), count)] for _ in range(2))
    share = numbers.uniform(0.2, 0.8, (count, 1))
    mixed = share * one + (1 - share) * other + numbers.normal(0, 0.02, (count, around.shape[1]))
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


async def searched(desk: Desk, cluster: Cluster, model: OnnxEmbedder, questions: Sequence[str]) -> None:
    walls, embedding, statements = [], 0.0, []
    used = {"application": -time.process_time() * 1000, "database": -cpu_ms(cluster.postmaster)}
    for question in questions:
        began = time.perf_counter()
        async with desk.sessions() as session:
            await search(session, model, question, reader=Reader.public(), limit=8)
        walls.append((time.perf_counter() - began) * 1000)
    used["application"] += time.process_time() * 1000
    used["database"] += cpu_ms(cluster.postmaster)
    for question in questions[:20]:
        began = time.thread_time()
        model.embed_now([question])
        embedding += (time.thread_time() - began) * 1000
        statements.append(await explained(desk, model, question))
    n = len(questions)
    print(f"search: wall median {statistics.median(walls):.0f} ms, p95 {np.percentile(walls, 95):.0f} ms")
    print(
        f"  CPU: application {used['application'] / n:.1f} ms, of which embedding {embedding / min(20, n):.1f} ms;"
    )
    print(
        f"  database {used['database'] / n:.1f} ms; the statement that scores {statistics.median(statements):.0f} ms"
    )


async def explained(desk: Desk, model: OnnxEmbedder, question: str, *, told: bool = False) -> float:
    """Milliseconds of the statement that scores, as PostgreSQL measures them."""
    async with desk.sessions() as session:
        asked = await Asked.of(session, model, question, locale="en")
        query = "EXPLAIN (ANALYZE, BUFFERS) " + scores_sql(len(asked.vector), Reader.public())
        plan = [row[0] for row in await session.execute(text(query), asked.parameters)]
    if told:
        print("\n".join(plan))
    return float(next(line for line in plan if "Execution Time" in line).split()[-2])


async def asked_about(
    desk: Desk, cluster: Cluster, url: str, model: OnnxEmbedder, given: argparse.Namespace
) -> None:
    began = time.monotonic()
    async with committed(desk.sessions) as session:
        print(f"words: {await weigh_lexemes(session)} in {time.monotonic() - began:.1f} s", flush=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE lexeme")
    times = given.times
    pool = [" ".join(each.split()[: 5 + i % 30]) for i, each in enumerate(texts(20_000)[-max(times, 20) :])]
    asked = [*QUESTIONS, *pool][: max(times, 5)]
    await searched(desk, cluster, model, asked[:10])  # warm
    await searched(desk, cluster, model, asked)
    if given.plan:
        await explained(desk, model, asked[0], told=True)


async def measure(cluster: Cluster, given: argparse.Namespace, home: Path) -> None:
    settings = Settings(home=home)
    export(settings)
    model = embedder(settings, threads=2)
    name = cluster.clone()
    fill(cluster.url(name, SUPERUSER), given.passages, model)
    desk = Desk.open(settings, cluster.url(name))
    if given.times:
        await asked_about(desk, cluster, cluster.url(name, SUPERUSER), model, given)
    for kind in ("real", "made up"):
        await indexed(desk, cluster, kind, given.index)
    await desk.close()
    cluster.drop(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument(
        "--index", type=int, default=1000, help="passages of each kind whose indexing is timed"
    )
    parser.add_argument("--plan", action="store_true", help="print the plan of one search")
    options = parser.parse_args()
    with Cluster.running() as cluster, tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(cluster, options, Path(home)))


if __name__ == "__main__":
    main()
