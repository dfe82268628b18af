"""Promises through the verbs of tickets, on a real database: what moves a clock, what does not, what is written."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import joinedload

from helpdesk import clock, contacts
from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.events import ASSISTANT, DESK, Kind
from helpdesk.people import Contact
from helpdesk.sla import Clock, Entry, Metric, Policy, Step, due, matching
from helpdesk.statuses import Category
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket
from tests.helpdesk.test_merging import merge, unmerge
from tests.scenes import Scene, mail

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = {str(day): [["09:00", "12:00"], ["13:00", "17:00"]] for day in range(5)}
TARGETS = {
    priority: {"first_response": 60, "next_response": 120, "update": 240, "resolution": 480}
    for priority in ("low", "normal", "high", "urgent")
}
MONDAY = datetime(2031, 3, 3, 10, 0, tzinfo=BERLIN)


def at(when: datetime) -> Any:
    """The desk's clock stands at this instant, and goes on from there."""
    return clock.moved(when - clock.now())


def wall(when: datetime | None) -> str:
    """To the nearest minute: the clock goes on while a test runs."""
    return (when + timedelta(seconds=30)).astimezone(BERLIN).strftime("%a %H:%M") if when else "-"


@pytest.fixture
async def desk(scene: Scene) -> Scene:
    """Hours with a lunch break, and all four promises."""
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Calendar).values(week=WEEK))
        await session.execute(update(Policy).values(targets=TARGETS, warn_minutes=15))
    return scene


async def clocks(scene: Scene, ticket: Ticket) -> dict[str, Clock]:
    """The open ones by metric, and those that are over by `metric.n`."""
    found: dict[str, Clock] = {}
    for one in (await scene.ticket(ticket.id)).clocks:
        found[one.metric if one.is_open else f"{one.metric}.{len(found)}"] = one
    return found


async def steps(scene: Scene, ticket: Ticket, metric: Metric | None = None) -> list[str]:
    async with scene.desk.sessions() as session:
        query = select(Entry).where(Entry.ticket_id == ticket.id).order_by(Entry.id)
        found = await session.scalars(query)
        return [one.step for one in found if metric in (None, one.metric)]


async def sees(scene: Scene) -> None:
    """A worker looks at the clock."""
    async with committed(scene.desk.sessions) as session:
        await due.record(session)


async def test_zammad_3551_first_reply_and_pending_in_one_save(desk: Scene):
    """https://github.com/zammad/zammad/issues/3551: an answer that also puts the ticket on hold meets the first
    response; the pause does not swallow it."""
    with at(MONDAY):
        ticket = await desk.receives()
        async with committed(desk.desk.sessions) as session:
            loaded = await desk.ticket(ticket.id, session)
            loaded.reply("We ask the carrier.", by=desk.agents["Ada"])
            loaded.hold(by=desk.agents["Ada"])
    first = next(c for c in (await desk.ticket(ticket.id)).clocks if c.metric is Metric.first_response)
    assert first.was_met
    assert wall(first.due_at) == "Mon 11:00"
    assert await steps(desk, ticket, Metric.first_response) == [Step.start, Step.meet]


async def test_zammad_5177_an_update_is_not_due_before_the_first_response(desk: Scene):
    """https://github.com/zammad/zammad/issues/5177: a shorter update target does not overrule the first response."""
    async with committed(desk.desk.sessions) as session:
        await session.execute(
            update(Policy).values(targets={"normal": {"first_response": 480, "update": 60}})
        )
    with at(MONDAY):
        ticket = await desk.receives()
        assert wall((await desk.ticket(ticket.id)).next_due_at) == "Tue 11:00"
        assert "update" not in await clocks(desk, ticket)
        await desk.replies(ticket)
        assert wall((await desk.ticket(ticket.id)).next_due_at) == "Mon 11:00"


async def test_zammad_1322_a_customers_words_are_no_reply_and_start_the_next_one(desk: Scene):
    """https://github.com/zammad/zammad/issues/1322: whatever way the customer writes, they wait from then on; a
    colleague's note answers nobody."""
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.replies(ticket)
    with at(MONDAY + timedelta(hours=3)):
        await desk.receives(answer(desk, ticket))
        await desk.does(ticket, "note", "Looking into it.", by=desk.agents["Ada"])
        found = await clocks(desk, ticket)
        assert wall(found["next_response"].due_at) == "Mon 15:00"


async def test_zammad_904_a_merged_ticket_does_not_escalate(desk: Scene):
    """https://github.com/zammad/zammad/issues/904: what was merged away is due no more, and is due again as it was
    when the merge is undone."""
    with at(MONDAY):
        source, target = await desk.receives(mail("One")), await desk.receives(mail("Two"))
        before = await clocks(desk, source)
        made = await merge(desk, source, target)
    with at(MONDAY + timedelta(days=1)):
        await sees(desk)
        assert (await desk.ticket(source.id)).next_due_at is None
        assert Kind.sla_breached not in await desk.kinds(source)
        assert Kind.sla_breached in await desk.kinds(target)
        await unmerge(desk, made)
    after = await clocks(desk, source)
    assert {k: c.due_at for k, c in after.items()} == {k: c.due_at for k, c in before.items()}
    assert all(c.breaks == [] for c in after.values())


async def test_zammad_3140_who_was_answered_waits_for_nothing(desk: Scene):
    """https://github.com/zammad/zammad/issues/3140: where only answers are promised, a ticket whose last word is
    ours is not late, however long the customer is silent."""
    async with committed(desk.desk.sessions) as session:
        promised = {"normal": {"first_response": 60, "next_response": 120}}
        await session.execute(update(Policy).values(targets=promised))
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.replies(ticket)
    with at(MONDAY + timedelta(days=9)):
        await sees(desk)
        assert (await desk.ticket(ticket.id)).next_due_at is None
        assert Kind.sla_breached not in await desk.kinds(ticket)


async def test_frappe_2449_asked_on_a_day_off_and_put_on_hold(desk: Scene):
    """https://github.com/frappe/helpdesk/pull/2449: the time on hold is working time that is given back, not hours
    that are added to a Sunday on which nobody worked."""
    sunday = MONDAY - timedelta(days=1)
    with at(sunday):
        ticket = await desk.receives()
    with at(sunday + timedelta(hours=3)):
        await desk.does(ticket, "hold", by=desk.agents["Ada"])
    with at(MONDAY + timedelta(minutes=30)):  # 10:30: an hour and a half of work was missed
        await desk.does(ticket, "take_up", by=desk.agents["Ada"])
        found = await clocks(desk, ticket)
    assert wall(found["resolution"].due_at) == "Tue 11:30"
    assert wall(found["first_response"].due_at) == "Mon 10:00"


async def test_frappe_2405_the_due_times_are_those_that_were_configured(desk: Scene):
    """https://github.com/frappe/helpdesk/issues/2405: response and resolution are the priority's own targets, also
    right after the priority was changed."""
    async with committed(desk.desk.sessions) as session:
        promised = {
            p: {"first_response": n, "resolution": 4 * n} for p, n in (("normal", 60), ("urgent", 15))
        }
        await session.execute(update(Policy).values(targets=promised))
    with at(MONDAY):
        ticket = await desk.receives()
        assert await due_times(desk, ticket) == {"first_response": "Mon 11:00", "resolution": "Mon 15:00"}
    with at(MONDAY + timedelta(minutes=5)):
        await desk.does(ticket, "prioritise", Priority.urgent, by=desk.agents["Ada"])
        assert await due_times(desk, ticket) == {"first_response": "Mon 10:15", "resolution": "Mon 11:00"}


async def test_frappe_3465_a_ticket_that_opens_again_after_weeks_is_not_late_at_once(desk: Scene):
    """frappe/helpdesk#3465: a closed ticket comes back long after. The time it was closed counts against nobody."""
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.replies(ticket)
        await desk.does(ticket, "close", by=desk.agents["Ada"])
    with at(MONDAY + timedelta(days=28, minutes=10)):
        await sees(desk)
        await desk.receives(answer(desk, ticket))
        await sees(desk)
        assert Kind.sla_breached not in await desk.kinds(ticket)
        found = await due_times(desk, ticket)
    assert [found[one] for one in ("next_response", "update", "resolution")] == [
        "Mon 13:10",
        "Mon 15:10",
        "Tue 11:10",
    ]


async def test_frappe_1554_a_clock_that_was_paused_goes_on_when_the_customer_answers(desk: Scene):
    """https://github.com/frappe/helpdesk/issues/1554 and /1675: the resolution that rested while we waited goes on
    with the answer, by as much as was left; it neither ticks in the background nor starts over nor stays empty."""
    with at(MONDAY):
        ticket = await desk.receives()
    with at(MONDAY + timedelta(hours=1)):
        await desk.replies(ticket)
        assert (await clocks(desk, ticket))["resolution"].due_at is None
    with at(MONDAY + timedelta(days=2)):
        await desk.receives(answer(desk, ticket))
        found = (await clocks(desk, ticket))["resolution"]
    assert wall(found.due_at) == "Thu 10:00"  # seven hours of eight were left on Wednesday at ten
    assert await steps(desk, ticket, Metric.resolution) == [Step.start, Step.pause, Step.resume]


async def test_chatwoot_13392_promises_run_in_business_hours(desk: Scene):
    """https://github.com/chatwoot/chatwoot/pull/13392: asked on Friday at 16:30, an hour is over on Monday at 9:30."""
    with at(datetime(2031, 3, 7, 16, 30, tzinfo=BERLIN)):
        ticket = await desk.receives()
    assert wall((await desk.ticket(ticket.id)).next_due_at) == "Mon 09:30"


async def test_chatwoot_14009_a_day_may_have_several_intervals(desk: Scene):
    """https://github.com/chatwoot/chatwoot/issues/14009: asked at 12:30, during lunch, an hour is over at 14:00."""
    with at(MONDAY + timedelta(hours=2, minutes=30)):
        ticket = await desk.receives()
    assert wall((await desk.ticket(ticket.id)).next_due_at) == "Mon 14:00"


async def test_an_answer_that_is_taken_back_leaves_every_clock_as_it_was(desk: Scene):
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.replies(ticket)
    with at(MONDAY + timedelta(hours=3)):
        await desk.receives(answer(desk, ticket))
        before = await clocks(desk, ticket)
        await desk.replies(ticket)
        assert "next_response" not in await clocks(desk, ticket)
        await desk.does(ticket, "withdraw", (await desk.messages(ticket))[-1], by=desk.agents["Ada"])
        after = await clocks(desk, ticket)
    for metric in ("next_response", "update", "resolution"):
        for name in ("started_at", "due_at", "breaks", "met_at"):
            assert getattr(after[metric], name) == getattr(before[metric], name), (metric, name)
    assert (await desk.ticket(ticket.id)).next_due_at == before["next_response"].due_at


async def test_the_assistants_answer_keeps_no_promise(desk: Scene):
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.does(ticket, "reply", "Have you tried…", by=ASSISTANT)
        assert wall((await clocks(desk, ticket))["first_response"].due_at) == "Mon 11:00"


async def test_spam_rests_and_goes_on_when_it_is_restored(desk: Scene):
    ada = desk.agents["Ada"]
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.does(ticket, "remove", Removal.spam, by=ada)
    with at(MONDAY + timedelta(hours=5)):
        await sees(desk)
        assert Kind.sla_breached not in await desk.kinds(ticket)
        await desk.does(ticket, "restore", by=ada)
        assert wall((await clocks(desk, ticket))["first_response"].due_at) == "Mon 16:00"


async def test_a_blocked_senders_mail_is_owed_nothing_until_it_is_restored(desk: Scene):
    """Then all of it, from that moment: who restores it late has not missed anything."""
    with at(MONDAY):
        first = await desk.receives()
        async with committed(desk.desk.sessions) as session:
            contacts.block(session, await session.get_one(Contact, first.contact_id), by=desk.agents["Ada"])
        ticket = await desk.receives(mail("Once more"))
        await desk.does(ticket, "prioritise", Priority.high, by=desk.agents["Ada"])
        ticket = await desk.ticket(ticket.id)
        assert (ticket.removed, ticket.policy_id, len(ticket.clocks)) == (Removal.spam, None, 0)
        assert await steps(desk, ticket) == []
        assert Kind.sla_started not in await desk.kinds(ticket)
    with at(MONDAY + timedelta(days=2)):
        await desk.does(ticket, "restore", by=desk.agents["Ada"])
        await sees(desk)
        found = await clocks(desk, ticket)
        assert wall(found["first_response"].due_at) == "Wed 11:00"
        assert found["first_response"].breached_at is None
        assert await steps(desk, ticket) == [Step.start, Step.start]


async def test_snoozing_stops_no_promise_unless_the_policy_says_so(desk: Scene):
    with at(MONDAY):
        ticket = await desk.receives()
        await desk.does(ticket, "snooze", NEXT_REPLY, by=desk.agents["Ada"])
        assert wall((await desk.ticket(ticket.id)).next_due_at) == "Mon 11:00"
        async with committed(desk.desk.sessions) as session:
            await session.execute(update(Policy).values(pauses={"first_response": ["snoozed"]}))
        other = await desk.receives(mail(sender="ben@lumen.example"))
        await desk.does(other, "snooze", NEXT_REPLY, by=desk.agents["Ada"])
        assert (await clocks(desk, other))["first_response"].due_at is None
        async with committed(desk.desk.sessions) as session:  # woken by who loads nothing
            loaded = await session.get_one(Ticket, other.id)
            loaded.wake(by=DESK)
        assert (await clocks(desk, other))["first_response"].due_at is not None


async def test_what_ran_out_is_written_in_order_and_at_its_own_time(desk: Scene):
    """No worker was there for a week: warning, breach and escalations come one after the other, each truly timed."""
    async with committed(desk.desk.sessions) as session:
        told = [{"after": 60, "agent": desk.agents["Liam"].id}]
        await session.execute(update(Policy).values(escalations=told))
    with at(MONDAY):
        ticket = await desk.receives()
    with at(MONDAY + timedelta(days=7)):
        await sees(desk)
        await sees(desk)
    async with desk.desk.sessions() as session:
        query = select(Entry).where(Entry.ticket_id == ticket.id, Entry.metric == Metric.first_response)
        written = [(one.step, wall(one.at)) for one in await session.scalars(query.order_by(Entry.id))]
    assert written == [
        (Step.start, "Mon 10:00"),
        (Step.warn, "Mon 10:45"),
        (Step.breach, "Mon 11:00"),
        (Step.escalate, "Mon 12:00"),
    ]
    assert (await desk.kinds(ticket)).count(Kind.sla_breached) == 2
    assert Kind.sla_warned not in await desk.kinds(ticket)  # that it is late says more


async def test_the_first_policy_that_fits_holds_and_is_matched_again_on_change(desk: Scene):
    async with committed(desk.desk.sessions) as session:
        calendar = await session.scalar(select(Calendar))
        assert calendar
        urgent = {"kind": "where", "field": "priority", "operator": "is", "value": "urgent"}
        fast = {"urgent": {"first_response": 5, "resolution": 60}}
        session.add(Policy(name="Fire", position=-1, condition=urgent, calendar=calendar, targets=fast))
    ada = desk.agents["Ada"]
    with at(MONDAY):
        ticket = await desk.receives()
        assert await due_times(desk, ticket) == {"first_response": "Mon 11:00", "resolution": "Tue 11:00"}
        await desk.does(ticket, "prioritise", Priority.urgent, by=ada)
        assert await due_times(desk, ticket) == {"first_response": "Mon 10:05", "resolution": "Mon 11:00"}
        await desk.does(ticket, "prioritise", Priority.low, by=ada)
        assert await due_times(desk, ticket) == {"first_response": "Mon 11:00", "resolution": "Tue 11:00"}
    assert (await desk.kinds(ticket)).count(Kind.policy_changed) == 2


async def test_a_policy_that_somebody_chose_stays(desk: Scene):
    async with committed(desk.desk.sessions) as session:
        calendar = await session.scalar(select(Calendar))
        assert calendar
        never = {"kind": "any", "of": []}
        gold = Policy(name="Gold", position=9, condition=never, calendar=calendar, targets=TARGETS)
        session.add(gold)
    ada = desk.agents["Ada"]
    with at(MONDAY):
        ticket = await desk.receives()
        async with committed(desk.desk.sessions) as session:
            loaded = await desk.ticket(ticket.id, session)
            query = select(Policy).where(Policy.id == gold.id).options(joinedload(Policy.calendar))
            matching.fix(loaded, await session.scalar(query), by=ada)
        await desk.does(ticket, "prioritise", Priority.urgent, by=ada)
        assert (await desk.ticket(ticket.id)).policy_id == gold.id
        async with committed(desk.desk.sessions) as session:
            matching.fix(await desk.ticket(ticket.id, session), None, by=ada)
        assert (await desk.ticket(ticket.id)).policy_id != gold.id


async def test_where_we_wrote_first_a_promise_begins_with_their_answer(desk: Scene):
    async with committed(desk.desk.sessions) as session:
        await session.execute(update(Ticket).values(policy_id=None))
    with at(MONDAY):
        ticket = await desk.receives(mail("I am away", automatic=True))
        assert await clocks(desk, ticket) == {}
    with at(MONDAY + timedelta(minutes=30)):
        await desk.receives(answer(desk, ticket))
        assert wall((await desk.ticket(ticket.id)).next_due_at) == "Mon 11:30"


async def test_the_ledger_is_closed_to_whoever_would_rewrite_it(desk: Scene):
    with at(MONDAY):
        await desk.receives()
    async with desk.desk.sessions() as session:
        with pytest.raises(Exception, match="permission denied"):
            await session.execute(update(Entry).values(step="meet"))


async def test_a_resolved_ticket_owes_nothing_and_an_opened_one_what_was_left(desk: Scene):
    ada = desk.agents["Ada"]
    with at(MONDAY):
        ticket = await desk.receives()
    with at(MONDAY + timedelta(hours=1)):
        await desk.does(ticket, "resolve", by=ada)
        assert (await desk.ticket(ticket.id)).next_due_at is None
    with at(MONDAY + timedelta(days=1)):
        await desk.does(ticket, "reopen", by=ada)
        found = await clocks(desk, ticket)
        assert (await desk.ticket(ticket.id)).category is Category.open
    assert wall(found["resolution"].due_at) == "Wed 10:00"


def answer(scene: Scene, ticket: Ticket) -> Any:
    token = scene.desk.keys.reply_token(ticket.reply_key, "marta@lumen.example")
    return mail("And now?", tokens=(token,), sender="marta@lumen.example")


async def due_times(scene: Scene, ticket: Ticket) -> dict[str, str]:
    return {metric: wall(one.due_at) for metric, one in (await clocks(scene, ticket)).items()}
