"""What was wrong with the day, and what it came to."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.bench.day.model import Breach, Told, retold
from tests.bench.day.running import Day

WITHIN = timedelta(seconds=5)
ENTRIES = text("SELECT ticket_id, metric, step, at, created_at, data FROM sla_entry ORDER BY id")
CLOCKS = text(
    "SELECT ticket_id, metric, due_at, breached_at, met_at, ended_at FROM sla_clock "
    "WHERE target IS NOT NULL ORDER BY id"
)
ASSIGNED = text("SELECT ticket_id, actor, data, created_at FROM event WHERE kind = 'assigned' ORDER BY id")
MESSAGES = text("SELECT count(*) FROM message")


@dataclass
class Report:
    numbers: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    stories: dict[int, list[str]] = field(default_factory=dict)
    """Of tickets with which something is wrong: what happened to them, and what the ledger says."""

    def wrongly(self, number: int, words: str) -> None:
        self.wrong.append(f"ticket {number}, {words}")
        self.stories.setdefault(number, [])

    def __str__(self) -> str:
        return json.dumps(self.numbers | {"wrong": len(self.wrong)}, indent=2, default=str)


async def checked(day: Day) -> Report:
    report = Report()
    told = retold(day.world.rules, day.diary.lines, day.world.ends)
    async with day.world.desk.sessions() as session:
        entries = list(await session.execute(ENTRIES))
        _promises(report, entries, told)
        await _clocks(report, session, told)
        await _assignments(report, session)
        report.numbers |= {"tickets": len(told), "messages": await session.scalar(MESSAGES)}
    _board(report, day)
    for number, lines in report.stories.items():
        told_of = [(one.at, f"{one.what} {dict(one.told)}") for n, one in day.diary.lines if n in (number, 0)]
        written = [
            (one.at, f"    ledger: {one.metric} {one.step}, written {one.created_at:%H:%M:%S.%f} {one.data}")
            for one in entries
            if one.ticket_id == number
        ]
        both = sorted([*told_of, *written], key=lambda line: line[0])
        lines += [f"{at:%d %H:%M:%S} {words}" for at, words in both]
    report.numbers |= {
        "facts": dict(sorted(day.diary.happened.items())),
        "looks of the clock": day.ticks,
        "seconds": {what: round(seconds, 1) for what, seconds in sorted(day.spent.items())},
    }
    return report


def _promises(report: Report, entries: list[Any], told: dict[int, Told]) -> None:
    breaches: dict[int, list[Breach]] = {}
    warnings: dict[int, list[Breach]] = {}
    latest = timedelta(0)
    for one in entries:
        if one.step == "breach":
            breaches.setdefault(one.ticket_id, []).append((one.metric, one.at))
        elif one.step == "warn" and one.data.get("told"):
            warnings.setdefault(one.ticket_id, []).append((one.metric, one.at))
            latest = max(latest, one.created_at - one.at)
    if latest > WITHIN:
        report.wrong.append(f"a warning came {latest} late")
    for number, story in told.items():
        for what, ours, theirs in (
            ("breaches", sorted(breaches.pop(number, [])), story.breaches),
            ("warnings", sorted(warnings.pop(number, [])), story.warnings),
        ):
            if ours != theirs:
                report.wrongly(number, f"{what}: {_times(ours)}; the model: {_times(theirs)}")
    report.wrong += [f"ticket {number} is in no story" for number in (*breaches, *warnings)]
    steps = Counter(one.step for one in entries)
    report.numbers |= {
        "ledger": dict(steps),
        "breaches": steps["breach"],
        "breaches of the model": sum(len(story.breaches) for story in told.values()),
        "warnings": sum(one.step == "warn" and one.data.get("told") for one in entries),
        "warnings of the model": sum(len(story.warnings) for story in told.values()),
        "latest warning, seconds": latest.total_seconds(),
    }


async def _clocks(report: Report, session: AsyncSession, told: dict[int, Told]) -> None:
    """At the end of the day: what is owed, when, whether it is late, and what was kept."""
    owed: dict[int, dict[str, tuple[datetime | None, bool]]] = {}
    kept: dict[int, list[tuple[str, datetime, bool]]] = {}
    for one in await session.execute(CLOCKS):
        if one.met_at:
            kept.setdefault(one.ticket_id, []).append((one.metric, one.met_at, one.breached_at is not None))
        elif not one.ended_at:
            owed.setdefault(one.ticket_id, {})[one.metric] = (one.due_at, one.breached_at is not None)
    due = 0
    for number, story in told.items():
        for metric, pair in story.open.items():
            due += 1
            if (ours := owed.get(number, {}).get(metric)) != pair:
                report.wrongly(number, f"{metric}: {ours}; the model: {pair}")
        if sorted(kept.get(number, [])) != story.kept:
            report.wrongly(number, f"kept: {kept.get(number)}; the model: {story.kept}")
    report.numbers["due times compared"] = due


async def _assignments(report: Report, session: AsyncSession) -> None:
    """Nobody is given what somebody has, and nobody more than they can take."""
    holder: dict[int, int | None] = {}
    shared = by_hand = returned = double = too_many = 0
    for one in await session.execute(ASSIGNED):
        because, held = one.data.get("because") or {}, holder.get(one.ticket_id)
        if "method" in because:
            shared += 1
            double += held is not None
            too_many += because["open"] >= because["cap"]
        elif one.data.get("now") is None:
            returned += 1
        else:
            by_hand += 1
            double += held is not None
        if one.data.get("was") != held:
            report.wrong.append(f"ticket {one.ticket_id} was taken from {one.data.get('was')}, {held} had it")
        holder[one.ticket_id] = one.data.get("now")
    if double or too_many:
        report.wrong.append(f"{double} double assignments, {too_many} to colleagues who were full")
    report.numbers |= {
        "assignments": shared,
        "taken by hand": by_hand,
        "returned": returned,
        "double assignments": double,
    }


def _board(report: Report, day: Day) -> None:
    compared = [one for moment in day.counts for one in moment]
    for one in compared:
        if one.differs:
            report.wrong.append(f"board of {one.whose} at {one.at}: {one.differs} (board, recount)")
    whole = [one.recount for one in compared if one.whose == "all"]
    report.numbers |= {
        "boards compared": len(compared),
        "tiles compared": sum(len(one.recount) for one in compared),
        "most open": max(one["open"] or 0 for one in whole),
        "most breached": max(one["breached"] or 0 for one in whole),
        "most online": max(one["online"] or 0 for one in whole),
        "most at capacity": max(one["full"] or 0 for one in whole),
    }


def _times(found: list[Breach]) -> str:
    return ", ".join(f"{metric} {at:%d %H:%M:%S}" for metric, at in found) or "none"
