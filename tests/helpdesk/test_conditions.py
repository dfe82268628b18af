"""The language of conditions: what SQL says of random trees and tickets is what a plain evaluator says."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from helpdesk import conditions
from helpdesk.conditions import FIELDS, All, BadCondition, Condition, Either, Not, Operator, Sort, Where
from helpdesk.conditions.reading import span
from helpdesk.database import committed
from helpdesk.fields import FieldKind
from helpdesk.labels import Tag, ticket_tag
from helpdesk.people import Agent, with_access
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail

AT = datetime(2026, 5, 10, 12, tzinfo=UTC)
DAYS = [AT - timedelta(days=n) for n in (0, 1, 3, 40)]
CUSTOM = {
    "fields.plan": FieldKind.choice,
    "fields.seats": FieldKind.number,
    "fields.vip": FieldKind.boolean,
    "fields.ends": FieldKind.date,
    "fields.note": FieldKind.text,
    "fields.parts": FieldKind.choices,
}
FACTS: list[dict[str, Any]] = [
    {"subject": "Invoice 50% off", "priority": "urgent", "assignee_id": 1, "waiting_since": DAYS[1],
     "fields": {"plan": "free", "seats": 3, "vip": True, "ends": "2026-05-11", "parts": ["a", "b"]}, "tags": [1]},
    {"subject": "invoice", "priority": "low", "assignee_id": None, "waiting_since": None,
     "fields": {"plan": "team", "seats": 12.5, "note": "Größe_1"}, "tags": [1, 2], "removed": "spam"},
    {"subject": "", "priority": "normal", "assignee_id": 2, "waiting_since": DAYS[3],
     "fields": {"vip": False, "ends": "2026-01-01", "parts": ["b"]}, "tags": []},
    {"subject": "A_b\\c", "priority": "high", "assignee_id": 1, "waiting_since": DAYS[2],
     "fields": {}, "tags": [2], "team_id": None},
]  # fmt: skip

text = st.sampled_from(["invoice", "50%", "_", "\\", "Größe", "A_B\\C", "none of them"])
number = st.sampled_from([0, 3, 5, 12.5])
day = st.sampled_from(["2026-05-09", "2026-05-10", "2026-01-01"])
length = st.sampled_from(["30m", "36h", "2d", "4w"])


def _where(name: str, sort: Sort, one: st.SearchStrategy[Any]) -> st.SearchStrategy[Where]:
    field = FIELDS.get(name)
    operators = list(field.operators if field else conditions.OPERATORS[sort])

    def values(operator: Operator) -> st.SearchStrategy[Where]:
        if not operator.takes_value:
            return st.just(Where(name, operator))
        value = (
            length
            if operator.takes_span
            else st.lists(one, min_size=1, max_size=3)
            if operator.takes_list
            else one
        )
        return value.map(lambda given: Where(name, operator, given))

    return st.sampled_from(operators).flatmap(values)


leaves = st.one_of(
    _where("subject", Sort.text, text),
    _where("priority", Sort.choice, st.sampled_from(["low", "normal", "high", "urgent"])),
    _where("assignee", Sort.one, st.sampled_from([1, 2, 3, "me"])),
    _where("tags", Sort.several, st.sampled_from([1, 2, 9])),
    _where("waiting_since", Sort.instant, day),
    _where("removed", Sort.choice, st.sampled_from(["spam", "trash"])),
    _where("settled", Sort.flag, st.booleans()),
    _where("fields.plan", Sort.choice, st.sampled_from(["free", "team", "other"])),
    _where("fields.seats", Sort.number, number),
    _where("fields.vip", Sort.flag, st.booleans()),
    _where("fields.ends", Sort.day, day),
    _where("fields.note", Sort.text, text),
    _where("fields.parts", Sort.names, st.sampled_from(["a", "b", "z"])),
)
trees: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda of: All(tuple(of))),
        st.lists(inner, max_size=3).map(lambda of: Either(tuple(of))),
        inner.map(Not),
    ),
    max_leaves=6,
)


def holds(condition: Condition, facts: dict[str, Any], me: int) -> bool:
    match condition:
        case All(of):
            return all(holds(each, facts, me) for each in of)
        case Either(of):
            return any(holds(each, facts, me) for each in of)
        case Not(of):
            return not holds(of, facts, me)
        case Where():
            return statement(condition, facts, me)


def statement(where: Where, facts: dict[str, Any], me: int) -> bool:
    name = where.field
    if name == "settled":
        return where.value is False  # none of them is
    if name.startswith("fields."):
        found = facts["fields"].get(name.partition(".")[2])
        if CUSTOM[name] is FieldKind.boolean:
            return bool(found is True) is where.value
    else:
        found = facts.get({"assignee": "assignee_id"}.get(name, name))
    given = [
        me if each == "me" else each
        for each in (where.value if isinstance(where.value, list) else [where.value])
    ]
    return COMPARED[where.operator](found, given)


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def some(found: Any, given: list[Any]) -> bool:
    listed = found if isinstance(found, list) else [] if found is None else [found]
    return any(lower(one) == lower(each) for one in listed for each in given)


def empty(found: Any, _given: list[Any]) -> bool:
    return found is None or found in ("", [])


def ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    def compared(found: Any, given: list[Any]) -> bool:
        if found is None:
            return False
        other = given[0]
        if isinstance(found, datetime):
            other = datetime.fromisoformat(other).replace(tzinfo=ZoneInfo("Europe/Berlin"))
        return test(found, other)

    return compared


def within(test: Callable[[Any, Any, Any], bool], sign: int) -> Callable[[Any, list[Any]], bool]:
    def compared(found: Any, given: list[Any]) -> bool:
        if found is None:
            return False
        edge = AT + sign * span(given[0])
        if isinstance(found, datetime):
            return test(found, edge, AT)
        zone = ZoneInfo("Europe/Berlin")
        return test(found, edge.astimezone(zone).date().isoformat(), AT.astimezone(zone).date().isoformat())

    return compared


def words(test: Callable[[str, str], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda found, given: found is not None and test(found.lower(), given[0].lower())


COMPARED: dict[Operator, Callable[[Any, list[Any]], bool]] = {
    Operator.is_: some,
    Operator.is_not: lambda found, given: not some(found, given),
    Operator.any_of: some,
    Operator.none_of: lambda found, given: not some(found, given),
    Operator.all_of: lambda found, given: all(some(found, [each]) for each in given),
    Operator.contains: words(lambda found, given: given in found),
    Operator.lacks: lambda found, given: not words(lambda a, b: b in a)(found, given),
    Operator.starts_with: words(str.startswith),
    Operator.ends_with: words(str.endswith),
    Operator.above: ordered(lambda found, given: found > given),
    Operator.below: ordered(lambda found, given: found < given),
    Operator.before: ordered(lambda found, given: found < given),
    Operator.after: ordered(lambda found, given: found >= given),
    Operator.within_last: within(lambda found, edge, at: edge < found <= at, -1),
    Operator.longer_ago: within(lambda found, edge, _at: found <= edge, -1),
    Operator.within_next: lambda found, given: _next(found, given),
    Operator.is_empty: empty,
    Operator.is_not_empty: lambda found, given: not empty(found, given),
}


def _next(found: Any, given: list[Any]) -> bool:
    """From an instant on, but from a day on that day included."""
    if isinstance(found, datetime):
        return within(lambda one, edge, at: at < one <= edge, 1)(found, given)
    return within(lambda one, edge, at: at <= one <= edge, 1)(found, given)


async def prepared(scene: Scene) -> list[int]:
    ids = []
    for n, facts in enumerate(FACTS):
        ticket = await scene.receives(mail(sender=f"p{n}@x.example"))
        async with committed(scene.desk.sessions) as session:
            row = await session.get_one(Ticket, ticket.id)
            for name, value in facts.items():
                if name != "tags":
                    setattr(row, name, value)
        ids.append(ticket.id)
    async with committed(scene.desk.sessions) as session:
        session.add_all([Tag(id=1, name="one"), Tag(id=2, name="two")])
        await session.flush()
        for ticket_id, facts in zip(ids, FACTS, strict=True):
            for tag in facts["tags"]:
                await session.execute(ticket_tag.insert().values(ticket_id=ticket_id, tag_id=tag))
        (await session.get_one(Agent, 1)).time_zone = "Europe/Berlin"
    return ids


async def test_sql_and_an_evaluator_agree(scene: Scene):
    ids = await prepared(scene)
    drawn: list[Condition] = []

    @given(trees)
    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def draw(tree: Condition) -> None:
        drawn.append(tree)

    draw()
    async with scene.desk.sessions() as session:
        agent = (
            (await session.scalars(select(Agent).where(Agent.id == 1).options(*with_access()))).unique().one()
        )
        for tree in drawn:
            parsed = conditions.parse(conditions.as_json(tree), CUSTOM)
            query = select(Ticket.id).where(conditions.compile(parsed, agent, AT))
            found = set(await session.scalars(query))
            wanted = {number for number, facts in zip(ids, FACTS, strict=True) if holds(parsed, facts, 1)}
            assert found == wanted, conditions.describe(parsed)


async def test_every_field_and_operator_is_a_query_that_runs(scene: Scene):
    await scene.receives(mail())
    sample = {
        Sort.text: "x", Sort.words: "x", Sort.number: 1, Sort.one: 1, Sort.several: 1, Sort.instant: "2026-01-01",
        Sort.flag: True, Sort.day: "2026-01-01", Sort.names: "x",
    }  # fmt: skip
    async with scene.desk.sessions() as session:
        agent = (
            (await session.scalars(select(Agent).where(Agent.id == 2).options(*with_access()))).unique().one()
        )
        for field in FIELDS.values():
            for operator in field.operators:
                value: Any = field.choices[0] if field.choices else sample.get(field.sort, "x")
                value = "7d" if operator.takes_span else [value] if operator.takes_list else value
                wanted = conditions.parse(
                    Where(field.name, operator, value if operator.takes_value else None)
                )
                both = [conditions.compile(each, agent, AT) for each in (wanted, Not(wanted))]
                counted = [len((await session.scalars(select(Ticket.id).where(each))).all()) for each in both]
                assert sum(counted) == 1, (field.name, operator)  # one or the other, never neither
                assert conditions.describe(wanted)


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ('{"kind": "where", "field": "nothing", "operator": "is", "value": 1}', "nothing", "no field"),
        ({"kind": "where", "field": "tags", "operator": "starts_with", "value": "a"}, "tags", "possible are"),
        ({"kind": "where", "field": "priority", "operator": "is", "value": "big"}, "priority", "one of: low"),
        ({"kind": "where", "field": "created", "operator": "before", "value": "soon"}, "created", "a date"),
        (
            {"kind": "where", "field": "created", "operator": "within_last", "value": "soon"},
            "created",
            "length",
        ),
        ({"kind": "where", "field": "assignee", "operator": "is", "value": "you"}, "assignee", "me"),
        ({"kind": "where", "field": "number", "operator": "is", "value": 1e40}, "number", "a number"),
        ({"kind": "where", "field": "subject", "operator": "contains", "value": "x" * 501}, "subject", "500"),
        ({"kind": "where", "field": "tags", "operator": "any_of", "value": []}, "tags", "1 to 100"),
        ({"kind": "where", "field": "fields.gone", "operator": "is", "value": 1}, "fields.gone", "no field"),
        ("[" * 10000, "", "cannot be read"),
        ('{"kind": "other"}', "", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_field(given: object, field: str, words: str):
    with pytest.raises(BadCondition, match=words) as caught:
        conditions.parse(given, {})
    assert caught.value.field == field


def test_trees_have_limits():
    deep: dict[str, Any] = {"kind": "where", "field": "number", "operator": "is", "value": 1}
    for _ in range(8):
        deep = {"kind": "not", "of": deep}
    with pytest.raises(BadCondition, match="deep"):
        conditions.parse(deep)
    leaf = {"kind": "where", "field": "number", "operator": "is", "value": 1}
    with pytest.raises(BadCondition, match="at most 60"):
        conditions.parse({"kind": "all", "of": [leaf] * 61})


def test_what_was_removed_is_left_out_unless_it_is_asked_for():
    urgent = Where("priority", Operator.is_, "urgent")
    spam = Where("removed", Operator.is_, "spam")
    assert conditions.kept(urgent) == All((urgent, Where("removed", Operator.is_empty)))
    assert conditions.kept(Either((urgent, spam))) == Either((urgent, spam))
    assert conditions.kept(All()) == Where("removed", Operator.is_empty)
