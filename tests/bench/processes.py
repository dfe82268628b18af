"""What a tree of processes has used, from /proc: CPU time and proportional memory."""

import os
from collections.abc import Iterator
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            yield from tree(int(child))


def cpu_ms(pid: int) -> float:
    """User and system time of the tree, children that have ended included."""
    total = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(n) for n in fields[11:15])
    return total * 1000 / TICK


def worked_ms(*pids: int) -> float:
    """As `cpu_ms`, of single processes and to the microsecond."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e6


def pss_mib(pid: int, *, alone: bool = False) -> float:
    """Proportional set size: memory shared by several processes is counted once over all."""
    total = 0
    for each in [pid] if alone else tree(pid):
        try:
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024
