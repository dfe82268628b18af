"""The verbs of a ticket: what they change, what they refuse, what they leave in the timeline."""

from datetime import timedelta

import pytest

from helpdesk import clock
from helpdesk.errors import Conflict
from helpdesk.events import DESK, Kind
from helpdesk.messages import Delivery, Empty
from helpdesk.sla import Metric
from helpdesk.statuses import Category
from helpdesk.tickets import UNDO, AlreadyResolved, AlreadySent, NotSettled, Priority
from tests.scenes import Scene, mail


async def test_a_reply_waits_to_be_taken_back_and_waits_for_the_customer(scene: Scene):
    ticket = await scene.receives()
    reply = await scene.replies(ticket)
    ticket = await scene.ticket(ticket.id)
    assert reply.delivery is Delivery.queued
    assert reply.send_after == reply.sent_at + UNDO
    assert (ticket.category, ticket.waiting_since) == (Category.waiting, None)
    assert ticket.first_replied_at == reply.sent_at


async def test_a_reply_that_is_taken_back_leaves_the_ticket_as_it_was(scene: Scene):
    before = await scene.receives(mail("Where is it?"))
    reply = await scene.replies(before)
    await scene.does(before, "withdraw", (await scene.messages(before))[-1], by=scene.agents["Ada"])
    after = await scene.ticket(before.id)
    for name in (
        "category",
        "status_id",
        "waiting_since",
        "first_replied_at",
        "preview",
        "last_direction",
        "next_due_at",
    ):
        assert getattr(after, name) == getattr(before, name), name
    assert all(clock.met_at is None for clock in after.clocks)
    assert reply.id


async def test_a_reply_that_has_left_cannot_be_taken_back(scene: Scene):
    ticket = await scene.receives()
    reply = await scene.replies(ticket)
    reply.delivery = Delivery.sent
    with pytest.raises(AlreadySent):
        ticket.withdraw(reply, by=scene.agents["Ada"])


async def test_a_first_answer_in_time_meets_the_promise(scene: Scene):
    ticket = await scene.receives()
    await scene.replies(ticket)
    first, resolution = sorted((await scene.ticket(ticket.id)).clocks, key=lambda c: c.metric)
    assert first.was_met
    assert resolution.is_open
    assert resolution.is_resting  # it waits for the customer
    assert (await scene.ticket(ticket.id)).next_due_at is None


async def test_a_late_answer_is_met_late_and_the_breach_is_on_record(scene: Scene):
    ticket = await scene.receives()
    with clock.moved(timedelta(days=7)):
        await scene.replies(ticket)
    (first,) = [c for c in (await scene.ticket(ticket.id)).clocks if c.metric == "first_response"]
    assert first.met_at is not None
    assert not first.was_met
    assert first.breached_at == first.due_at
    assert Kind.sla_breached in await scene.kinds(ticket)


async def test_resolving_twice_is_refused_in_words(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    with pytest.raises(AlreadyResolved, match="already resolved"):
        await scene.does(ticket, "resolve", by=scene.agents["Liam"])


async def test_reopening_an_open_ticket_is_refused(scene: Scene):
    with pytest.raises(NotSettled):
        await scene.does(await scene.receives(), "reopen", by=scene.agents["Ada"])


async def test_a_reopened_ticket_is_promised_a_resolution_again(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    assert (await scene.ticket(ticket.id)).next_due_at is None  # nothing runs while it is resolved
    await scene.does(ticket, "reopen", by=scene.agents["Ada"])
    clocks = {c.metric: c for c in (await scene.ticket(ticket.id)).clocks}
    assert clocks[Metric.resolution].is_running


async def test_a_higher_priority_is_due_earlier_from_the_same_start(scene: Scene):
    ticket = await scene.receives()
    before = {c.metric: (c.started_at, c.due_at) for c in ticket.clocks}
    await scene.does(ticket, "prioritise", Priority.urgent, by=scene.agents["Ada"])
    for after in (await scene.ticket(ticket.id)).clocks:
        started, due = before[after.metric]
        assert after.started_at == started
        assert after.due_at
        assert due
        assert after.due_at < due


async def test_assigning_a_new_ticket_opens_it_and_is_on_the_timeline_once(scene: Scene):
    ticket = await scene.receives()
    for _ in range(2):
        await scene.does(ticket, "assign", scene.agents["Liam"], by=scene.agents["Ada"])
    ticket = await scene.ticket(ticket.id)
    assert (ticket.category, ticket.assignee_id) == (Category.open, scene.agents["Liam"].id)
    assert (await scene.kinds(ticket)).count(Kind.assigned) == 1


async def test_a_note_is_for_colleagues_and_changes_nothing_for_the_customer(scene: Scene):
    before = await scene.receives()
    await scene.does(before, "note", "Same cause as yesterday.", by=scene.agents["Ada"])
    after = await scene.ticket(before.id)
    assert (after.category, after.preview, after.waiting_since) == (
        before.category,
        before.preview,
        before.waiting_since,
    )


@pytest.mark.parametrize("nothing", ["", "  \n\t ", "\x00"])
async def test_nothing_cannot_be_sent(scene: Scene, nothing: str):
    with pytest.raises(Empty, match="write something"):
        await scene.replies(await scene.receives(), nothing)


def test_a_refusal_carries_the_status_that_it_answers_with():
    assert AlreadyResolved.status == Conflict.status == 409


async def test_a_resolve_that_is_undone_leaves_the_customer_waiting_as_before(scene: Scene):
    before = await scene.receives()
    await scene.does(before, "resolve", by=scene.agents["Ada"])
    await scene.does(before, "reopen", by=scene.agents["Ada"])
    after = await scene.ticket(before.id)
    assert (after.waiting_since, after.has_suggestion) == (before.last_message_at, before.has_suggestion)


async def test_what_the_desk_writes_by_itself_answers_nothing(scene: Scene):
    before = await scene.receives(mail("Where is it?"))
    await scene.does(before, "announce", "We have it and will be back on Monday.", by=DESK)
    after = await scene.ticket(before.id)
    for name in ("category", "waiting_since", "first_replied_at", "preview", "last_direction", "next_due_at"):
        assert getattr(after, name) == getattr(before, name), name
    said = (await scene.messages(before))[-1]
    assert (said.delivery, said.automatic, said.announced) == (Delivery.queued, True, True)
    assert all(clock.met_at is None for clock in after.clocks)


async def test_what_the_desk_wrote_by_itself_can_be_taken_back_and_changes_nothing_else(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "announce", "We have it.", by=DESK)
    said = (await scene.messages(ticket))[-1]
    await scene.does(ticket, "hold", by=scene.agents["Ada"])
    await scene.does(ticket, "withdraw", said, by=scene.agents["Ada"])
    assert (await scene.ticket(ticket.id)).category is Category.on_hold
    assert (await scene.messages(ticket))[-1].delivery is None
