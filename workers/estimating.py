"""Learns how likely promises are broken from how they ended, every night: `python -m workers.estimating` is the child.

It is a process of its own, which ends afterwards: scikit-learn never enters the console's. What it learned is a row of
coefficients that the board reads with plain arithmetic (helpdesk/board/risk).
"""

import asyncio
import os
import random
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog
from sqlalchemy import func, select

from helpdesk.board.risk import past, speaking
from helpdesk.board.risk.fitted import Fit, Weight, logistic
from helpdesk.board.risk.past import History, Moment
from helpdesk.board.risk.remembering import PERIOD, remember
from helpdesk.board.risk.rows import RiskModel
from helpdesk.board.risk.situation import FALLING, NAMES, RISING, Usuals, numbers
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.settings import Settings
from workers import lifeline
from workers.child import introduced, introduction
from workers.duty import on_duty

EVERY = timedelta(hours=20)
NIGHT = range(1, 5)  # hours of UTC in which it is learned again; the first time it does not wait for them
FIRST = 120.0  # seconds after a start, which has enough to do
LOOK = 600.0  # seconds
LONGEST = 1800.0  # seconds that the child has
TIMES = 300  # moments of the past that are looked at
EACH = 60  # promises of each, at most
FEWEST = 300  # moments to learn from
MANY = 1500  # moments to calibrate with, from which on steps are better than a curve
SHARES = (0.55, 0.75)  # learned from, calibrated with; the rest, which is the latest, is held back

log = structlog.get_logger(__name__)


async def estimating(desk: Desk) -> None:
    """For ever, in one process at a time."""
    await on_duty(desk.database_url, "estimating", partial(_nightly, desk))


async def _nightly(desk: Desk) -> None:
    tried: datetime | None = None
    await asyncio.sleep(FIRST)
    while True:
        if await _is_due(desk, tried):
            tried = now()
            await _in_a_child(desk)
        await asyncio.sleep(LOOK)


async def _is_due(desk: Desk, tried: datetime | None) -> bool:
    if tried and now() - tried < EVERY:
        return False
    async with desk.sessions() as session:
        last = await session.scalar(select(func.max(RiskModel.created_at)))
    return last is None or (now() - last > EVERY and now().hour in NIGHT)


async def _in_a_child(desk: Desk) -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "workers.estimating", stdin=PIPE)
    try:
        if child.stdin:
            child.stdin.write(introduction(desk))
            await child.stdin.drain()
        async with asyncio.timeout(LONGEST):
            if code := await child.wait():
                log.warning("nothing was learned about promises", code=code)
    except TimeoutError:
        log.warning("learning about promises takes too long", seconds=LONGEST)
    finally:
        if child.returncode is None:
            child.kill()


def main() -> None:
    os.nice(15)
    settings, url = introduced()
    lifeline.bind(lambda: None, within=1.0)
    asyncio.run(_learn(settings, url))


async def _learn(settings: Settings, url: str) -> None:
    desk = Desk.open(settings, url, pool=1)
    try:
        row = await learn(desk)
        log.info("learned about promises", because=row.because if row else "Too few promises to learn from.")
    finally:
        await desk.close()


async def learn(desk: Desk, seed: int = 1) -> RiskModel | None:
    """One night's work; None where there is too little to learn from."""
    async with committed(desk.sessions) as session:
        history = await remember(session)
        seen = sampled(history, random.Random(seed))  # noqa: S311 - any moments will do
        found = learned(history, seen)
        if found is None:
            return None
        fit, held_back, learned_from = found
        present = (await speaking.speaker(session)).estimate
        measures = speaking.compared(fit, present, held_back, learned_from)
        return await speaking.consider(session, fit, measures) if measures else None


def sampled(history: History, chance: random.Random, times: int = TIMES) -> list[Moment]:
    """In order of time."""
    begin = min((one.span[0] for one in history.promises), default=history.until)
    begin = max(begin, history.until - PERIOD)
    length = (history.until - begin).total_seconds()
    whens = [begin + timedelta(seconds=chance.random() * length) for _ in range(times)]
    return list(past.moments(history, whens, chance, EACH))


def learned(history: History, seen: Sequence[Moment]) -> tuple[Fit, list[Moment], int] | None:
    """What the earliest moments teach, calibrated with later ones; and the latest, of other promises, held back."""
    if len(seen) < FEWEST:
        return None
    ends = [seen[int(len(seen) * share)].at for share in SHARES]
    first = [one for one in seen if one.at < ends[0]]
    known = {one.clock_id for one in first}
    second = [one for one in seen if ends[0] <= one.at < ends[1] and one.clock_id not in known]
    known |= {one.clock_id for one in second}
    held_back = [one for one in seen if one.at >= ends[1] and one.clock_id not in known]
    usuals = past.usuals(history.promises, before=ends[0])
    if not held_back or any(len({one.broken for one in some}) < 2 for some in (first, second)):
        return None
    return fitted(first, second, usuals), held_back, len(first) + len(second)


def fitted(first: Sequence[Moment], second: Sequence[Moment], usuals: Usuals) -> Fit:
    """A number with the wrong sign, such as more time left and yet more danger, is left out and it is learned again."""
    names = list(NAMES)
    while True:
        fit = _regression(first, usuals, names)
        wrong = [
            name
            for name, each in fit.weights.items()
            if (name in FALLING and each.weight > 0) or (name in RISING and each.weight < 0)
        ]
        if not wrong:
            return _calibrated(fit, second)
        names.remove(max(wrong, key=lambda name: abs(fit.weights[name].weight)))


def _regression(some: Sequence[Moment], usuals: Usuals, names: Sequence[str]) -> Fit:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    known = [numbers(one.situation, usuals) for one in some]
    table = np.array([[each[name] for name in names] for each in known])
    means, scales = table.mean(axis=0), table.std(axis=0)
    scales[scales < 1e-9] = 1.0
    model = LogisticRegression(C=1.0, max_iter=1000)
    model.fit((table - means) / scales, [one.broken for one in some])
    weights = {
        name: Weight(float(mean), float(scale), float(weight))
        for name, mean, scale, weight in zip(names, means, scales, model.coef_[0], strict=True)
    }
    return Fit(float(model.intercept_[0]), weights, [], _kept(usuals))


def _calibrated(fit: Fit, second: Sequence[Moment]) -> Fit:
    """With moments that it was not learned from: isotonic where there are many (Zadrozny and Elkan, 2002), else a
    curve (Platt, 1999)."""
    pairs = sorted((fit.odds(one.situation), float(one.broken)) for one in second)
    knots = _isotonic(pairs) if len(pairs) >= MANY else _curve(pairs)
    return msgspec.structs.replace(fit, knots=knots)


def _isotonic(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """One knot in the middle of each level, so that lines between them take the place of steps."""
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (len(pairs) + 2)
    levels = IsotonicRegression(y_min=edge, y_max=1 - edge).fit_transform(*zip(*pairs, strict=True))
    grouped: dict[float, list[float]] = {}
    for (odds, _), level in zip(pairs, levels.tolist(), strict=True):
        grouped.setdefault(level, []).append(odds)
    return [(sum(some) / len(some), level) for level, some in grouped.items()]


def _curve(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    from sklearn.linear_model import LogisticRegression

    odds, broken = [[x] for x, _ in pairs], [y for _, y in pairs]
    found = LogisticRegression(C=1e6).fit(odds, broken)
    slope, bias = max(float(found.coef_[0][0]), 0.0), float(found.intercept_[0])
    low, high = pairs[0][0] - 1, pairs[-1][0] + 1
    return [(x, logistic(slope * x + bias)) for x in (low + (high - low) * step / 60 for step in range(61))]


def _kept(usuals: Usuals) -> dict[str, tuple[float, int]]:
    return {name: (round(each.minutes, 1), each.n) for name, each in usuals.items()}


if __name__ == "__main__":
    main()
