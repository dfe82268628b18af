"""What is measured: a week with known answers, whoever asks, split by whatever."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from helpdesk import measures
from helpdesk.database import committed
from helpdesk.engagements import Engagement, Hold
from helpdesk.measures import Compare, Dimension, Period, Scope, TicketFact
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from tests.helpdesk.days import HOUR, MINUTE, WEEK, ZONE, Week, lived, tickets_of
from tests.scenes import Scene

SOON = 4
"""Seconds that the telling of the story itself may take."""


async def answered(week: Week, *names: str, who: str = "Ada", **rest: Any) -> measures.Answer:
    agent = await week.someone(who)
    async with week.scene.desk.sessions() as session:
        return await measures.ask(session, agent, measures.chosen(names), rest.pop("period", WEEK), **rest)


async def total(week: Week, name: str, **rest: Any) -> measures.Value:
    found = await answered(week, name, **rest)
    return found.total[found.measures[0]]


async def lines(week: Week, name: str, by: Dimension, **rest: Any) -> dict[str, float | None]:
    found = await answered(week, name, by=by, **rest)
    return {line.label: line[found.measures[0]].value for line in found.lines}


async def test_the_week(scene: Scene):
    """Every measure, reckoned by hand."""
    week = await lived(scene)
    counts = {"created": 5, "resolved": 2, "resolutions": 4, "replies": 6, "backlog": 3}
    for name, expected in counts.items():
        assert (await total(week, name)).value == expected, name
    durations = {
        "first_response_median": 25 * MINUTE,  # 10, 20, 30 minutes and 64 hours
        "first_response_mean": 975 * MINUTE,
        "first_response_p90": 2697 * MINUTE,
        "first_response_hours_median": 25 * MINUTE,  # 10, 20, 30 and 60 minutes
        "first_response_hours_mean": 30 * MINUTE,
        "next_response_median": HOUR,
        "next_response_hours_p90": HOUR,
        "resolution_median": 33.5
        * HOUR,  # half an hour; 65.5 hours until it was resolved, one more when opened again
        "resolution_hours_mean": 2 * HOUR,  # half an hour and 3.5
    }
    for name, seconds in durations.items():
        assert (await total(week, name)).value == pytest.approx(seconds, abs=SOON), name
    shares = {
        "reopened": (0.5, 4),
        "one_touch": (0.5, 2),
        "sla_first_response": (1, 4),
        "sla_resolution": (1, 2),
    }
    for name, (share, n) in shares.items():
        found = await total(week, name)
        assert (found.value, found.n) == (share, n), name
        assert found.low is not None
        assert found.high is not None
        assert found.low < found.high


async def test_days_are_days_where_the_reader_is(scene: Scene):
    week = await lived(scene)
    assert await lines(week, "created", Dimension.day) == {
        "2026-03-27": 2, "2026-03-28": 0, "2026-03-29": 0, "2026-03-30": 1, "2026-03-31": 2,
    }  # fmt: skip
    assert await lines(week, "backlog", Dimension.day) == {
        "2026-03-27": 1, "2026-03-28": 1, "2026-03-29": 1, "2026-03-30": 1, "2026-03-31": 3,
    }  # fmt: skip
    far = Period(
        WEEK.begin, WEEK.end, "Pacific/Auckland"
    )  # eleven hours ahead: Friday afternoon is Saturday there
    assert (await lines(week, "created", Dimension.day, period=far))["2026-03-28"] == 2
    assert await lines(week, "created", Dimension.week) == {"2026-03-23": 2, "2026-03-30": 3}
    assert await lines(week, "created", Dimension.month) == {"2026-03-01": 5}
    hours = await lines(week, "created", Dimension.hour)
    assert len(hours) == 168
    assert hours[str(4 * 24 + 16)] == 2
    assert hours["8"] == 1


async def test_agents_are_those_who_did_it(scene: Scene):
    week = await lived(scene)
    assert await lines(week, "replies", Dimension.agent) == {"Ada Novak": 3, "Liam Osei": 3}
    assert await lines(week, "resolutions", Dimension.agent) == {"Ada Novak": 2, "Liam Osei": 1, "Nobody": 1}
    assert await lines(week, "resolved", Dimension.agent) == {"Ada Novak": 2}
    first = await answered(week, "first_response_median", by=Dimension.agent)
    assert {line.label: line[first.measures[0]].n for line in first.lines} == {"Ada Novak": 2, "Liam Osei": 2}


async def test_a_line_is_what_the_scope_of_it_alone_says(scene: Scene):
    """Split by something, each line equals the whole of a report limited to it, and opens as many tickets."""
    week = await lived(scene)
    names = {Dimension.agent: "agents", Dimension.team: "teams", Dimension.inbox: "inboxes",
             Dimension.channel: "channels", Dimension.company: "companies", Dimension.priority: "priorities",
             Dimension.tag: "tags", Dimension.type: "types"}  # fmt: skip
    wanted = [name for name in measures.MEASURES if not name.startswith("csat")]
    for by, field in names.items():
        split = await answered(week, *wanted, by=by)
        assert split.lines
        for line in split.lines:
            only: dict[str, Any] = {field: (line.key or 0,)}
            alone = await answered(week, *wanted, scope=Scope(**only))
            for measure in split.measures:
                one, other = line[measure], alone.total[measure]
                assert one.n == other.n, measure.name
                assert one.value == pytest.approx(other.value, abs=SOON), measure.name


async def test_every_number_opens_its_tickets(scene: Scene):
    week = await lived(scene)
    known = {
        "created": ("quick", "weekend", "bot", "taken", "away"),
        "resolved": ("quick", "weekend"),
        "resolutions": ("quick", "weekend", "bot"),
        "first_response_median": ("quick", "weekend", "bot", "taken"),
        "next_response_median": ("weekend",),
        "backlog": ("bot", "taken", "away"),
        "sla_resolution": ("quick", "weekend"),
    }
    for name, expected in known.items():
        assert await behind(week, name) == tickets_of(week, *expected), name
    friday: dict[str, Any] = {"by": Dimension.day, "key": date(2026, 3, 27)}
    assert await behind(week, "created", **friday) == tickets_of(week, "quick", "weekend")
    assert await behind(week, "backlog", **friday) == tickets_of(week, "weekend")
    ada = scene.agents["Ada"].id
    assert await behind(week, "replies", by=Dimension.agent, key=ada) == tickets_of(
        week, "quick", "weekend", "bot"
    )
    assert await behind(week, "resolutions", by=Dimension.agent, key=None) == tickets_of(week, "bot")
    assert await behind(week, "one_touch", part=measures.Part.no) == tickets_of(week, "weekend")
    monday_at_eight: dict[str, Any] = {"by": Dimension.hour, "key": 8}
    assert await behind(week, "created", **monday_at_eight) == tickets_of(week, "bot")


async def test_what_the_assistant_did_is_measured_like_the_rest(scene: Scene):
    """It spoke in two tickets, one of which it resolved alone, and handed a third over without a word."""
    week = await lived(scene)
    bot, quick, taken = tickets_of(week, "bot"), tickets_of(week, "quick"), tickets_of(week, "taken")
    async with committed(scene.desk.sessions) as session:
        began = {"created_at": WEEK.since + timedelta(days=1), "tokens": 0, "cost": 0.0}
        session.add_all(
            [
                Engagement(
                    ticket_id=quick[0], state=Hold.done, turns=1, asked_back=1, confirmed=True, **began
                ),
                Engagement(ticket_id=bot[0], state=Hold.stopped, turns=2, asked_back=0, **began),
                Engagement(ticket_id=taken[0], state=Hold.handed_over, turns=0, asked_back=0, **began),
            ]
        )
        await session.execute(update(TicketFact).where(TicketFact.id == quick[0]).values(replies=0))
    assert (await total(week, "assistant_tickets")).value == 3
    for name, value, n in (
        ("resolved", 0.5, 2), ("confirmed", 0.5, 2), ("asked_back", 0.5, 2), ("handed_over", 1 / 3, 3),
    ):  # fmt: skip
        found = await total(week, f"assistant_{name}")
        assert found.n == n, name
        assert found.value == pytest.approx(value), name
    yes, no = measures.Part.yes, measures.Part.no
    assert await behind(week, "assistant_resolved", part=yes) == quick
    assert await behind(week, "assistant_resolved", part=no) == bot
    assert await behind(week, "assistant_handed_over", part=yes) == taken
    assert sum(filter(None, (await lines(week, "assistant_tickets", Dimension.team)).values())) == 3
    assert (await total(week, "assistant_tickets", who="Tess")).value == 0


async def behind(week: Week, name: str, who: str = "Ada", **rest: Any) -> list[int]:
    agent: Agent = await week.someone(who)
    condition = measures.tickets(agent, measures.MEASURES[name], rest.pop("period", WEEK), **rest)
    async with week.scene.desk.sessions() as session:
        return sorted(await session.scalars(select(Ticket.id).where(condition)))


async def test_nobody_counts_what_they_may_not_know_of(scene: Scene):
    """Tess is in another team: she counts what is given to her, and opens nothing else."""
    week = await lived(scene)
    assert (await total(week, "created", who="Tess")).value == 0
    await week.does("Tue 15:00", "bot", "assign", scene.agents["Tess"], by=scene.agents["Ada"])
    assert (await total(week, "created", who="Tess")).value == 1  # copied by a trigger, not by counting again
    assert (await total(week, "replies", who="Tess")).value == 1
    assert await behind(week, "replies", who="Tess") == tickets_of(week, "bot")
    assert (await total(week, "created", who="Liam")).value == 5


async def test_compared_with_before(scene: Scene):
    week = await lived(scene)
    monday = Period(date(2026, 3, 30), date(2026, 3, 31), ZONE)
    found = await answered(week, "created", period=monday, by=Dimension.day, compare=Compare.previous)
    created = found.measures[0]
    assert found.compared == Period(date(2026, 3, 28), date(2026, 3, 29), ZONE)
    assert found.total[created].value == 3
    assert found.total.was(created).value == 0
    whole = await answered(week, "created", period=Period(date(2026, 3, 30), date(2026, 4, 2), ZONE),
                           by=Dimension.day, compare=Compare.previous)  # fmt: skip
    assert [line.was(created).value for line in whole.lines] == [0, 2, 0, 0]


@pytest.mark.parametrize(
    ("begin", "end", "compare", "expected"),
    [
        ("2026-03-01", "2026-03-31", "previous", ("2026-02-01", "2026-02-28")),
        ("2026-03-01", "2026-03-22", "previous", ("2026-02-01", "2026-02-22")),
        ("2026-04-01", "2026-06-30", "previous", ("2026-01-01", "2026-03-31")),
        ("2026-03-05", "2026-03-11", "previous", ("2026-02-26", "2026-03-04")),
        ("2028-02-01", "2028-02-29", "year", ("2027-02-01", "2027-02-28")),
        ("2026-03-10", "2026-03-12", "year", ("2025-03-10", "2025-03-12")),
    ],
)
def test_what_a_period_is_compared_with(begin: str, end: str, compare: str, expected: tuple[str, str]):
    period = measures.periods.read(begin, end, ZONE)
    found = period.before(Compare(compare))
    assert found is not None
    assert (found.begin.isoformat(), found.end.isoformat()) == expected


def test_a_day_has_as_many_hours_as_clocks_give_it():
    def hours(day: date, zone: str) -> float:
        period = Period(day, day, zone)
        return (period.until - period.since).total_seconds() / HOUR

    assert hours(date(2026, 3, 29), "Europe/Berlin") == 23
    assert hours(date(2026, 10, 25), "Europe/Berlin") == 25
    assert hours(date(2026, 4, 5), "Australia/Lord_Howe") == 24.5
    assert hours(date(2018, 11, 4), "America/Sao_Paulo") == 23  # midnight itself was skipped


@pytest.mark.parametrize(
    ("begin", "end", "zone"),
    [("2026-03-02", "2026-03-01", ZONE), ("x", "2026-03-01", ZONE), ("2026-03-01", "2026-03-02", "Mars/Base"),
     ("0001-01-01", "0001-01-02", ZONE), ("9999-12-30", "9999-12-31", ZONE), ("2000-01-01", "2026-01-01", ZONE)],
)  # fmt: skip
def test_what_is_no_period_is_refused(begin: str, end: str, zone: str):
    with pytest.raises(measures.BadPeriod):
        measures.periods.read(begin, end, zone)


def test_a_scope_survives_its_address():
    scope = Scope(teams=(1, 0), channels=("email",), priorities=("high",))  # type: ignore[arg-type]
    assert measures.scopes.read(scope.as_query()) == scope
    for wrong in ({"teams": "x"}, {"priorities": "huge"}, {"agents": "-1"}, {"tags": "1" * 30}):
        with pytest.raises(measures.BadScope):
            measures.scopes.read(wrong)


async def test_old_tickets_are_counted_by_and_by(scene: Scene):
    """After an upgrade there are tickets without facts; a killed walk goes on where it was."""
    week = await lived(scene)
    before = await facts(scene)
    async with committed(scene.desk.sessions) as session:
        await session.execute(delete(measures.TicketFact))
        walk = await session.get_one(measures.FactWalk, 1)
        walk.upto = max(ticket.id for ticket in week.tickets.values())
    async with scene.desk.sessions() as session:
        assert await measures.left(session) > 0
    done = 1
    while done:
        async with committed(scene.desk.sessions) as session:
            done = await measures.catch_up(session)
    assert await facts(scene) == before
    async with scene.desk.sessions() as session:
        assert await measures.left(session) == 0


async def facts(scene: Scene) -> dict[str, list[dict[str, Any]]]:
    async with scene.desk.sessions() as session:
        found = {}
        for table in (measures.TicketFact, measures.TicketSpell, measures.TicketReply):
            rows = (
                await session.execute(select(table.__table__).order_by(*table.__table__.primary_key))
            ).mappings()
            found[table.__tablename__] = [{k: v for k, v in row.items() if k != "counted_at"} for row in rows]
        return found
