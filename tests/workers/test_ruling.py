"""Rules at work: each event once, whoever is killed, however many work, whatever one ticket does."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from helpdesk import merging
from helpdesk.database import committed
from helpdesk.events import ActorKind, Kind
from helpdesk.people import Agent, with_access
from helpdesk.rules import Occasion, Trigger, doing, running
from helpdesk.rules.asking import book
from helpdesk.rules.happenings import CHANGES, Happening, hears, left
from helpdesk.rules.rows import RuleRun
from helpdesk.tickets import Priority, Ticket
from tests.rules_at_work import CREATED, URGENT, names, runs, settle, stands, tag, tags_of, there_is, told
from tests.scenes import Scene, mail
from tests.workers.hands import at_work, eventually
from workers.dispatch import dispatch_batch
from workers.ruling import apply_rules, ruling


class Killed(BaseException):
    """As a process is: nobody catches it."""


async def dispatched(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        await dispatch_batch(session)


async def waiting(scene: Scene) -> int:
    async with scene.desk.sessions() as session:
        return await left(session)


async def test_the_whole_way(scene: Scene):
    """Mail, dispatch, queue, rule, and what follows from it, by the workers themselves."""
    await there_is(scene, "One", CREATED, URGENT)
    await there_is(scene, "Two", {"on": "changed", "field": "priority", "now": ["urgent"]}, tag("hot"))
    async with at_work(scene.desk, listeners=False):
        ticket = await scene.receives()

        async def hot() -> bool:
            return tags_of(await stands(scene, ticket)) == ["hot"]

        await eventually(hot, 20)
    assert await names(scene, ticket) == ["One", "Two"]


async def test_words_are_asked_about_before_anybody_has_read_them_for_the_search(scene: Scene):
    """The search's worker has not come by yet: who wrote of a refund is not passed over for that."""
    about = {"kind": "where", "field": "text", "operator": "contains", "value": "refund"}
    await there_is(scene, "Refunds", CREATED, URGENT, when=about)
    ticket = await scene.receives(mail("I want a refund."))
    other = await scene.receives(mail("Where is it?", sender="rui@lumen.example"))
    await dispatched(scene)
    await apply_rules(scene.desk)
    assert (await names(scene, ticket), await names(scene, other)) == (["Refunds"], [])


async def test_what_waits_while_no_job_asks_for_it_is_found(scene: Scene):
    """As when the job that was there already has looked before it could see what came to wait."""
    await there_is(scene, "One", CREATED, URGENT)
    ticket = await scene.receives()
    await dispatched(scene)
    task = asyncio.create_task(ruling(scene.desk))

    async def is_done() -> bool:
        return await names(scene, ticket) == ["One"]

    try:
        await eventually(is_done)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await waiting(scene) == 0


@pytest.mark.parametrize("where", ["_begun", "_step", "_applied"])
async def test_killed_anywhere_it_is_done_once(scene: Scene, monkeypatch: Any, where: str):
    """Before the run is written, between its changes, before it is told: nothing is left, and then all of it."""
    await there_is(scene, "Two things", CREATED, URGENT, tag("one"), {"verb": "reply", "text": "Thanks."})
    ticket = await scene.receives()
    await dispatched(scene)
    real, calls = getattr(doing, where), 0

    def dies(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == (2 if where == "_step" else 1):
            raise Killed
        return real(*args, **kwargs)

    monkeypatch.setattr(doing, where, dies)
    with pytest.raises(Killed):
        await apply_rules(scene.desk)
    assert await runs(scene) == []
    assert (await stands(scene, ticket)).priority is Priority.normal
    assert await waiting(scene) > 0
    monkeypatch.undo()
    await settle(scene)
    await settle(scene)
    assert len(await runs(scene, ticket)) == 1
    assert len(await scene.messages(ticket)) == 2
    assert await waiting(scene) == 0


async def test_asked_twice_about_one_event_it_runs_once(scene: Scene):
    """Even if the event waits again: the run itself says that it was."""
    await there_is(scene, "Note", CREATED, {"verb": "note", "text": "Hello"})
    ticket = await scene.receives()
    await settle(scene)
    (run,) = await runs(scene, ticket)
    async with committed(scene.desk.sessions) as session:
        (rule,) = (await book(session)).rules
        held = await doing.locked(session, ticket.id)
        assert held
        again = await doing.do(session, rule, held, once=run.once, cause_id=run.cause_id)
    assert again is None
    assert len(await scene.messages(ticket)) == 2


async def test_many_workers_and_many_events_at_once(scene: Scene):
    """32 tickets, four workers: each ticket's rule once, none forgotten."""
    await there_is(scene, "Tag", CREATED, tag("seen"), {"verb": "note", "text": "Seen"})
    await there_is(scene, "Then", {"on": "changed", "field": "tags"}, URGENT)
    tickets = [await scene.receives(mail(sender=f"c{n}@acme.example")) for n in range(32)]

    async def works() -> None:
        for _ in range(6):
            await dispatched(scene)
            await apply_rules(scene.desk)

    await asyncio.gather(*(works() for _ in range(4)))
    async with scene.desk.sessions() as session:
        per_rule = (await session.scalars(select(func.count(RuleRun.id)).group_by(RuleRun.rule_id))).all()
        changed = await session.scalar(select(func.count()).where(Ticket.priority == Priority.urgent))
    assert list(per_rule) == [32, 32]
    assert changed == len(tickets)
    assert await waiting(scene) == 0


async def test_a_ticket_that_somebody_holds_holds_up_no_other(scene: Scene):
    """The others are done meanwhile; it is done when it is free."""
    await there_is(scene, "Tag", CREATED, tag("seen"))
    held, free = await scene.receives(), await scene.receives(mail(sender="jan@acme.example"))
    await dispatched(scene)
    async with scene.desk.sessions() as session:
        await session.execute(select(Ticket).where(Ticket.id == held.id).with_for_update())
        task = asyncio.create_task(apply_rules(scene.desk))

        async def done() -> bool:
            return await names(scene, free) == ["Tag"]

        await eventually(done)
        assert not task.done()
        await session.rollback()
        await task
    assert await names(scene, held) == ["Tag"]


async def test_what_goes_wrong_with_one_ticket_is_told_and_holds_up_no_other(scene: Scene, monkeypatch: Any):
    await there_is(scene, "Tag", CREATED, tag("seen"))
    bad, good = await scene.receives(), await scene.receives(mail(sender="jan@acme.example"))
    real = running.Budget.of

    async def breaks(session: Any, ticket: Ticket) -> Any:
        if ticket.id == bad.id:
            raise ZeroDivisionError
        return await real(session, ticket)

    monkeypatch.setattr(running.Budget, "of", breaks)
    await settle(scene)
    assert (await names(scene, bad), await names(scene, good)) == ([], ["Tag"])
    (stopped,) = await told(scene, bad, Kind.rule_stopped)
    assert stopped.data["because"] == "failed"
    assert await waiting(scene) == 0


async def test_an_action_that_breaks_takes_no_other_with_it(scene: Scene, monkeypatch: Any):
    """A fault of the desk's own is written down as refused."""
    await there_is(scene, "Both", CREATED, URGENT, tag("one"))

    def breaks(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Ticket, "prioritise", breaks)
    ticket = await scene.receives()
    await settle(scene)
    (run,) = await runs(scene, ticket)
    assert [each["verb"] for each in run.done] == ["tag"]
    assert "Something went wrong" in run.failed[0]["why"]


FIELDS = ("assignee", "team", "priority", "type")
VALUES = st.one_of(st.none(), st.integers(1, 4))


@given(
    st.sampled_from([Kind.assigned, Kind.team_changed, Kind.priority_changed, Kind.type_changed]),
    st.sampled_from(FIELDS),
    VALUES,
    VALUES,
    st.lists(st.one_of(st.just(""), st.integers(1, 4)), max_size=3),
    st.lists(st.one_of(st.just(""), st.integers(1, 4)), max_size=3),
)
def test_a_trigger_hears_what_it_names_and_nothing_else(
    kind: Kind, field: str, was: Any, now: Any, any_of_was: list[Any], any_of_now: list[Any]
):
    """Nothing named is anything; nobody and none are the empty word."""
    event = Happening(1, kind, 1, ActorKind.agent, {"was": was, "now": now})
    trigger = Trigger(Occasion.changed, field=field, was=tuple(any_of_was), now=tuple(any_of_now))
    fits = (not any_of_was or (was or "") in any_of_was) and (not any_of_now or (now or "") in any_of_now)
    assert hears(trigger, event) == (field in CHANGES[kind] and fits)


def test_fields_of_the_desks_own():
    """Of a text it is only known that it changed, and whether it was emptied."""

    def heard(data: dict[str, Any], **trigger: Any) -> bool:
        event = Happening(1, Kind.field_changed, 1, ActorKind.agent, data)
        return hears(Trigger(Occasion.changed, **trigger), event)

    plan = {"field": "plan", "was": "silver", "now": "gold"}
    assert heard(plan, field="fields.plan", was=("silver",), now=("gold", "platinum"))
    assert not heard(plan, field="fields.plan", now=("silver",))
    assert not heard(plan, field="fields.other")
    assert heard({"field": "order", "emptied": False}, field="fields.order")
    assert not heard({"field": "order", "emptied": False}, field="fields.order", now=("A-17",))
    assert heard({"field": "order", "emptied": True}, field="fields.order", now=("",))
    assert heard({"field": "sure", "was": None, "now": True}, field="fields.sure", was=("",), now=(True,))
    assert heard({"field": "many", "was": [], "now": ["a", "b"]}, field="fields.many", now=("b",))


async def test_undoing_a_merge_asks_no_rule_again(scene: Scene):
    """The target was resolved, and told so, before the merge: its customer hears it once."""
    resolved = {"on": "changed", "field": "category", "now": ["resolved"]}
    await there_is(scene, "Goodbye", resolved, {"verb": "reply", "text": "We have resolved it."})
    target = await scene.receives(mail("The first question", external_id="first@lumen.example"))
    source = await scene.receives(mail("The same again", external_id="second@lumen.example"))
    await scene.does(target, "resolve", by=scene.agents["Ada"])
    await settle(scene)
    assert await names(scene, target) == ["Goodbye"]
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        made = await merging.merge(session, source.number, target.number, by=ada)
    await settle(scene)
    async with committed(scene.desk.sessions) as session:
        ada = await session.get_one(Agent, scene.agents["Ada"].id, options=with_access())
        await merging.unmerge(session, made.id, by=ada)
    await settle(scene)
    assert (await stands(scene, target)).is_settled
    assert await names(scene, target) == ["Goodbye"]
