"""Sharing out a team's queue: who gets which ticket and why, never one twice, and back when somebody goes away."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from helpdesk import clock, presence, routing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.labels import tags_called, ticket_tag
from helpdesk.people import Agent, Availability, Membership, Role
from helpdesk.routing import AgentRouting, Candidate, Method, Needs, TeamRouting, assigning, choose
from helpdesk.tickets import Priority, Ticket
from helpdesk.topics import Topic
from tests.scenes import Scene, mail
from workers import sharing

MAIL = Needs("email")
AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_in_turn_it_is_who_got_one_longest_ago():
    one = Candidate(1, cap=5, given_at=AGO + timedelta(hours=1))
    two = Candidate(2, cap=5, given_at=AGO)
    three = Candidate(3, cap=5)
    assert [_id(choose(Method.in_turn, MAIL, each)) for each in ([one, two], [one, two, three])] == [2, 3]


def test_fewest_open_counts_what_each_can_take():
    busy = Candidate(1, cap=10, open=4)
    small = Candidate(2, cap=2, open=1)
    assert _id(choose(Method.fewest_open, MAIL, [busy, small])) == 1


def test_longest_free_is_first_who_has_nothing():
    free = Candidate(1, cap=5, open=0, given_at=AGO + timedelta(days=1))
    working = Candidate(2, cap=5, open=1, given_at=AGO)
    assert _id(choose(Method.longest_free, MAIL, [free, working])) == 1


def test_nobody_gets_more_than_they_can_take():
    full = Candidate(1, cap=2, open=2)
    chats = Candidate(2, cap=9, open=1, by_channel={"chat": 1}, channel_caps={"chat": 1})
    assert choose(Method.in_turn, Needs("chat"), [full, chats]) is None
    assert _id(choose(Method.in_turn, MAIL, [full, chats])) == 2
    chats.channel_caps["chat"] = 3
    choice = choose(Method.in_turn, Needs("chat"), [full, chats])
    assert choice
    assert [choice.reasons[key] for key in ("channel", "here", "most")] == ["chat", 1, 3]


def test_skills_are_waited_for_and_languages_preferred():
    plain = Candidate(1, cap=5, languages=frozenset({"de"}))
    skilled = Candidate(2, cap=5, open=5, skills=frozenset({"refund"}))
    asks = Needs("email", skills=frozenset({"refund"}))
    assert choose(Method.in_turn, asks, [plain, skilled]) is None, "who can do it is busy"
    relaxed = choose(Method.in_turn, Needs("email", skills=asks.skills, relaxed=True), [plain, skilled])
    assert relaxed
    assert (relaxed.agent_id, relaxed.reasons["without"]) == (1, ["refund"])
    german = choose(Method.in_turn, Needs("email", "de"), [Candidate(3, cap=5), plain])
    assert german
    assert (german.agent_id, german.reasons["language"]) == (1, "de")
    assert _id(choose(Method.in_turn, Needs("email", "fi"), [Candidate(3, cap=5), plain])) in {1, 3}


@given(
    st.sampled_from([method for method in Method if method is not Method.by_hand]),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=8),
    st.integers(1, 40),
)
def test_all_are_shared_out_until_everybody_is_full(method: Method, people: Any, tickets: int):
    candidates = [Candidate(n, cap=cap, open=min(held, cap)) for n, (cap, held) in enumerate(people)]
    room = sum(one.cap - one.open for one in candidates)
    at, given_out = AGO, 0
    for _ in range(tickets):
        choice = choose(method, MAIL, candidates)
        if choice is None:
            break
        at += timedelta(seconds=1)
        candidates[choice.agent_id].takes("email", at)
        given_out += 1
    assert given_out == min(room, tickets)
    assert all(one.open <= one.cap for one in candidates)


@pytest.fixture
async def team(scene: Scene) -> Scene:
    """Billing shares out in turn; Ada and Liam are there."""
    async with committed(scene.desk.sessions) as session:
        session.add(TeamRouting(team_id=scene.teams["Billing"].id, method=Method.in_turn))
        for name in ("Ada", "Liam"):
            (await session.get_one(Agent, scene.agents[name].id)).present_at = now()
    return scene


async def shared_out(scene: Scene) -> int:
    return await sharing.share_out(scene.desk)


async def holders(scene: Scene) -> Counter[int | None]:
    return Counter(ticket.assignee_id for ticket in await scene.tickets())


async def arrive(scene: Scene, number: int) -> list[Ticket]:
    return [await scene.receives(mail(f"Question {n}", sender=f"p{n}@x.example")) for n in range(number)]


async def test_a_queue_is_shared_out_with_reasons(team: Scene):
    await arrive(team, 5)
    assert await shared_out(team) == 5
    assert sorted((await holders(team)).values()) == [2, 3]
    async with team.desk.sessions() as session:
        events = (await session.scalars(select(Event).where(Event.kind == Kind.assigned))).all()
    assert {event.data["because"]["method"] for event in events} == {"in_turn"}
    assert {event.actor.value for event in events} == {"desk"}
    assert await shared_out(team) == 0


async def test_what_is_urgent_goes_first_and_limits_hold(team: Scene):
    tickets = await arrive(team, 3)
    await team.does(tickets[2], "prioritise", Priority.urgent, by=team.agents["Ada"])
    async with committed(team.desk.sessions) as session:
        (await session.get_one(TeamRouting, team.teams["Billing"].id)).cap = 1
        (await session.get_one(Agent, team.agents["Ada"].id)).availability = Availability.away
    assert await shared_out(team) == 1
    found = await team.tickets()
    assert [ticket.assignee_id for ticket in found] == [None, None, team.agents["Liam"].id]


async def test_thirty_two_at_once_give_nothing_twice(team: Scene):
    await arrive(team, 20)
    async with committed(team.desk.sessions) as session:
        (await session.get_one(TeamRouting, team.teams["Billing"].id)).cap = 7
    given_out = await asyncio.gather(*(shared_out(team) for _ in range(32)))
    assert sum(given_out) == 14
    held = await holders(team)
    assert held == {team.agents["Ada"].id: 7, team.agents["Liam"].id: 7, None: 6}
    async with team.desk.sessions() as session:
        assert len((await session.scalars(select(Event).where(Event.kind == Kind.assigned))).all()) == 14


async def test_a_tag_asks_for_a_skill_until_it_has_waited_long(team: Scene):
    ticket = (await arrive(team, 1))[0]
    async with committed(team.desk.sessions) as session:
        session.add(AgentRouting(agent_id=team.agents["Liam"].id, skills=["Refund"], cap=0))
        loaded = await team.ticket(ticket.id, session)
        await session.refresh(loaded, ["tags"])
        loaded.tag(*await tags_called(session, ["refund"], by=team.agents["Ada"]), by=team.agents["Ada"])
    assert await shared_out(team) == 0, "Liam, who knows refunds, has no room"
    with clock.moved(timedelta(minutes=31)):
        async with committed(team.desk.sessions) as session:
            (await session.get_one(Agent, team.agents["Ada"].id)).present_at = now()
        assert await shared_out(team) == 1
    assert (await team.ticket(ticket.id)).assignee_id == team.agents["Ada"].id


async def test_a_topic_asks_for_a_skill_as_a_tag_does(team: Scene):
    ticket = (await arrive(team, 1))[0]
    async with committed(team.desk.sessions) as session:
        session.add(AgentRouting(agent_id=team.agents["Liam"].id, skills=["Refund"], cap=0))
        topic = Topic(name="refund")
        session.add(topic)
        await session.flush()
        (await team.ticket(ticket.id, session)).topic_id = topic.id
    assert await shared_out(team) == 0, "Liam, who knows refunds, has no room"


async def test_what_waits_for_a_skill_holds_up_nothing_behind_it(team: Scene):
    """More of them than are shared out at a time, and more urgent than the rest, by priority and by due time."""
    waiting = await arrive(team, assigning.PAGE + 5)
    late = await team.receives(mail("Behind them", sender="behind@x.example"))
    async with committed(team.desk.sessions) as session:
        session.add(AgentRouting(agent_id=team.agents["Liam"].id, skills=["Refund"], cap=0))
        tags = await tags_called(session, ["refund"], by=team.agents["Ada"])
        await session.execute(
            insert(ticket_tag), [{"ticket_id": t.id, "tag_id": tags[0].id} for t in waiting]
        )
        for place, ticket in enumerate(waiting):
            row = await session.get_one(Ticket, ticket.id)
            row.priority = [Priority.urgent, Priority.normal][place % 2]
            row.next_due_at = None if place % 3 == 0 else now() + timedelta(minutes=place % 7)
        (await session.get_one(Ticket, late.id)).next_due_at = None
    assert await shared_out(team) == 1
    assert (await team.ticket(late.id)).assignee_id == team.agents["Ada"].id


async def test_a_ticket_that_somebody_gave_back_goes_to_another(team: Scene):
    """And to nobody, rather than to them again at once; after a while they are as good as anybody."""
    ticket = (await arrive(team, 1))[0]
    await shared_out(team)
    first = (await team.ticket(ticket.id)).assignee_id
    ada, liam = team.agents["Ada"], team.agents["Liam"]
    for by in (ada, liam):
        async with committed(team.desk.sessions) as session:
            loaded = await team.ticket(ticket.id, session)
            was = routing.hand_back(loaded, by=by)
            with pytest.raises(routing.NobodyHasIt):
                routing.hand_back(loaded, by=by)
        await shared_out(team)
        held = (await team.ticket(ticket.id)).assignee_id
        assert held != was
    assert held is None, "both gave it back"
    with clock.moved(timedelta(minutes=61)):
        async with committed(team.desk.sessions) as session:
            for agent in (ada, liam):
                (await session.get_one(Agent, agent.id)).present_at = now()
        await shared_out(team)
    assert (await team.ticket(ticket.id)).assignee_id in {first, ada.id, liam.id}


async def test_nobody_takes_from_another_what_they_meant_to_take_from_one(team: Scene):
    ticket = (await arrive(team, 1))[0]
    ada, liam = team.agents["Ada"], team.agents["Liam"]
    await team.does(ticket, "assign", liam, by=ada)
    async with team.desk.sessions() as session:
        loaded = await team.ticket(ticket.id, session)
        with pytest.raises(routing.SomebodyElseHasIt):
            routing.hand_back(loaded, by=ada, of=ada.id)


async def test_who_took_a_ticket_off_themselves_does_not_get_it_again_at_once(team: Scene):
    ticket = (await arrive(team, 1))[0]
    async with committed(team.desk.sessions) as session:
        (await session.get_one(Agent, team.agents["Ada"].id)).present_at = None
    liam = team.agents["Liam"]
    assert await shared_out(team) == 1
    await team.does(ticket, "assign", None, by=liam)
    assert await shared_out(team) == 0


async def test_a_language_is_one_wherever_it_is_spoken(team: Scene):
    """Liam said pt-br, and the ticket is known to be in pt."""
    ada, liam = team.agents["Ada"], team.agents["Liam"]
    async with committed(team.desk.sessions) as session:
        session.add(AgentRouting(agent_id=liam.id, languages=["pt-br"], given_at=now()))
        session.add(AgentRouting(agent_id=ada.id, languages=["en"]))
    ticket = (await arrive(team, 1))[0]
    async with committed(team.desk.sessions) as session:
        (await session.get_one(Ticket, ticket.id)).language = "pt"
    assert await shared_out(team) == 1
    assert (await team.ticket(ticket.id)).assignee_id == liam.id


async def test_who_may_not_answer_gets_nothing(team: Scene):
    await arrive(team, 2)
    async with committed(team.desk.sessions) as session:
        (await session.get_one(Agent, team.agents["Liam"].id)).role = Role.light_agent
    await shared_out(team)
    assert await holders(team) == {team.agents["Ada"].id: 2}


async def test_tickets_of_who_goes_away_come_back(team: Scene):
    waiting, answered = await arrive(team, 2)
    await shared_out(team)
    async with committed(team.desk.sessions) as session:
        (await session.get_one(TeamRouting, team.teams["Billing"].id)).give_back_minutes = 15
        for ticket in (waiting, answered):
            (await session.get_one(Ticket, ticket.id)).assignee_id = team.agents["Liam"].id
    await team.replies(answered, by="Liam")
    async with committed(team.desk.sessions) as session:
        await presence.choose(
            session, await session.get_one(Agent, team.agents["Liam"].id), Availability.away
        )
        assert await routing.give_back(session) == 0, "not yet"
    with clock.moved(timedelta(minutes=16)):
        async with committed(team.desk.sessions) as session:
            assert await routing.give_back(session) == 1
            (await session.get_one(Agent, team.agents["Ada"].id)).present_at = now()
        assert (await team.ticket(answered.id)).assignee_id == team.agents["Liam"].id, (
            "waits for the customer"
        )
        assert await shared_out(team) == 1
    assert (await team.ticket(waiting.id)).assignee_id == team.agents["Ada"].id


async def test_by_hand_nothing_moves(scene: Scene):
    await arrive(scene, 1)
    async with committed(scene.desk.sessions) as session:
        members = await session.scalars(select(Membership.agent_id))
        assert members.all()
    assert await shared_out(scene) == 0


def _id(choice: Any) -> int:
    assert choice
    return int(choice.agent_id)
