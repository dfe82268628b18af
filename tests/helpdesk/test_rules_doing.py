"""What rules do: each verb, each word that is said, and what is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from helpdesk import clock, fields, webhooks
from helpdesk.database import committed
from helpdesk.events import ActorKind, Kind
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.labels import save_type
from helpdesk.messages import Delivery, Direction, Proof, Sender
from helpdesk.people import Contact
from helpdesk.sla import Policy
from helpdesk.statuses import BUILT_IN, Category
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from helpdesk.webhooks import Delivery as Call
from tests.rules_at_work import CREATED, runs, settle, stands, tag, tags_of, there_is, told, where
from tests.scenes import TARGETS, Scene, mail


async def test_every_change(scene: Scene):
    """All that a rule can change and give back, in one rule, and the run has the difference of each."""
    ada, technical = scene.agents["Ada"], scene.teams["Technical"]
    async with committed(scene.desk.sessions) as session:
        kind = await save_type(session, None, name="Refund", colour="blue", by=ada)
        given = Description(name="Order number")
        order = await fields.add(session, Subject.ticket, given, by=ada)
        plan = Description(name="Plan", kind=FieldKind.choice, choices=["gold", "silver"])
        chosen = await fields.add(session, Subject.ticket, plan, by=ada)
        policy = Policy(name="Gold", calendar_id=1, targets=TARGETS, position=9)
        calendar = await session.scalar(select(Policy.calendar_id))
        policy.calendar_id = calendar or 0
        session.add(policy)
    await there_is(
        scene,
        "All of it",
        CREATED,
        {"verb": "assign", "agent": scene.agents["Liam"].id},
        {"verb": "team", "team": technical.id},
        {"verb": "priority", "priority": "high"},
        {"verb": "type", "type": kind.id},
        tag("one", "two"),
        {"verb": "untag", "tags": ["one"]},
        {"verb": "field", "key": order.key, "value": "A-17"},
        {"verb": "field", "key": chosen.key, "value": "gold"},
        {"verb": "policy", "policy": policy.id},
        {"verb": "status", "status": BUILT_IN[Category.on_hold]},
        {"verb": "snooze", "minutes": 90},
    )
    ticket = await scene.receives()
    await settle(scene)
    now = await stands(scene, ticket)
    assert (now.assignee_id, now.team_id) == (scene.agents["Liam"].id, technical.id)
    assert (now.priority, now.type_id, tags_of(now)) == (Priority.high, kind.id, ["two"])
    assert now.fields == {order.key: "A-17", chosen.key: "gold"}
    assert (now.policy_id, now.policy_fixed, now.category) == (policy.id, True, Category.on_hold)
    assert now.snoozed_until
    assert timedelta(minutes=89) < now.snoozed_until - clock.now() < timedelta(minutes=90)
    (run,) = await runs(scene, ticket)
    assert run.failed == []
    assert len(run.done) == 11
    field = next(each for each in run.done if each["given"].get("key") == order.key)
    assert field["after"] == {"key": order.key, "filled": True}, "what a text says is nobody's business"
    plan_done = next(each for each in run.done if each["given"].get("key") == chosen.key)
    assert plan_done["after"] == {"key": chosen.key, "value": "gold"}


async def test_what_is_refused_is_said_and_holds_up_nothing(scene: Scene):
    """A resolved ticket cannot be snoozed; the tag is put on all the same."""
    resolve = {"verb": "status", "status": BUILT_IN[Category.resolved]}
    snooze = {"verb": "snooze", "until": None}
    await there_is(scene, "Odd", CREATED, resolve, snooze, tag("after"))
    await there_is(scene, "Spam", CREATED, {"verb": "spam"}, when=where("subject", "contains", "casino"))
    ticket = await scene.receives()
    spam = await scene.receives(mail(subject="casino", sender="x@casino.example"))
    await settle(scene)
    (run,) = await runs(scene, ticket)
    assert [each["verb"] for each in run.done] == ["status", "tag"]
    assert [each["verb"] for each in run.failed] == ["snooze"]
    assert "out of sight already" in run.failed[0]["why"]
    (applied,) = await told(scene, ticket, Kind.rule_applied)
    assert applied.data["refused"] == ["snooze"]
    assert (await stands(scene, spam)).removed is Removal.spam


HELLO = {
    "verb": "reply",
    "text": "Hello {{contact.first_name|there}}, we have your question {{ticket.number}}.",
}


async def test_a_rule_writes_to_the_customer_once_an_hour(scene: Scene):
    """Its words are filled in, leave as a machine's, and answer no promise."""
    await there_is(scene, "Thanks", {"on": "received"}, HELLO)
    first = mail(name="Marta Ruiz")
    ticket = await scene.receives(first)
    await settle(scene)
    (_, written) = await scene.messages(ticket)
    assert written.text == f"Hello Marta, we have your question #{ticket.number}."
    assert (written.author, written.automatic, written.delivery) == (ActorKind.rule, True, Delivery.queued)
    now = await stands(scene, ticket)
    assert (now.category, now.waiting_since) == (Category.new, ticket.waiting_since)
    assert (await scene.receives(mail("And?", thread=(first.external_id,)))).id == ticket.id
    await settle(scene)
    refused = (await runs(scene, ticket))[-1]
    assert "less than an hour ago" in refused.failed[0]["why"]
    with clock.moved(timedelta(minutes=61)):
        await scene.receives(mail("Hello?", thread=(first.external_id,)))
        await settle(scene)
    answers = [one for one in await scene.messages(ticket) if one.direction is Direction.outbound]
    assert len(answers) == 2


async def test_machines_and_those_who_had_enough_are_not_written_to(scene: Scene):
    await there_is(scene, "Thanks", CREATED, HELLO, tag("thanked"))
    machine = await scene.receives(mail("Out of office", automatic=True, sender="bot@acme.example"))
    await settle(scene)
    (run,) = await runs(scene, machine)
    assert "came from a machine" in run.failed[0]["why"]
    assert [each["verb"] for each in run.done] == ["tag"]
    for n in range(7):  # a machine that does not say so, and answers each mail with a new one
        await scene.receives(mail(f"Ticket {n}", sender="loop@acme.example", subject=f"Loop {n}"))
        await settle(scene)
    refused = [one for one in await runs(scene) if one.failed and one.ticket_id != machine.id]
    assert [one.failed[0]["verb"] for one in refused] == ["reply", "reply"]
    assert "five times" in refused[0].failed[0]["why"]


async def test_forms_with_strangers_addresses_have_nobody_bombarded(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
):
    """An address that only a form gave is written to once a day, and all of them only so often; whoever proved
    theirs is answered each time."""
    async with committed(scene.desk.sessions) as session:
        form = Inbox(
            name="Form", channel="api", address="form", team=scene.teams["Billing"], answers_through_id=scene.inbox.id,
            sealed_settings=scene.desk.keys.seal({}),
        )  # fmt: skip
        session.add(form)
    await there_is(scene, "Thanks", CREATED, HELLO)

    async def refused_to(address: str, proof: Proof = Proof.none, inbox: Inbox = form) -> str:
        sender = Sender(address=address, name="Somebody", proof=proof)
        ticket = await scene.receives(replace(mail(), sender=sender), inbox=inbox)
        await settle(scene)
        (run,) = await runs(scene, ticket)
        return run.failed[0]["why"] if run.failed else ""

    assert not await refused_to("victim@acme.example")
    assert "within a day" in await refused_to("victim@acme.example")
    with clock.moved(timedelta(hours=23)):
        assert "within a day" in await refused_to("victim@acme.example", Proof.failed, scene.inbox)
    with clock.moved(timedelta(hours=25)):
        assert not await refused_to("victim@acme.example")
        for _ in range(2):
            assert not await refused_to("marta@lumen.example", Proof.authenticated)
        monkeypatch.setattr("helpdesk.rules.effects.UNPROVED_OF_ALL", 4)
        assert not await refused_to("third@acme.example")
        assert "very many addresses" in await refused_to("fourth@acme.example")
        assert not await refused_to("marta@lumen.example", Proof.authenticated)


async def test_a_blocked_contact_gets_nothing(scene: Scene):
    await there_is(scene, "Hi", {"on": "noted"}, HELLO)
    ticket = await scene.receives()
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Contact).values(blocked_at=clock.now()))
    await scene.does(ticket, "note", "Blocked them.", by=scene.agents["Ada"])
    await settle(scene)
    (run,) = await runs(scene, ticket)
    assert (run.done, run.failed[0]["verb"]) == ([], "reply")


async def test_colleagues_programs_and_the_assistant_are_told(scene: Scene):
    ada, liam = scene.agents["Ada"], scene.agents["Liam"]
    async with committed(scene.desk.sessions) as session:
        hook, _ = webhooks.made(
            scene.desk.keys, name="Shop", url="https://shop.example/h", events=[], includes=[], by=ada
        )
        session.add(hook)
    notify = {"verb": "notify", "agents": [ada.id], "teams": [scene.teams["Technical"].id], "assignee": True}
    await there_is(
        scene,
        "Big customer",
        CREATED,
        {"verb": "assign", "agent": liam.id},
        {"verb": "note", "text": "Order {{ticket.fields.order|unknown}} of {{contact.name}}"},
        {**notify, "text": "Please look."},
        {"verb": "webhook", "webhook": hook.id},
        {"verb": "draft"},
    )
    ticket = await scene.receives(mail(name="Marta Ruiz"))
    await settle(scene)
    (run,) = await runs(scene, ticket)
    assert run.failed == []
    (event,) = await told(scene, ticket, Kind.rule_notified)
    assert event.data["agents"] == sorted([ada.id, liam.id])
    assert event.data["text"] == "Please look."
    note = (await scene.messages(ticket))[-1]
    assert (note.direction, note.text) == (Direction.note, "Order unknown of Marta Ruiz")
    async with scene.desk.sessions() as session:
        (call,) = await session.scalars(select(Call))
        (drafts,) = await session.execute(_jobs("draft"))
        bodies = await webhooks.bodies(session, hook, [call], desk_url="https://desk.example")
    assert (call.webhook_id, call.type, call.ticket_id) == (hook.id, "ticket.rule", ticket.id)
    assert '"name":"Big customer"' in bodies[call.id]
    assert drafts.args == {"ticket_id": ticket.id}


def _jobs(task: str) -> Any:
    from sqlalchemy import text

    return text("SELECT args FROM procrastinate_jobs WHERE task_name = :task").bindparams(task=task)


async def test_until_the_customer_writes(scene: Scene):
    await there_is(scene, "Sleep", CREATED, {"verb": "snooze", "until": None})
    ticket = await scene.receives()
    await settle(scene)
    assert (await stands(scene, ticket)).snoozed_until == NEXT_REPLY


async def test_a_policy_that_follows_from_what_a_rule_did_is_the_rules_doing(scene: Scene):
    """The conditions of policies are asked within the run, so the change of promise is part of it."""
    async with committed(scene.desk.sessions) as session:
        calendar = await session.scalar(select(Policy.calendar_id))
        condition = where("priority", "is", "urgent")
        session.add(
            Policy(name="Hurry", calendar_id=calendar, targets=TARGETS, condition=condition, position=-1)
        )
    await there_is(scene, "Urgent", CREATED, {"verb": "priority", "priority": "urgent"})
    ticket = await scene.receives()
    await settle(scene)
    (changed,) = await told(scene, ticket, Kind.policy_changed)
    (run,) = await runs(scene, ticket)
    assert changed.data["run"] == run.id
    assert (await _policy(scene, ticket)) == "Hurry"


async def _policy(scene: Scene, ticket: Ticket) -> str | None:
    async with scene.desk.sessions() as session:
        return await session.scalar(
            select(Policy.name).join(Ticket, Ticket.policy_id == Policy.id).where(Ticket.id == ticket.id)
        )
