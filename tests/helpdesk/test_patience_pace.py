"""Waiting for customers at scale: foretold, paced, by many workers, in certain hours, on terms that make sense."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk import patience
from helpdesk.calendars import Calendar
from helpdesk.clock import moved, now
from helpdesk.database import committed
from helpdesk.errors import Invalid
from helpdesk.events import DESK, Kind
from helpdesk.inboxes import Inbox
from helpdesk.patience import Done, Foretold, Terms
from helpdesk.people import Contact
from tests.helpdesk.silent import DAY, TERMS, ahead, answered, passes, told, waits
from tests.scenes import Scene


async def test_it_is_foretold_before_it_happens(scene: Scene):
    tickets = [await answered(scene, sender=f"c{n}@lumen.example") for n in range(4)]
    await scene.does(tickets[0], "resolve", by=DESK)
    with moved(31 * DAY):
        async with scene.desk.sessions() as session:
            inbox = await session.get_one(Inbox, scene.inbox.id)
            as_it_is = await patience.foretell(session, await patience.of(session, inbox))
            past = await patience.proposed(session, inbox, Terms(**TERMS.__dict__ | {"past_too": True}))
            found = await patience.foretell(session, past)
            new = await patience.foretell(session, await patience.proposed(session, inbox, TERMS))
        assert as_it_is == Foretold(waiting=3)
        assert found == Foretold(3, remind=3, resolve=0, close=1, oldest=tickets[1].silent_since)
        assert new == Foretold(waiting=3)
        await waits(scene)
        assert await passes(scene) == Done(reminded=3, closed=1)


async def test_nobody_is_flooded(scene: Scene):
    """Sixty an hour are one a minute, however many wait and however often somebody looks."""
    for n in range(5):
        await answered(scene, sender=f"c{n}@lumen.example")
    await waits(scene, per_hour=60)
    reminded = []
    for minute in range(4):
        with moved(4 * DAY + timedelta(minutes=minute, seconds=1)):
            reminded.append(sum([(await passes(scene)).reminded for _ in range(3)]))
    assert reminded == [1, 1, 1, 1] or reminded == [2, 1, 1, 1]


async def test_a_slow_pace_is_no_standstill(scene: Scene):
    for n in range(2):
        await answered(scene, sender=f"c{n}@lumen.example")
    await waits(scene, per_hour=1)
    done = []
    for minute in (0, 30, 61):
        with moved(4 * DAY + timedelta(minutes=minute)):
            done.append((await passes(scene)).reminded)
    assert done == [1, 0, 1]


async def test_many_workers_at_once_do_it_once(scene: Scene):
    tickets = [await answered(scene, sender=f"c{n}@lumen.example") for n in range(12)]
    await waits(scene)
    with moved(4 * DAY):
        done = await asyncio.gather(*(passes(scene) for _ in range(8)))
        done += [await passes(scene)]
    assert sum(each.reminded for each in done) == 12
    for ticket in tickets:
        assert (await scene.kinds(ticket)).count(Kind.reminded) == 1


async def test_a_worker_that_is_killed_in_between_has_done_nothing_by_halves(scene: Scene):
    ticket = await answered(scene)
    await waits(scene)
    with moved(4 * DAY):
        async with scene.desk.sessions() as session:  # never committed
            assert (await patience.act(session, scene.inbox.id)).reminded == 1
            await session.flush()
        assert Kind.reminded not in await scene.kinds(ticket)
        assert await passes(scene) == Done(reminded=1)
    assert (await scene.kinds(ticket)).count(Kind.reminded) == 1


async def test_one_that_cannot_be_reminded_holds_up_no_other(scene: Scene):
    """Its text comes out empty, so that nothing can be sent."""
    poison = await answered(scene, sender="a@lumen.example")
    await answered(scene, sender="b@lumen.example", name="B")
    async with committed(scene.desk.sessions) as session:
        (await session.get_one(Contact, poison.contact_id)).name = ""
    await waits(scene, remind_text="{{contact.first_name}}", per_hour=60)
    with moved(4 * DAY):
        assert (await passes(scene)).reminded + (await passes(scene)).reminded == 1
    assert (await scene.ticket(poison.id)).left_alone_at
    assert await told(scene, poison, Kind.left_alone) == [{"now": True, "because": "failed"}]


async def test_nothing_is_written_outside_the_hours_that_were_chosen(scene: Scene):
    async with scene.desk.sessions() as session:
        calendar = await session.scalar(select(Calendar))
    assert calendar
    await waits(scene, calendar_id=calendar.id)
    ticket = await answered(scene)
    due = (await scene.ticket(ticket.id)).silent_since
    assert due
    opens = calendar.hours.next_opening(due + 3 * DAY)
    closes = next(calendar.hours.openings(opens, opens + 2 * DAY))[1]
    found = await ahead(scene, ticket)
    assert found
    assert found.at == opens
    with moved(closes + timedelta(hours=1) - now()):
        assert await passes(scene) == Done()
    reopens = calendar.hours.next_opening(closes + timedelta(hours=1))
    with moved(reopens + timedelta(minutes=1) - now()):
        assert await passes(scene) == Done(reminded=1)


@pytest.mark.parametrize(
    "terms",
    [
        {"remind_days": 0},
        {"resolve_days": 366},
        {"reopen_days": -1},
        {"per_hour": 0},
        {"remind_text": "{{contact.secret}}"},
        {"remind_text": "  "},
        {"remind_text": "x" * 5_001},
        {"calendar_id": 4_000},
    ],
)
async def test_terms_that_mean_nothing_are_refused(scene: Scene, terms: dict[str, Any]):
    with pytest.raises(Invalid):
        await waits(scene, **terms)


async def test_what_a_customer_is_called_is_never_read_as_a_placeholder(scene: Scene):
    await waits(scene)
    ticket = await answered(scene, name="{{ticket.subject}} {{7*7}}")
    with moved(4 * DAY):
        await passes(scene)
    assert (await scene.messages(ticket))[-1].text == "Hello {{ticket.subject}}?"
