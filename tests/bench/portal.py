"""python -m tests.bench.portal [--passages 100000] [--times 30] [--plans]: a help centre with 12,500 articles.

Four brands (all twelve collections, three, and one), articles in three languages, for everybody, for customers, for
companies and for colleagues, in nested categories of which one holds thousands. Prints for each page how often it asks
the database and how many buffers that touches, CPU milliseconds of application and database, and the median and 95th
percentile of one client by the clock; `--plans` prints the plans that touch most. Nothing is kept by the browser,
unless that is what is measured.
"""

import argparse
import asyncio
import gc
import hashlib
import random
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from sqlalchemy import event

from ai.embedding import embedder
from ai.embedding.export import export
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.embedded.server import SUPERUSER
from helpdesk.settings import Settings
from kb import serving
from kb.index import weigh_lexemes
from tests.bench.knowledge import fill
from tests.bench.processes import cpu_ms
from tests.bench.words import texts
from tests.cluster import Cluster
from tests.web.served import served

SESSION = "a-session-for-benchmarks-nothing-else"
COMPANIES, COLLECTIONS = 40, 12

LANGUAGES = """
UPDATE article SET locale = CASE WHEN id % 5 = 3 THEN 'de' WHEN id % 5 = 4 THEN 'ar' ELSE 'en' END,
    source_id = CASE WHEN id % 5 IN (3, 4) AND id - id % 5 > 0 THEN id - id % 5 END
"""
SHELVED = """
UPDATE article SET title = titled.title, body = titled.body, published_at = now() - article.id * interval '10 minutes',
    updated_at = now() - article.id * interval '7 minutes', category_id = titled.category_id, audience = titled.audience
FROM titled WHERE titled.id = article.id
"""


def shelve(url: str) -> None:
    """Of passages that stand for themselves articles, on shelves, for somebody."""
    chance = random.Random(7)  # noqa: S311 - no secret
    pool = texts(20_000)
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        ids = [row[0] for row in cursor.execute("SELECT id FROM article ORDER BY id").fetchall()]
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "INSERT INTO collection (name, slug, description, position) "
            "SELECT 'Collection ' || n, 'collection-' || n, 'What there is to know about it.', n "
            "FROM generate_series(1, %s) n",
            (COLLECTIONS,),
        )
        # Of each collection twelve categories, eleven within them, six within those.
        for parent, count in (("NULL", 12), ("top", 11), ("middle", 6)):
            cursor.execute(_categories(parent, count))
        shelves = [row[0] for row in cursor.execute("SELECT id FROM article_category ORDER BY id").fetchall()]
        cursor.execute(
            "INSERT INTO company (name, fields) SELECT 'Company ' || n, '{}' FROM generate_series(1, %s) n",
            (COMPANIES,),
        )
        cursor.execute(
            "CREATE TEMP TABLE titled (id bigint PRIMARY KEY, title text, body text, category_id bigint, audience text)"
        )
        with cursor.copy("COPY titled FROM STDIN") as copy:
            for id_ in ids:
                paragraphs = "\n\n".join(
                    f"## {' '.join(chance.choice(pool).split()[:5])}\n\n{chance.choice(pool)}"
                    for _ in range(8)
                )
                kind = chance.choices(
                    ("public", "customers", "companies", "internal"), weights=(70, 12, 8, 10)
                )[0]
                shelf = shelves[0] if chance.random() < 0.25 else chance.choice(shelves)
                title = " ".join(chance.choice(pool).split()[:7]).capitalize()
                copy.write_row((id_, title, paragraphs, shelf, kind))
        cursor.execute(SHELVED)
        cursor.execute(LANGUAGES)
        cursor.execute(
            "INSERT INTO article_company (article_id, company_id) "
            "SELECT article.id, company.id FROM article JOIN company ON (article.id + company.id) % 13 = 0 "
            "WHERE audience = 'companies'"
        )
        cursor.execute(
            "INSERT INTO article_day (article_id, day, views) SELECT id, current_date - d, 1 + (id * d) % 9 "
            "FROM article, generate_series(0, 29) d WHERE id % 2 = 0"
        )
        _brands(cursor)
        cursor.execute("RESET session_replication_role")
        cursor.execute("VACUUM ANALYZE")


def _categories(parent: str, count: int) -> str:
    if parent == "NULL":
        above = "SELECT id AS collection_id, NULL::bigint AS id FROM collection"
    elif parent == "top":
        above = "SELECT collection_id, id FROM article_category WHERE parent_id IS NULL AND position <= 2"
    else:
        above = "SELECT collection_id, id FROM article_category WHERE parent_id IS NOT NULL AND position <= 2"
    return (
        "INSERT INTO article_category (collection_id, parent_id, name, slug, position) "
        "SELECT above.collection_id, above.id, 'Category ' || n, "
        f"'{parent.lower()}-' || coalesce(above.id, 0) || '-' || n, n "
        f"FROM ({above}) above, generate_series(1, {count}) n"
    )


def _brands(cursor: psycopg.Cursor) -> None:
    brands = (
        ("Lumen", "{}", True),
        ("Acme", "{3}", False),
        ("Nord", "{1,4,5}", False),
        ("Sud", "{7}", False),
    )
    for name, shown, first in brands:
        cursor.execute(
            "INSERT INTO help_centre (name, slug, active, is_default, languages, collection_ids) "
            "VALUES (%s, lower(%s) || '-help', true, %s, '{en,de,ar}', %s)",
            (name, name, first, shown),
        )
    cursor.execute("INSERT INTO contact (name, company_id) SELECT 'Marta', min(id) FROM company RETURNING id")
    row = cursor.fetchone()
    assert row
    cursor.execute(
        "INSERT INTO contact_identity (contact_id, kind, value, proof) "
        "VALUES (%s, 'email', 'marta@lumen.example', 'authenticated') "
        "RETURNING id",
        row,
    )
    identity = cursor.fetchone()
    assert identity
    cursor.execute(
        "INSERT INTO portal_session (id, help_centre_id, identity_id, created_at, last_seen_at, expires_at) "
        "SELECT %s, id, %s, now(), now(), now() + interval '30 days' FROM help_centre WHERE is_default",
        (hashlib.sha256(SESSION.encode()).digest(), identity[0]),
    )


def pages(url: str) -> dict[str, tuple[str, bool]]:
    """What is measured → its path, and whether somebody has signed in."""
    with psycopg.connect(url) as connection:
        public = connection.execute(
            "SELECT slug FROM article WHERE audience = 'public' AND locale = 'en' AND category_id > 20 "
            "ORDER BY id LIMIT 1"
        ).fetchone()
        theirs = connection.execute(
            "SELECT slug FROM article JOIN article_company ON article_id = article.id "
            "WHERE company_id = (SELECT min(id) FROM company) AND locale = 'en' ORDER BY article.id LIMIT 1"
        ).fetchone()
        large = connection.execute("SELECT slug FROM article_category ORDER BY id LIMIT 1").fetchone()
    assert public
    assert theirs
    assert large
    category = f"/help/collections/collection-1/{large[0]}"
    return {
        "home": ("/help", False),
        "home, in Arabic": ("/help/ar", False),
        "home, signed in": ("/help", True),
        "home of a brand with three of twelve collections": ("/help/nord-help", False),
        "collection": ("/help/collections/collection-1", False),
        "collection, signed in": ("/help/collections/collection-1", True),
        "category of thousands": (category, False),
        "the same, page 8": (f"{category}?part=8", False),
        "article": (f"/help/articles/{public[0]}", False),
        "article of their company, signed in": (f"/help/articles/{theirs[0]}", True),
        "as one types": ("/help/offers?q=refund%20for%20card", False),
        "as one types, signed in": ("/help/offers?q=refund%20for%20card", True),
        "search": ("/help/search?q=label%20printer%20offline%20again", False),
        "sitemap, index": ("/help/sitemap.xml", False),
        "sitemap, one map": ("/help/sitemap.xml?part=1", False),
        "sitemap of a brand with one collection": ("/help/acme-help/sitemap.xml", False),
        "feed": ("/help/feed", False),
        "feed, nothing new": ("/help/feed#304", False),
    }


Asked = list[tuple[str, Any]]


@contextmanager
def listened(desk: Desk) -> Iterator[Asked]:
    seen: Asked = []

    def heard(_c: Any, _cur: Any, statement: str, given: Any, _context: Any, _many: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
            seen.append((statement, given))

    engine = desk.engine.sync_engine
    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", heard)


async def explained(desk: Desk, statement: str, given: Any) -> tuple[int, float, str]:
    """Buffers, milliseconds, and the plan; what it changes is taken back."""
    async with desk.engine.connect() as connection:
        rows = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, SETTINGS) {statement}", given)
        plan = "\n".join(row[0] for row in rows)
        await connection.rollback()
    first = next(line for line in plan.splitlines() if "Buffers: shared" in line)
    buffers = sum(int(n) for n in re.findall(r"(?:hit|read)=(\d+)", first))
    return buffers, float(re.findall(r"Execution Time: ([\d.]+)", plan)[0]), plan


async def measured(
    desk: Desk, cluster: Cluster, client: httpx.AsyncClient, given: argparse.Namespace, url: str
) -> None:
    print("| page | KB | statements | buffers | CPU ms, application + database | median ms | p95 ms |")
    print("|---|---|---|---|---|---|---|")
    worst: list[tuple[int, str, str]] = []
    for name, (path, known) in pages(url).items():
        headers = {"cookie": f"customer={SESSION}"} if known else {}
        headers["accept"] = "text/html"
        path, _sep, same = path.partition("#")
        if same:
            headers["if-none-match"] = (await client.get(path)).headers["etag"]

        async def ask(path: str = path, headers: dict[str, str] = headers) -> int:
            answer = await client.get(path, headers=headers)
            assert answer.status_code in {200, 304}, (path, answer.status_code, answer.text[:300])
            return len(answer.content)

        await ask()
        with listened(desk) as asked:
            size = await ask()
        buffers = 0
        for statement, values in list(asked):
            touched, ms, plan = await explained(desk, statement, values)
            buffers += touched
            worst.append((touched, name, f"{ms:.1f} ms, {touched} buffers\n{statement[:1500]}\n{plan}"))
        print(
            f"| {name} | {size / 1024:.0f} | {len(asked)} | {buffers:,} | {await timed(ask, cluster, given.times)} |",
            flush=True,
        )
    if given.plans:
        for _touched, name, plan in sorted(worst, reverse=True)[: given.plans]:
            print(f"\n### {name}: {plan}")


async def timed(ask: Callable[[], Awaitable[int]], cluster: Cluster, times: int) -> str:
    walls = []
    application, database = time.process_time(), cpu_ms(cluster.postmaster)
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        walls.append((time.perf_counter() - began) * 1000)
    application = (time.process_time() - application) * 1000 / times
    database = (cpu_ms(cluster.postmaster) - database) / times
    p95 = statistics.quantiles(walls, n=20)[-1]
    return f"{application:.1f} + {database:.1f} | {statistics.median(walls):.0f} | {p95:.0f}"


async def measure(cluster: Cluster, given: argparse.Namespace, home: Path) -> None:
    settings = Settings(home=home, secret=SESSION, log_level="error")
    export(settings)
    model = embedder(settings, threads=2)
    name = cluster.clone()
    url = cluster.url(name, SUPERUSER)
    fill(url, given.passages, model)
    shelve(url)
    desk = Desk.open(settings, cluster.url(name))
    async with committed(desk.sessions) as session:
        await weigh_lexemes(session)
        await serving.want(session, model)
    async with (
        served(desk) as (_app, address, _server),
        httpx.AsyncClient(base_url=address, timeout=60) as client,
    ):
        gc.collect()
        gc.freeze()  # as `helpdesk serve` does; what filled the desk would be walked through again and again
        await measured(desk, cluster, client, given, url)
    await desk.close()
    cluster.drop(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000, help="eight of them are an article")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--plans", type=int, default=0, help="how many plans are printed, the largest first")
    options = parser.parse_args()
    with Cluster.running() as cluster, tempfile.TemporaryDirectory() as home:
        asyncio.run(measure(cluster, options, Path(home)))


if __name__ == "__main__":
    main()
