"""Statuses of a desk's own, within the six categories that clocks and queues go by; types; required fields."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, labels, registers, statuses
from helpdesk.database import committed
from helpdesk.events import DESK, Event, Kind
from helpdesk.fields import Description, Subject, Unfilled
from helpdesk.labels import BadColour, BadName, TypeTaken
from helpdesk.statuses import BUILT_IN, AlwaysThere, Category, NameTaken, Status
from helpdesk.tickets import NotOffered
from tests.scenes import Scene, mail


async def made(scene: Scene, name: str, category: Category) -> Status:
    async with committed(scene.desk.sessions) as session:
        return await statuses.save(
            session, None, category=category, name=name, customer_name="", colour="teal", by=DESK
        )


async def built_in(session: AsyncSession, category: Category) -> Status:
    return await session.get_one(Status, BUILT_IN[category])


async def test_every_category_has_a_status_of_its_own_with_a_name_for_customers(session: AsyncSession):
    found = (await registers.load(session)).statuses
    assert [status.category for status in found.values()] == list(Category)
    assert all(status.is_built_in and status.customer_name for status in found.values())


async def test_a_status_that_is_chosen_acts_as_its_category_says(scene: Scene):
    ticket = await scene.receives()
    parts = await made(scene, "Waiting for parts", Category.on_hold)
    refunded = await made(scene, "Refunded", Category.resolved)
    for status, settled in ((parts, False), (refunded, True), (parts, False)):
        await scene.does(ticket, "become", status, by=scene.agents["Ada"])
        after = await scene.ticket(ticket.id)
        assert (after.category, after.status_id, after.is_settled) == (status.category, status.id, settled)
        assert (after.resolved_at is not None) == settled
    told = [kind for kind in await scene.kinds(ticket) if not kind.startswith("sla_")]
    assert told[-4:] == [
        Kind.resolved,
        Kind.status_changed,
        Kind.reopened,
        Kind.status_changed,
    ]


async def test_a_customer_who_answers_wakes_a_status_of_ones_own(scene: Scene):
    ticket = await scene.receives()
    await scene.does(
        ticket, "become", await made(scene, "Asked again", Category.waiting), by=scene.agents["Ada"]
    )
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")

    assert (await scene.receives(mail("Here you are", tokens=(token,)))).id == ticket.id
    after = await scene.ticket(ticket.id)
    assert (after.category, after.status_id) == (Category.open, BUILT_IN[Category.open])


async def test_an_archived_status_stays_where_it_is_and_is_not_taken_again(scene: Scene):
    ticket = await scene.receives()
    parts = await made(scene, "Waiting for parts", Category.on_hold)
    await scene.does(ticket, "become", parts, by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        parts = await session.get_one(Status, parts.id)
        statuses.archive(session, parts, True, by=scene.agents["Ada"])
    assert (await scene.ticket(ticket.id)).status_id == parts.id
    other = await scene.receives()
    with pytest.raises(NotOffered):
        await scene.does(other, "become", parts, by=scene.agents["Ada"])


async def test_a_built_in_status_is_renamed_and_never_archived(session: AsyncSession):
    status = await built_in(session, Category.waiting)
    await statuses.save(
        session,
        status,
        category=Category.new,
        name="Over to them",
        customer_name="Your turn",
        colour="pink",
        by=DESK,
    )
    assert (status.category, status.name, status.customer_name) == (
        Category.waiting,
        "Over to them",
        "Your turn",
    )
    with pytest.raises(AlwaysThere):
        statuses.archive(session, status, True, by=DESK)


async def test_names_are_kept_apart_whatever_their_case(session: AsyncSession):
    async def save(name: str, colour: str = "red") -> None:
        await statuses.save(
            session, None, category=Category.open, name=name, customer_name="", colour=colour, by=DESK
        )

    with pytest.raises(NameTaken):
        await save("on HOLD")
    for name in ("", "   ", "x" * 51):
        with pytest.raises(BadName):
            await save(name)
    with pytest.raises(BadColour):
        await save("Fine", "url(javascript:1)")
    await labels.save_type(session, None, name="Bug", colour="red", by=DESK)
    with pytest.raises(TypeTaken):
        await labels.save_type(session, None, name=" bug ", colour="red", by=DESK)


async def test_statuses_are_put_into_an_order(scene: Scene):
    names = ["One", "Two", "Three"]
    for name in names:
        await made(scene, name, Category.open)
    async with committed(scene.desk.sessions) as session:
        rows = [s for s in (await registers.load(session)).statuses.values() if s.category is Category.open]
        assert [s.name for s in rows] == ["Open", *names] or {s.name for s in rows} == {"Open", *names}
        statuses.reorder(rows, rows[-1], up=True)
    async with scene.desk.sessions() as session:
        after = [
            s.name for s in (await registers.load(session)).statuses.values() if s.category is Category.open
        ]
    assert after == [rows[0].name, rows[1].name, rows[3].name, rows[2].name]


async def test_a_required_field_is_asked_for_whatever_way_a_ticket_is_resolved(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        for name, required in (("Order", True), ("Cause", True), ("Colour", False)):
            await fields.add(session, Subject.ticket, Description(name=name, required=required), by=DESK)
    ada = scene.agents["Ada"]
    ticket = await scene.receives()
    resolved = await made(scene, "Refunded", Category.resolved)
    for verb, *rest in (("resolve",), ("close",), ("become", resolved)):
        with pytest.raises(Unfilled, match="Order, Cause") as refused:
            await scene.does(ticket, verb, *rest, by=ada)
        assert refused.value.keys == ["order", "cause"]
        assert not (await scene.ticket(ticket.id)).is_settled
    async with committed(scene.desk.sessions) as session:
        registry = await fields.load(session, Subject.ticket)
        (await scene.ticket(ticket.id, session)).fill(registry, {"order": "A-1", "cause": "Rain"}, by=ada)
    await scene.does(ticket, "resolve", by=ada)
    assert (await scene.ticket(ticket.id)).is_settled


async def test_the_desk_itself_resolves_what_nobody_has_filled_in(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        await fields.add(session, Subject.ticket, Description(name="Order", required=True), by=DESK)
    ticket = await scene.receives()
    await scene.does(ticket, "resolve", by=DESK)
    assert (await scene.ticket(ticket.id)).is_settled


async def test_events_tell_of_choices_and_never_of_what_was_written(scene: Scene):
    ada, ticket = scene.agents["Ada"], await scene.receives()
    async with committed(scene.desk.sessions) as session:
        await fields.add(session, Subject.ticket, Description(name="Name of the child"), by=ada)
        kind = Description(name="Plan", kind=fields.FieldKind.choice, choices=["Free", "Paid"])
        await fields.add(session, Subject.ticket, kind, by=ada)
        registry = await fields.load(session, Subject.ticket)
        loaded = await scene.ticket(ticket.id, session)
        loaded.fill(registry, {"name_of_the_child": "Kim", "plan": "Paid"}, by=ada)
        loaded.fill(registry, {"plan": "Paid"}, by=ada)
    async with scene.desk.sessions() as session:
        told = await session.scalars(
            select(Event.data).where(Event.kind == Kind.field_changed).order_by(Event.id)
        )
        assert told.all() == [
            {"field": "name_of_the_child", "emptied": False},
            {"field": "plan", "was": None, "now": "Paid"},
        ]
