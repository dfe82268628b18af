"""Custom fields: what each kind takes and refuses, in words, and what happens to values when fields change."""

import json
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.errors import Invalid
from helpdesk.fields import BadValue, CustomField, Registry, Subject, UnknownField
from helpdesk.tickets import Ticket
from helpdesk.values import FieldKind, Wrong, compiled
from tests.conftest import CORPORA, missing
from tests.scenes import Scene

NAUGHTY = CORPORA / "security/naughty.jsonl"


def field(kind: FieldKind, key: str = "it", **rest: Any) -> CustomField:
    values: dict[str, Any] = {
        "choices": [],
        "pattern": "",
        "archived": False,
        "required": False,
        "position": 0,
    }
    return CustomField(subject=Subject.ticket, key=key, name=key.title(), kind=kind, **(values | rest))


COLOURS = field(FieldKind.choices, choices=["red", "green", "dark, blue"])
TAKEN: list[tuple[CustomField, object, Any]] = [
    (field(FieldKind.text), "  some\x00 text ", "some text"),
    (field(FieldKind.text), "   ", None),
    (field(FieldKind.number), "12.50", 12.5),
    (field(FieldKind.number), "\N{MINUS SIGN}3", -3),
    (field(FieldKind.number), 0, 0),
    (field(FieldKind.number), 7.0, 7),
    (field(FieldKind.boolean), "on", True),
    (field(FieldKind.boolean), False, False),
    (field(FieldKind.boolean), "No", False),
    (field(FieldKind.date), "2026-02-28", "2026-02-28"),
    (field(FieldKind.choice, choices=["Bug", "Wish"]), "Wish", "Wish"),
    (COLOURS, ["green", "red", ""], ["red", "green"]),
    (COLOURS, "red; green", ["red", "green"]),
    (COLOURS, "dark, blue", ["dark, blue"]),
    (COLOURS, [], None),
    (field(FieldKind.link), "https://lumen.example/a?b=c", "https://lumen.example/a?b=c"),
    (field(FieldKind.pattern, pattern=r"[A-Z]{2}-\d+"), "AB-17", "AB-17"),
]
REFUSED: list[tuple[CustomField, object, str]] = [
    (field(FieldKind.text), 5, "takes text"),
    (field(FieldKind.text), "x" * 2001, "2000 characters, not 2001"),
    (field(FieldKind.number), "twelve", "such as 12 or 12.5"),
    (field(FieldKind.number), True, "takes a number"),
    (field(FieldKind.number), "NaN", "15 digits"),
    (field(FieldKind.number), float("inf"), "15 digits"),
    (field(FieldKind.number), "1e999999999", "15 digits"),
    (field(FieldKind.number), "1" * 100_000, "such as 12"),
    (field(FieldKind.number), "0.12345678", "6 digits behind"),
    (field(FieldKind.boolean), "maybe", "yes or no"),
    (field(FieldKind.boolean), 1, "yes or no"),
    (field(FieldKind.date), "2026-02-30", "a date such as"),
    (field(FieldKind.date), 20260228, "a date such as"),
    (field(FieldKind.choice, choices=["Bug", "Wish"]), "bug", "one of: Bug, Wish"),
    (COLOURS, ["red", "black"], "one of: red, green"),
    (COLOURS, {"red": 1}, "a list of choices"),
    (field(FieldKind.link), "javascript:alert(1)", "begins with https://"),
    (field(FieldKind.link), "https://", "begins with https://"),
    (field(FieldKind.link), "https://a b.example", "begins with https://"),
    (field(FieldKind.link), "https://[broken", "begins with https://"),
    (field(FieldKind.pattern, pattern=r"\d+"), "12a", r"of the form \d+"),
]


@pytest.mark.parametrize(("of", "given", "kept"), TAKEN)
def test_each_kind_takes_what_it_means(of: CustomField, given: object, kept: Any):
    value = of.read(given)
    assert value == kept
    assert type(value) is type(kept)
    assert of.read(value) == kept, "what is kept can be given again"
    json.dumps(value, allow_nan=False)


@pytest.mark.parametrize(("of", "given", "why"), REFUSED)
def test_what_does_not_fit_is_refused_by_the_fields_name(of: CustomField, given: object, why: str):
    with pytest.raises(BadValue) as refused:
        of.read(given)
    assert str(refused.value).startswith("It cannot be this: ")
    assert why in str(refused.value)
    assert isinstance(refused.value, Invalid)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "(.*a){20}", r"^(\w+\s?)*$"])
def test_a_pattern_made_to_loop_does_not(pattern: str):
    """By backtracking, each of these takes longer than the desk will stand."""
    started = process_time()
    with pytest.raises(BadValue):
        field(FieldKind.pattern, pattern=pattern).read("a" * 1999 + "!")
    assert process_time() - started < 1


@pytest.mark.parametrize("pattern", ["[", "(?=x)", r"(a)\1", "((((a{100}){100}){100}){100})", "x" * 501])
def test_a_pattern_that_cannot_be_used_says_why(pattern: str):
    with pytest.raises(Wrong, match="pattern"):
        compiled(pattern)


REGISTRY = Registry(
    Subject.ticket,
    [
        field(FieldKind.text, "order", position=2, required=True, customer_can_see=True),
        field(FieldKind.boolean, "paid", position=1, required=True, customer_can_see=False),
        field(FieldKind.text, "old", position=0, archived=True, required=True, customer_can_see=True),
    ],
)


def test_fields_stand_in_their_order_and_archived_ones_are_not_offered():
    assert [f.key for f in REGISTRY] == ["paid", "order"]
    assert [f.key for f in REGISTRY.all] == ["old", "paid", "order"]


def test_a_change_leaves_the_others_and_what_is_archived_and_empties_with_nothing():
    stored = {"old": "x", "order": "A", "unknown_by_now": 1}
    assert REGISTRY.changed(stored, {"order": "", "paid": "no"}) == {
        "old": "x",
        "unknown_by_now": 1,
        "paid": False,
    }


@pytest.mark.parametrize("key", ["nope", "old", "__proto__", "order'; DROP TABLE ticket;--"])
def test_a_field_that_is_not_there_is_refused_and_the_known_ones_are_named(key: str):
    with pytest.raises(UnknownField, match="paid, order"):
        REGISTRY.changed({}, {key: "x"})


def test_a_no_is_an_answer_to_a_required_question():
    assert [f.key for f in REGISTRY.missing({"paid": False})] == ["order"]


def test_customers_see_only_what_was_opened_to_them():
    stored = {"old": "x", "order": "A", "paid": True}
    assert [(f.field.key, f.text) for f in REGISTRY.filled(stored)] == [
        ("old", "x"),
        ("paid", "Yes"),
        ("order", "A"),
    ]
    assert [f.field.key for f in REGISTRY.filled(stored, for_customer=True)] == ["order"]


async def test_keys_are_made_of_names_and_never_used_twice(session: AsyncSession):
    for name, key in [
        ("Order number", "order_number"),
        ("Order number!", "order_number_2"),
        ("订单", "field"),
    ]:
        made = await fields.free_key(session, Subject.ticket, name)
        assert made == key
        session.add(CustomField(subject=Subject.ticket, key=made, name=name, kind=FieldKind.text))
        await session.flush()
    assert await fields.free_key(session, Subject.contact, "Order number") == "order_number"


async def test_tickets_are_found_by_what_their_fields_say(scene: Scene):
    ticket, _other = await scene.receives(), await scene.receives()
    colours = field(FieldKind.choices, "colours", choices=["red", "green"])
    async with scene.desk.sessions() as session:
        loaded = await session.get_one(Ticket, ticket.id)
        loaded.fields = Registry(Subject.ticket, [colours]).changed({}, {"colours": "red,green"})
        await session.flush()
        found = await session.scalars(select(Ticket.id).where(colours.equals(Ticket.fields, "green")))
        assert found.all() == [ticket.id]
        assert await fields.uses(session, colours, Ticket.fields) == 1


async def test_every_naughty_text_survives_the_round_trip(scene: Scene):
    if not NAUGHTY.exists():
        missing(str(NAUGHTY))
    texts = [json.loads(line)["text"] for line in Path(NAUGHTY).read_text().splitlines()]
    of = field(FieldKind.text)
    ticket = await scene.receives()
    async with scene.desk.sessions() as session:
        for text in (t for t in texts if isinstance(t, str) and len(t) <= 2000):
            value = of.read(text)
            loaded = await session.get_one(Ticket, ticket.id, populate_existing=True)
            loaded.fields = {"it": value}
            await session.flush()
            assert await session.scalar(select(Ticket.fields).where(Ticket.id == ticket.id)) == {"it": value}
