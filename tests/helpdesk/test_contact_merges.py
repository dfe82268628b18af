"""Merging contacts, compared as exports of everything that is stored: undone, nothing is left of it."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from helpdesk import contact_merges, contacts
from helpdesk.contact_merges import MOVED, STAYS, ContactMerge, MergedAlready, MergedFurther, UndoneAlready
from helpdesk.database import Base, committed
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail

TABLES = ("contact", *MOVED)


async def state(scene: Scene, *, without: tuple[int, ...] = ()) -> dict[str, list[Any]]:
    """Every row of every table that a merge touches; `without` are tickets that came in between."""
    found: dict[str, list[Any]] = {}
    async with scene.desk.sessions() as session:
        for table in TABLES:
            key = {"ticket": "id", "message": "ticket_id", "ticket_participant": "ticket_id"}.get(table)
            where = f"WHERE NOT {key} = ANY(:without)" if key else ""
            given = {"without": list(without)} if key else {}
            rows = await session.scalars(
                text(f"SELECT to_jsonb(t) FROM {table} t {where} ORDER BY t.id"), given
            )
            found[table] = list(rows)
    return found


async def two_people(scene: Scene) -> tuple[Ticket, Ticket]:
    """Marta and her other self, with tickets, notes, fields, identities, and both in copy of one ticket."""
    one = await scene.receives(mail(sender="marta@lumen.example"))
    other = await scene.receives(mail(sender="marta@private.example"))
    third = await scene.receives(mail(sender="noor@lumen.example"))
    await scene.replies(other)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        winner = await session.get_one(Contact, one.contact_id)
        loser = await session.get_one(Contact, other.contact_id)
        await contacts.note(session, loser, "Calls on Fridays", by=ada)
        await contacts.add_identity(session, loser, "phone", "+49 30 1234567", by=ada)
        await contacts.change(session, loser, {"title": "Head of Ops", "language": "de"}, by=ada)
        await contacts.change(session, winner, {"language": "fr"}, by=ada)
        loser.fields, winner.fields = {"seats": 5, "vip": True}, {"seats": 9}
        for contact in (winner, loser):
            session.add(Participant(ticket_id=third.id, contact_id=contact.id, part=Part.copy))
        session.add(Participant(ticket_id=one.id, contact_id=loser.id, part=Part.copy))
    return one, other


async def merged(scene: Scene, winner: int, loser: int) -> int:
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        pair = await session.get_one(Contact, winner), await session.get_one(Contact, loser)
        return (await contact_merges.merge(session, *pair, by=ada)).id


async def unmerged(scene: Scene, number: int) -> None:
    async with committed(scene.desk.sessions) as session:
        done = await session.get_one(ContactMerge, number)
        await contact_merges.unmerge(session, done, by=await session.get_one(Agent, scene.agents["Ada"].id))


async def test_undone_everything_is_exactly_as_it_was(scene: Scene):
    one, other = await two_people(scene)
    before = await state(scene)
    done = await merged(scene, one.contact_id, other.contact_id)
    during = await state(scene)
    assert during != before
    winner = next(row for row in during["contact"] if row["id"] == one.contact_id)
    assert (winner["title"], winner["language"], winner["fields"]) == (
        "Head of Ops",
        "fr",
        {"seats": 9, "vip": True},
    )
    for table in MOVED:
        assert other.contact_id not in [row["contact_id"] for row in during[table]], table
    await unmerged(scene, done)
    assert await state(scene) == before


async def test_what_comes_in_between_goes_to_whose_address_it_came_from(scene: Scene):
    one, other = await two_people(scene)
    before = await state(scene)
    done = await merged(scene, one.contact_id, other.contact_id)
    theirs = await scene.receives(mail("In between", sender="marta@private.example"))
    ours = await scene.receives(mail("From the first", sender="marta@lumen.example"))
    assert theirs.contact_id == ours.contact_id == one.contact_id
    await unmerged(scene, done)
    assert (await scene.ticket(theirs.id)).contact_id == other.contact_id
    assert (await scene.ticket(ours.id)).contact_id == one.contact_id
    assert [m.contact_id for m in await scene.messages(theirs)] == [other.contact_id]
    assert await state(scene, without=(theirs.id, ours.id)) == before


async def test_what_an_agent_changed_in_between_stays(scene: Scene):
    one, other = await two_people(scene)
    done = await merged(scene, one.contact_id, other.contact_id)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id)
        await contacts.change(
            session, await session.get_one(Contact, one.contact_id), {"title": "CEO"}, by=ada
        )
    await unmerged(scene, done)
    async with scene.desk.sessions() as session:
        assert (await session.get_one(Contact, one.contact_id)).title == "CEO"
        assert (await session.get_one(Contact, other.contact_id)).title == "Head of Ops"


async def test_a_chain_is_undone_from_its_end(scene: Scene):
    one, other = await two_people(scene)
    third = await scene.receives(mail(sender="m.reyes@old.example"))
    before = await state(scene)
    first = await merged(scene, one.contact_id, other.contact_id)
    second = await merged(scene, third.contact_id, one.contact_id)
    with pytest.raises(MergedFurther):
        await unmerged(scene, first)
    with pytest.raises(MergedAlready):
        await merged(scene, one.contact_id, third.contact_id)
    await unmerged(scene, second)
    await unmerged(scene, first)
    assert await state(scene) == before
    with pytest.raises(UndoneAlready):
        await unmerged(scene, first)


async def test_it_can_be_done_again_after_it_was_undone(scene: Scene):
    one, other = await two_people(scene)
    first = await merged(scene, one.contact_id, other.contact_id)
    during = await state(scene)
    await unmerged(scene, first)
    again = await merged(scene, one.contact_id, other.contact_id)
    assert await state(scene) == during
    await unmerged(scene, again)


def test_no_table_that_names_contacts_is_forgotten():
    """A new table with a `contact_id` says whether it moves with a merge, or this fails."""
    naming = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "contact"
    }
    assert naming <= {*MOVED, *STAYS}, json.dumps(sorted(naming))
