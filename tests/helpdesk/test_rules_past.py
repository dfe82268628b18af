"""What tickets were at moments of the past, and whether a condition held for them then."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import selectinload

from helpdesk import clock, conditions
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.errors import Conflict
from helpdesk.labels import TicketType, tags_called
from helpdesk.messages import InboundMessage
from helpdesk.rules.judging import Judge
from helpdesk.rules.past import FIELDS, State, histories
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from tests.scenes import Scene, mail

Verb = Callable[[Ticket], Any]


async def _stands(scene: Scene, ticket_id: int) -> State:
    async with scene.desk.sessions() as session:
        ticket = await session.get_one(Ticket, ticket_id, options=[selectinload(Ticket.tags)])
        return {
            "assignee": ticket.assignee_id,
            "team": ticket.team_id,
            "status": ticket.status_id,
            "category": ticket.category,
            "priority": ticket.priority,
            "type": ticket.type_id,
            "tags": frozenset(tag.id for tag in ticket.tags),
            "removed": ticket.removed,
            "snoozed": ticket.snoozed_until is not None,
            "settled": ticket.is_settled,
            "active": ticket.is_active,
        }


@pytest.mark.parametrize("seed", range(6))
async def test_a_life_is_told_back_from_its_events(scene: Scene, seed: int):
    chance = random.Random(seed)  # noqa: S311
    first = mail()
    ticket = await scene.receives(first)
    lived: list[tuple[datetime, State]] = []
    async with committed(scene.desk.sessions) as session:
        question = TicketType(name="Question")
        session.add(question)
    minutes = 0
    for _step in range(25):
        minutes += chance.randint(1, 300)
        with clock.moved(timedelta(minutes=minutes)):
            await _something(scene, chance, ticket, first, question)
            lived.append((now(), await _stands(scene, ticket.id)))
    async with scene.desk.sessions() as session:
        history = (await histories(session, [ticket.id]))[ticket.id]
    for at, state in lived:
        assert history.at(at) == state, at


async def _something(
    scene: Scene, chance: random.Random, ticket: Ticket, first: InboundMessage, question: Any
) -> None:
    ada, liam = scene.agents["Ada"], scene.agents["Liam"]
    steps: list[Callable[[], Awaitable[Any]]] = [
        lambda: scene.receives(mail("And now?", thread=(first.external_id,))),
        lambda: scene.replies(ticket),
        lambda: scene.does(ticket, "assign", chance.choice([ada, liam, None]), by=ada),
        lambda: scene.does(ticket, "move", chance.choice([*scene.teams.values(), None]), by=ada),
        lambda: scene.does(ticket, "prioritise", chance.choice(list(Priority)), by=ada),
        lambda: scene.does(ticket, "hold", by=ada),
        lambda: scene.does(ticket, "take_up", by=ada),
        lambda: scene.does(ticket, "resolve", by=ada),
        lambda: scene.does(ticket, "reopen", by=ada),
        lambda: scene.does(ticket, "classify", chance.choice([question, None]), by=ada),
        lambda: scene.does(ticket, "snooze", NEXT_REPLY, by=ada),
        lambda: scene.does(ticket, "wake", by=ada),
        lambda: scene.does(ticket, "remove", chance.choice([Removal.spam, Removal.trash]), by=ada),
        lambda: scene.does(ticket, "restore", by=ada),
        lambda: _tag(scene, ticket, chance),
    ]
    try:
        await chance.choice(steps)()
    except Conflict:
        return  # e.g. resolved already: nothing happened


async def _tag(scene: Scene, ticket: Ticket, chance: random.Random) -> None:
    async with committed(scene.desk.sessions) as session:
        found = await session.get_one(Ticket, ticket.id, options=[selectinload(Ticket.tags)])
        tags = await tags_called(session, [chance.choice(["vip", "refund", "late"])], by=scene.agents["Ada"])
        (found.untag if chance.random() < 0.4 else found.tag)(*tags, by=scene.agents["Ada"])


WAS = {
    # what is asked                                                          before, after it became urgent
    "priority is urgent": ({"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}, False, True),
    "priority is not urgent": (
        {"kind": "where", "field": "priority", "operator": "is_not", "value": "urgent"}, True, False
    ),
    "normal and about a question": (
        {"kind": "all", "of": [
            {"kind": "where", "field": "priority", "operator": "any_of", "value": ["low", "normal"]},
            {"kind": "where", "field": "subject", "operator": "contains", "value": "question"},
        ]}, True, False
    ),
    "not (urgent or assigned)": (
        {"kind": "not", "of": {"kind": "any", "of": [
            {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"},
            {"kind": "where", "field": "assignee", "operator": "is_not_empty"},
        ]}}, True, False
    ),
    "active": ({"kind": "where", "field": "active", "operator": "is", "value": True}, True, True),
    "not settled": ({"kind": "where", "field": "settled", "operator": "is", "value": False}, True, True),
    "no tags": ({"kind": "where", "field": "tags", "operator": "is_empty"}, True, True),
}  # fmt: skip


@pytest.mark.parametrize("asked", WAS)
async def test_a_condition_is_asked_of_what_a_ticket_was(scene: Scene, asked: str):
    written, before, after = WAS[asked]
    ticket = await scene.receives()
    early = now()
    with clock.moved(timedelta(hours=1)):
        await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
        late = now()
    async with scene.desk.sessions() as session:
        judge = Judge(session, conditions.parse(written))
        await judge.load([ticket.id])
        history = (await histories(session, [ticket.id]))[ticket.id]
        assert (
            judge.holds(
                ticket.id,
                history.at(early),
            )
            is before
        )
        assert judge.holds(ticket.id, history.at(late)) is after
    assert {each.field for each in judge.by_today} == ({"subject"} if "question" in asked else set())


def test_what_is_told_back_is_what_conditions_know():
    assert set(conditions.FIELDS) >= FIELDS
