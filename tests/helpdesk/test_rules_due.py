"""Rules that time asks: silences, promises, and what comes round."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from helpdesk import clock, rules, satisfaction
from helpdesk.database import committed
from helpdesk.rules import due
from helpdesk.rules.rows import Rule
from helpdesk.sla import due as promises
from helpdesk.tickets import Priority, Ticket
from tests.rules_at_work import CREATED, names, runs, settle, stands, tag, tags_of, there_is, where
from tests.scenes import Scene, mail
from workers.ruling import tick

NOTE = {"verb": "note", "text": "Still there?"}


def idle(minutes: int, silence: str = "anybody") -> dict[str, Any]:
    return {"on": "idle", "minutes": minutes, "silence": silence}


async def later(scene: Scene, **by: float) -> None:
    with clock.moved(timedelta(**by)):
        await tick(scene.desk)


async def test_once_in_a_silence(scene: Scene):
    """A rule's own doing breaks no silence; a colleague's does, and then it counts anew."""
    await there_is(scene, "Silent", idle(60), NOTE, {"verb": "priority", "priority": "high"})
    ticket = await scene.receives()
    await later(scene, minutes=59)
    assert await runs(scene) == []
    await later(scene, minutes=61)
    await later(scene, minutes=180)
    (run,) = await runs(scene, ticket)
    assert run.once.startswith("idle-")
    with clock.moved(timedelta(minutes=200)):
        await scene.does(ticket, "prioritise", Priority.low, by=scene.agents["Ada"])
    await later(scene, minutes=250)
    assert len(await runs(scene, ticket)) == 1
    await later(scene, minutes=261)
    assert len(await runs(scene, ticket)) == 2


async def test_silences_that_were_long_before_the_rule_came_are_left_alone(scene: Scene):
    """Nobody could foresee them; the same ticket is found when it falls silent again."""
    old = await scene.receives()
    for silence in ("anybody", "us"):
        with clock.moved(timedelta(minutes=90)):
            await there_is(scene, silence, idle(60, silence), tag(silence))
    await later(scene, minutes=200)
    assert await runs(scene) == []
    with clock.moved(timedelta(minutes=210)):
        await scene.does(old, "note", "Called them.", by=scene.agents["Ada"])
    await later(scene, minutes=271)
    assert await names(scene, old) == ["anybody"]


async def test_whose_silence(scene: Scene):
    """Ours begins when the customer first waits, theirs with our answer."""
    await there_is(scene, "We", idle(60, "us"), tag("slow"))
    await there_is(scene, "They", idle(60, "customer"), tag("quiet"))
    asked = await scene.receives()
    answered = await scene.receives(mail(sender="jan@acme.example"))
    await scene.replies(answered)
    await later(scene, minutes=61)
    assert await names(scene, asked) == ["We"]
    assert await names(scene, answered) == ["They"]


async def test_what_sleeps_or_is_settled_is_not_silent_unless_it_is_named(scene: Scene):
    ada = scene.agents["Ada"]
    await there_is(scene, "Open", idle(60), tag("silent"))
    resolved = where("category", "is", "resolved")
    await there_is(scene, "Done", idle(60), tag("done"), when=resolved)
    settled, asleep, spam = [
        await scene.receives(mail(sender=f"{name}@acme.example")) for name in ("a", "b", "c")
    ]
    await scene.does(settled, "resolve", by=ada)
    await scene.does(asleep, "snooze", clock.now() + timedelta(days=2), by=ada)
    await scene.does(spam, "remove", rules_spam(), by=ada)
    await later(scene, minutes=90)
    assert [await names(scene, one) for one in (settled, asleep, spam)] == [["Done"], [], []]


def rules_spam() -> Any:
    from helpdesk.tickets import Removal

    return Removal.spam


async def test_so_many_in_a_row_and_the_rest_with_the_next_look(scene: Scene, monkeypatch: Any):
    monkeypatch.setattr(due, "MOST", 3)
    await there_is(scene, "Silent", idle(10), tag("silent"))
    for n in range(5):
        await scene.receives(mail(sender=f"c{n}@acme.example"))
    await later(scene, minutes=11)
    assert len(await runs(scene)) == 3
    await later(scene, minutes=12)
    await later(scene, minutes=13)
    assert len(await runs(scene)) == 5


def daily(at: datetime) -> dict[str, Any]:
    return {"on": "schedule", "schedule": {"every": "day", "at": f"{at:%H:%M}", "zone": "UTC"}}


async def test_what_comes_round(scene: Scene, monkeypatch: Any):
    """Every ticket that matches, in parts, each once; the next round is a day later, however long we were away."""
    monkeypatch.setattr(due, "MOST", 2)
    at = (clock.now() + timedelta(hours=2)).astimezone(UTC)
    low = where("priority", "is", "low")
    rule = await there_is(scene, "Raise", daily(at), {"verb": "priority", "priority": "normal"}, when=low)
    tickets = [await scene.receives(mail(sender=f"c{n}@acme.example")) for n in range(4)]
    for ticket in tickets[:3]:
        await scene.does(ticket, "prioritise", Priority.low, by=scene.agents["Ada"])
    await later(scene, hours=1)
    assert await runs(scene) == []
    await later(scene, hours=2, minutes=1)
    assert len(await runs(scene)) == 2
    await later(scene, hours=2, minutes=2)
    assert len(await runs(scene)) == 3
    async with scene.desk.sessions() as session:
        following = await session.scalar(select(Rule.next_at).where(Rule.id == rule.id))
    assert following == at.replace(second=0, microsecond=0) + timedelta(days=1)
    await scene.does(tickets[3], "prioritise", Priority.low, by=scene.agents["Ada"])
    await later(scene, hours=3)
    assert len(await runs(scene)) == 3, "not before the next round"
    await later(scene, days=9)
    assert len(await runs(scene)) == 4
    async with scene.desk.sessions() as session:
        assert await due.next_at(session) == at.replace(second=0, microsecond=0) + timedelta(days=9)


async def test_switched_off_it_does_not_come_round_and_on_again_it_makes_up_for_nothing(scene: Scene):
    at = (clock.now() + timedelta(hours=2)).astimezone(UTC)
    rule = await there_is(scene, "Daily", daily(at), tag("daily"), active=False)
    ticket = await scene.receives()
    await later(scene, hours=3)
    with clock.moved(timedelta(hours=4)):
        async with committed(scene.desk.sessions) as session:
            await rules.switch(session, await rules.one(session, rule.id), True, by=scene.agents["Ada"])
        await tick(scene.desk)
    assert await runs(scene, ticket) == []
    await later(scene, hours=27)
    assert await names(scene, ticket) == ["Daily"]


async def test_promises_that_are_due_or_late(scene: Scene):
    await there_is(scene, "Any", {"on": "breached"}, tag("late"))
    await there_is(scene, "First", {"on": "breached", "metric": "first_response"}, tag("first"))
    await there_is(scene, "Solution", {"on": "breached", "metric": "resolution"}, tag("solution"))
    await there_is(scene, "Raised", {"on": "warned"}, tag("soon"))
    ticket = await scene.receives()
    async with scene.desk.sessions() as session:
        kept = await session.get_one(Ticket, ticket.id)
        until = kept.next_due_at
    assert until
    with clock.moved(until - clock.now() + timedelta(minutes=1)):
        async with committed(scene.desk.sessions) as session:
            await promises.record(session, 200)
        await settle(scene)
    assert await names(scene, ticket) == ["Any", "First"]
    assert tags_of(await stands(scene, ticket)) == ["first", "late"]


async def test_what_the_customer_thinks_of_us(scene: Scene):
    """A survey that a rule sends, and a rule about what came of it."""
    await there_is(scene, "Ask", {"on": "replied"}, {"verb": "survey"})
    await there_is(scene, "Rated", {"on": "rated"}, tag("rated"))
    ticket = await scene.receives()
    await scene.replies(ticket)
    await settle(scene)
    (run,) = await runs(scene, ticket)
    assert run.failed == []
    async with committed(scene.desk.sessions) as session:
        rating = await satisfaction.of_ticket(session, ticket.id)
        assert rating
        code = satisfaction.token(scene.desk.keys, rating)
        asked = await satisfaction.found(session, scene.desk.keys, code, lock=True)
        satisfaction.answer(asked, 1, "Slow", by=await _contact(session, ticket), channel="email")
    await settle(scene)
    assert await names(scene, ticket) == ["Ask", "Rated"]


async def _contact(session: Any, ticket: Ticket) -> Any:
    from helpdesk.people import Contact

    return await session.get_one(Contact, ticket.contact_id)


async def test_a_rule_of_both_kinds(scene: Scene):
    """Created, and again when it is silent."""
    await there_is(scene, "Both", [CREATED, idle(30)], NOTE)
    ticket = await scene.receives()
    await settle(scene)
    await later(scene, minutes=31)
    assert [run.once.partition("-")[0] for run in await runs(scene, ticket)] == ["event", "idle"]
