"""python -m tests.bench.board_served URL POSTMASTER HOME: the board of a filled desk over HTTP, as one lead has it.

A board is good for a second and a half, and what came and went for a minute, so each is asked for after that as well.
`HELPDESK_SECRET` is the filled desk's.
"""

import statistics
import sys
import time
from pathlib import Path

from tests.bench.console import Served, served
from tests.bench.processes import cpu_ms

LIVE = {"hx-request": "true", "hx-target": "div#board-now"}
ASKED: dict[str, tuple[str, dict[str, str], int, float]] = {
    # what                                          where, how, how often, seconds of rest before each
    "board, first page of a process": ("/board", {}, 1, 0),
    "board, live, made anew": ("/board", LIVE, 20, 1.6),
    "board, live, made for somebody a moment ago": ("/board", LIVE, 20, 0),
    "board of a team, live, made anew": ("/board?team=3", LIVE, 10, 1.6),
}


def main(url: str, postmaster: int, home: Path) -> None:
    print("| operation | CPU ms, application + database | median ms | p95 ms |\n|---|---|---|---|")
    with served(url, home, "--no-workers") as desk:
        desk.sign_in("ada@desk.example")
        for what, (path, headers, times, rest) in ASKED.items():
            print(f"| {what} | {measured(desk, postmaster, path, headers, times, rest)} |", flush=True)


def measured(
    desk: Served, postmaster: int, path: str, headers: dict[str, str], times: int, rest: float
) -> str:
    walls = []
    application, database = cpu_ms(desk.process.pid), cpu_ms(postmaster)
    for _ in range(times):
        time.sleep(rest)
        began = time.perf_counter()
        desk.page(path, **headers)
        walls.append((time.perf_counter() - began) * 1000)
    application, database = cpu_ms(desk.process.pid) - application, cpu_ms(postmaster) - database
    p95 = statistics.quantiles(walls, n=20)[-1] if times > 1 else walls[0]
    return f"{application / times:.1f} + {database / times:.1f} | {statistics.median(walls):.1f} | {p95:.1f}"


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
