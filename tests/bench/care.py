"""How fast a desk is exported, imported, backed up, and filled from another product: `python -m tests.bench.care`.

Seeds through the importer, which is one of the things that are measured, in a private PostgreSQL of its own.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psycopg

from helpdesk import backups, export
from helpdesk.imports import running
from helpdesk.keys import Keys
from helpdesk.settings import Settings
from tests.cluster import Cluster
from tests.conftest import SECRET

T = TypeVar("T")
WORDS = "Please send the invoice of May again, the one that came has another address than ours. " * 8


def seed(folder: Path, tickets: int) -> None:
    """A Zendesk with five comments a ticket and a customer for every ten tickets."""
    folder.mkdir()
    people = tickets // 10 + 1
    with (folder / "users.jsonl").open("w") as users:
        for n in range(1, people + 1):
            user = {
                "id": n,
                "name": f"Customer {n}",
                "email": f"c{n}@many{n % 500}.example",
                "role": "end-user",
            }
            users.write(json.dumps(user) + "\n")
    with (folder / "tickets.jsonl").open("w") as file:
        for n in range(1, tickets + 1):
            who, at = n % people + 1, f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}T09:{n % 60:02}:00Z"
            said = [
                {"id": n * 10 + k, "author_id": who, "body": f"{k} {WORDS}", "created_at": at, "public": True}
                for k in range(5)
            ]
            ticket = {
                "id": n,
                "subject": f"Invoice {n}",
                "status": "solved",
                "requester_id": who,
                "tags": ["a", "b"],
            }
            file.write(json.dumps(ticket | {"created_at": at, "updated_at": at, "comments": said}) + "\n")


def timed(what: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    done = what()
    return done, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=10_000)
    tickets = parser.parse_args().tickets
    with Cluster.running() as cluster, TemporaryDirectory() as name:
        measure(cluster, Path(name), tickets)


def measure(cluster: Cluster, home: Path, tickets: int) -> None:
    url, other = cluster.url(cluster.clone()), cluster.url(cluster.clone(), "helpdesk_owner")
    settings = Settings(home=home, secret=SECRET, database_url=url)
    seed(home / "zendesk", tickets)
    report, seconds = timed(lambda: running.run(url, settings.files, _run(url), home / "zendesk"))
    made = report.of("message").made
    print(
        f"imported {report.of('ticket').made} tickets, {made} messages in {seconds:.1f} s: {made / seconds:,.0f}/s"
    )
    _, seconds = timed(lambda: running.run(url, settings.files, _run(url), home / "zendesk"))
    print(f"the same again, 0 changes: {seconds:.1f} s")
    done, seconds = timed(lambda: export.write(url, settings.files, home / "export"))
    size = sum(path.stat().st_size for path in (home / "export").rglob("*") if path.is_file()) / 1e6
    print(f"exported {done.rows} rows, {size:.0f} MB in {seconds:.1f} s: {size / seconds:.0f} MB/s")
    _, seconds = timed(lambda: export.load(other, home / "files2", home / "export"))
    print(f"imported it in {seconds:.1f} s: {size / seconds:.0f} MB/s")
    saved, seconds = timed(lambda: backups.write(url, settings, home / "backup.tar"))
    print(f"backed up in {seconds:.1f} s, {saved.bytes / 1e6:.0f} MB")
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _run(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO inbox (name, channel, address, active, sealed_settings) "
            "VALUES ('Support', 'loopback', 'support@desk.example', true, %s) ON CONFLICT DO NOTHING",
            [Keys(SECRET.encode()).seal({})],
        )
        row = connection.execute(
            "INSERT INTO import_run (vendor, source, place, inbox_id, state) "
            "SELECT 'zendesk', 'zendesk:bench', '', min(id), 'waiting' FROM inbox RETURNING id"
        ).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
