"""The board's risks: what the past is told back as is what the board saw; more time is never more danger; and learned
from a history whose truth is known, 30 % means three in ten."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from helpdesk import clock
from helpdesk.board import Scope
from helpdesk.board.load import held
from helpdesk.board.risk import past, speaking
from helpdesk.board.risk.fitted import Fit, calibrated
from helpdesk.board.risk.formula import Formula
from helpdesk.board.risk.judging import judge
from helpdesk.board.risk.past import Moment
from helpdesk.board.risk.present import at_risk, situations
from helpdesk.board.risk.reasons import length, reasons
from helpdesk.board.risk.remembering import remember
from helpdesk.board.risk.rows import RiskModel
from helpdesk.board.risk.situation import Situation, Usual
from helpdesk.database import committed
from helpdesk.people import Agent, with_access
from helpdesk.presence import seen
from helpdesk.sla import Clock, Policy, due
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail
from workers.estimating import fitted, learn, learned

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
USUALS = {"first_response|normal|": Usual(70, 210), "first_response||": Usual(90, 400)}


def one(**given: Any) -> Situation:
    usual = {
        "metric": "first_response", "priority": "normal", "type_id": None, "left": 60.0, "target": 240.0,
        "before": 3, "present": 2, "waiting": None, "there": False, "hour": 10.0,
    }  # fmt: skip
    return Situation(**(usual | given))


def erlang(stages: int, rate: float, within: float) -> float:
    """Chance that so many services, one after the other, are done in time."""
    terms = (math.exp(n * math.log(rate * within) - math.lgamma(n + 1)) for n in range(stages))
    return 1 - math.exp(-rate * within) * sum(terms) if within > 0 else 0.0


def truth(situation: Situation) -> float:
    """Of a desk where colleagues take what is due first, and each answer takes ten minutes on average, however long
    the ones before took: its turn comes when those before it are done, so how long that takes is Erlang's."""
    hands = max(situation.present, 1)
    if situation.waiting is not None:
        return 1 - erlang(situation.waiting, 1 / 14, situation.left)
    return 1 - erlang(situation.before + 1, hands / 10, situation.left)


def simulated(n: int, seed: int) -> list[tuple[Moment, float]]:
    """Moments of such a desk, with how likely each was to be broken."""
    chance = random.Random(seed)  # noqa: S311
    found = []
    for number in range(n):
        waiting = chance.choice([None, None, chance.randint(1, 9)])
        situation = one(
            metric=chance.choice(["first_response", "next_response"]),
            priority=chance.choice(["normal", "high", "urgent"]),
            left=chance.expovariate(1 / 60),
            target=240.0,
            before=min(int(chance.expovariate(1 / 8)), 40),
            present=chance.randint(1, 5),
            waiting=waiting,
            there=waiting is not None,
            hour=chance.uniform(8, 18),
        )
        known = truth(situation)
        at = MONDAY + timedelta(minutes=number)
        found.append((Moment(at, number, situation, chance.random() < known), known))
    return found


@pytest.fixture(scope="module")
def history() -> tuple[Fit, list[tuple[Moment, float]]]:
    """Learned from 9,000 moments of the simulated desk, with 6,000 held back."""
    made = simulated(15_000, seed=7)
    moments = [moment for moment, _ in made]
    return fitted(moments[:6000], moments[6000:9000], {}), made[9000:]


def test_learned_from_a_history_whose_truth_is_known_it_is_calibrated(history):
    fit, held_back = history
    was = [moment.broken for moment, _ in held_back]
    said = judge([fit.probability(moment.situation) for moment, _ in held_back], was)
    best = judge([known for _, known in held_back], was)
    thumb = judge([Formula().probability(moment.situation) for moment, _ in held_back], was)
    share = sum(was) / len(was)
    base = judge([share] * len(was), was)
    assert said
    assert best
    assert thumb
    assert base
    off = sum(abs(fit.probability(m.situation) - known) for m, known in held_back) / len(held_back)
    print(f"\nheld back {said.n}, broken {share:.3f}; Brier: truth {best.brier:.4f}, learned {said.brier:.4f}, "
          f"formula {thumb.brier:.4f}, always the same {base.brier:.4f}; ECE: truth {best.ece:.4f}, "
          f"learned {said.ece:.4f}, formula {thumb.ece:.4f}; off the truth by {off:.4f}")  # fmt: skip
    assert said.ece < 0.03
    assert said.brier < thumb.brier < base.brier
    assert said.brier < best.brier + 0.03
    assert off < 0.08


@given(
    left=st.floats(0, 5000),
    more=st.floats(0, 5000),
    before=st.integers(0, 200),
    present=st.integers(0, 20),
    waiting=st.none() | st.integers(0, 60),
    there=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_more_time_is_never_more_danger(history, left, more, before, present, waiting, there):
    fit, _ = history
    now = one(left=left, before=before, present=present, waiting=waiting, there=there)
    later = replace(now, left=left + more)
    for estimate in (fit, Formula()):
        assert 0 <= estimate.probability(later) <= estimate.probability(now) + 1e-12 <= 1 + 1e-9


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0, 1)), min_size=1, max_size=9), st.floats(-12, 12))
def test_calibration_stays_between_its_ends_and_never_falls(points, odds):
    knots = list(zip(sorted(x for x, _ in points), sorted(y for _, y in points), strict=True))
    here, there = calibrated(knots, odds), calibrated(knots, odds + 1)
    assert knots[0][1] <= here <= there + 1e-9
    assert there <= knots[-1][1]


def test_a_new_estimate_speaks_only_where_it_does_better(history):
    fit, held_back = history
    moments = [moment for moment, _ in held_back]
    better = speaking.compared(fit, Formula(), moments, 9000)
    worse = speaking.compared(Formula(), fit, moments, 9000)
    few = speaking.compared(fit, Formula(), moments[:150], 9000)
    assert better
    assert worse
    assert few
    assert speaking.verdict(better)[0]
    assert not speaking.verdict(worse)[0]
    assert not speaking.verdict(few)[0]


def test_what_lies_is_not_learned_from_by_a_wrong_sign():
    """A history in which those with more time were broken: the estimate leaves time out rather than fear it."""
    chance = random.Random(3)  # noqa: S311
    moments = [
        Moment(MONDAY, n, one(left=(left := chance.uniform(1, 200))), chance.random() < left / 220)
        for n in range(900)
    ]
    fit = fitted(moments[:600], moments[600:], {})
    assert fit.probability(one(left=200)) <= fit.probability(one(left=5)) + 1e-12


def test_reasons_say_what_was_weighed():
    mine = one(left=45.0, before=12, waiting=9, there=True, present=3)
    assert reasons(mine, USUALS, "Billing", "Ada") == [
        "45 min of working time left",
        "12 tickets before it",
        "Ada has 9 waiting",
        "such tickets took 1 h 10 min (median of 210)",
    ]
    assert reasons(one(left=130.0, before=1), {}, "Billing", None)[1:] == [
        "1 ticket before it",
        "nobody has it, 2 colleagues there",
    ]
    assert "before it" not in " ".join(reasons(mine, {}, "Billing", "Ada", queue=False))
    assert reasons(one(waiting=2), {}, None, "Ada")[-1] == "Ada is not there"
    assert [length(m) for m in (0.2, 59.4, 60, 135, 1900)] == ["0 min", "59 min", "1 h", "2 h 15 min", "32 h"]


async def _desk(scene: Scene) -> Callable[..., Any]:
    async def does(verb: str, ticket: Ticket, *args: Any, **given: Any) -> None:
        async with committed(scene.desk.sessions) as session:
            found = await scene.ticket(ticket.id, session)
            getattr(found, verb)(*args, **given)
            await due.record(session)

    return does


async def test_the_past_is_told_back_as_the_board_saw_it(scene: Scene):
    """At several moments the board's view is written down; afterwards ledger and events say the same."""
    does = await _desk(scene)
    ada, liam = scene.agents["Ada"], scene.agents["Liam"]
    saw: dict[datetime, dict[int, Situation]] = {}

    async def look(minutes: float) -> datetime:
        at = MONDAY + timedelta(minutes=minutes)
        async with scene.desk.sessions() as session:
            agent = (
                (await session.scalars(select(Agent).where(Agent.id == ada.id).options(*with_access())))
                .unique()
                .one()
            )
            load = await held(session, agent, Scope(), at)
            found = await situations(session, agent, Scope(), at, load)
            clocks = {
                (one.ticket_id, one.metric.value): one.id
                for one in await session.scalars(select(Clock).order_by(Clock.id))
            }
        saw[at] = {clocks[row.id, row.metric]: situation for row, situation in found}
        return at

    def then(minutes: float) -> Any:
        return clock.moved(MONDAY + timedelta(minutes=minutes) - clock.now())

    with then(0):
        async with committed(scene.desk.sessions) as session:
            await seen(session, [ada.id])
        tickets = [await scene.receives(mail(sender=f"p{n}@x.example")) for n in range(6)]
        await does("prioritise", tickets[0], "urgent", by=ada)
        await does("assign", tickets[1], liam, by=ada)
    with then(20):
        await look(20)
        await does("assign", tickets[1], ada, by=ada)
        await does("reply", tickets[2], "Here.", by=ada)
        await does("snooze", tickets[3], MONDAY + timedelta(days=2), by=ada)
        async with committed(scene.desk.sessions) as session:
            await seen(session, [liam.id])
    with then(45):  # the urgent one's first response is late by now
        await does("note", tickets[4], "Hm.", by=ada)
        await look(45)
        await does("hold", tickets[5], by=ada)
        await does("reply", tickets[4], "Here.", by=ada)
        await does("resolve", tickets[4], by=ada)
    with then(100):
        await look(100)
        await does("take_up", tickets[5], by=ada)
        await does("reply", tickets[1], "Here.", by=ada)
    with then(130):
        await look(130)
        for ticket in (tickets[0], tickets[3], tickets[5]):
            await does("reply", ticket, "Here.", by=ada)
        for ticket in (tickets[0], tickets[1], tickets[2], tickets[3], tickets[5]):
            await does("resolve", ticket, by=ada)
    with then(200):
        async with scene.desk.sessions() as session:
            history = await remember(session)
            told: dict[datetime, dict[int, Situation]] = {}
            for moment in past.moments(history, saw):
                told.setdefault(moment.at, {})[moment.clock_id] = moment.situation
            assert {at: len(found) for at, found in saw.items()} == {
                at: len(found) for at, found in told.items()
            }
            assert told == saw
            broken = {one.clock_id for one in past.moments(history, saw) if one.broken}
            late = await session.scalars(select(Clock.id).where(Clock.breached_at.is_not(None)))
            assert broken <= set(late)
            assert broken
    assert [len(found) for _, found in sorted(saw.items())] == [6, 4, 3, 2]


async def test_what_is_at_risk_comes_first_and_only_to_who_may_know(scene: Scene):
    with clock.moved(MONDAY - clock.now()):
        calm, hot = (
            await scene.receives(mail(sender="a@x.example")),
            await scene.receives(mail(sender="b@x.example")),
        )
        await scene.does(hot, "prioritise", "urgent", by=scene.agents["Ada"])
        async with scene.desk.sessions() as session:
            query = select(Agent).options(*with_access()).order_by(Agent.id)
            ada, _liam, tess = (await session.scalars(query)).unique().all()
            at = clock.now()
            found = (
                await at_risk(session, ada, Scope(), at, await held(session, ada, Scope(), at), Formula())
            ).first
            assert [one.number for one in found] == [hot.number, calm.number]
            assert found[0].risk > found[1].risk
            assert found[0].reasons[0] == "30 min of working time left"
            assert (await at_risk(session, tess, Scope(), at, [], Formula())).weighed == 0
            technical = Scope(team_id=scene.teams["Technical"].id)
            assert (await at_risk(session, ada, technical, at, [], Formula())).weighed == 0


async def test_a_desk_without_a_past_goes_by_the_formula_and_one_with_it_learns(scene: Scene):
    assert await learn(scene.desk) is None
    async with scene.desk.sessions() as session:
        assert (await speaking.speaker(session)).since is None
    await _weeks(scene)
    row = await learn(scene.desk)
    assert row is not None
    async with scene.desk.sessions() as session:
        found = await speaking.speaker(session)
        assert (found.since is not None) == (row.promoted_at is not None)
        assert row.because
        kept = (await session.scalars(select(RiskModel))).one()
        assert kept.measures["judged"]["n"] > 0


async def _weeks(scene: Scene) -> None:
    """Two weeks of promises that were kept the likelier, the longer they had."""
    chance = random.Random(5)  # noqa: S311
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Policy).values(warn_minutes=None))
    tickets = [await scene.receives(mail(sender=f"p{n}@x.example")) for n in range(8)]
    async with committed(scene.desk.sessions) as session:
        policy = await session.scalar(select(Policy.id))
        await session.execute(update(Ticket).values(category="resolved", status_id=5))
        begin = clock.now() - timedelta(days=20)
        for n in range(1400):
            started = begin + timedelta(minutes=20 * n)
            target = chance.choice([30, 60, 240])
            over = started + timedelta(minutes=target * 3)
            took = started + timedelta(minutes=target * 3 * chance.uniform(0.2, 1.5))
            session.add(
                Clock(
                    ticket_id=tickets[n % 8].id, metric="resolution", policy_id=policy, target=target,
                    started_at=started, breaks=[], due_at=over, escalated=0,
                    met_at=took, breached_at=over if took > over else None,
                )
            )  # fmt: skip


def test_nothing_is_learned_from_too_little():
    empty = past.History([], {}, {}, MONDAY)
    assert learned(empty, []) is None
