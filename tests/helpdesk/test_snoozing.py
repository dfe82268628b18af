"""Out of sight until a time or the next reply; spam and trash and back; notes put right."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from helpdesk import clock, snoozing, views
from helpdesk.database import committed
from helpdesk.events import DESK, Kind
from helpdesk.people import Agent, with_access
from helpdesk.snoozing import Preset, chosen, offers
from helpdesk.tickets import (
    NEXT_REPLY,
    Awake,
    BadTime,
    NoNote,
    NothingToSnooze,
    NotRemoved,
    NotYourNote,
    Removal,
    Removed,
    Ticket,
)
from helpdesk.views import View
from tests.scenes import Scene, mail

BERLIN = ZoneInfo("Europe/Berlin")
MARTA = "marta@lumen.example"
WORKING = datetime(2026, 6, 2, 10, tzinfo=UTC)
"""A Tuesday, within the hours of every desk here."""


def told(at: datetime) -> dict[str, str]:
    return {o.preset.value: f"{o.until.astimezone(BERLIN):%a %d %H:%M}" for o in offers(at, BERLIN)[:-1]}


def test_times_are_offered_in_the_agents_own_zone():
    """The 29th of March 2026 has no 02:30 in Berlin, and its morning is an hour closer."""
    friday = datetime(2026, 3, 27, 13, 10, tzinfo=UTC)
    assert told(friday) == {
        "later_today": "Fri 27 17:00",
        "tomorrow": "Sat 28 09:00",
        "next_week": "Mon 30 09:00",
    }
    saturday_evening = datetime(2026, 3, 28, 18, 0, tzinfo=UTC)
    assert told(saturday_evening) == {"tomorrow": "Sun 29 09:00", "next_week": "Mon 30 09:00"}
    tomorrow = chosen(Preset.tomorrow, saturday_evening, BERLIN)
    assert tomorrow - saturday_evening == timedelta(hours=13)
    assert told(datetime(2026, 3, 29, 12, tzinfo=UTC)) == {
        "later_today": "Sun 29 17:00",
        "tomorrow": "Mon 30 09:00",
    }


def test_a_time_that_is_picked_is_local():
    at = datetime(2026, 6, 1, tzinfo=UTC)
    assert chosen("2026-07-01T09:00", at, BERLIN) == datetime(2026, 7, 1, 7, tzinfo=UTC)
    for nothing in ("", "soon", "2026-13-01T00:00", "later_today\x00"):
        with pytest.raises(BadTime):
            chosen(nothing, at, BERLIN)


async def mine(scene: Scene) -> list[int]:
    async with scene.desk.sessions() as session:
        query = select(Agent).where(Agent.id == scene.agents["Ada"].id).options(*with_access())
        agent = (await session.scalars(query)).unique().one()
        page = await views.listed(session, agent, View.all)
        return [row.id for row in page.tickets]


async def snoozed(scene: Scene, until: datetime = NEXT_REPLY) -> Ticket:
    ticket = await scene.receives()
    await scene.does(ticket, "snooze", until, by=scene.agents["Ada"])
    return ticket


async def waking(scene: Scene) -> int:
    async with committed(scene.desk.sessions) as session:
        return await snoozing.wake_due(session)


async def test_a_ticket_sleeps_until_its_time_and_wakes_once(scene: Scene):
    ticket = await snoozed(scene, clock.now() + timedelta(hours=2))
    assert await mine(scene) == []
    assert await waking(scene) == 0
    with clock.moved(timedelta(hours=3)):
        assert sorted(await asyncio.gather(*(waking(scene) for _ in range(3)))) == [0, 0, 1]
    assert await mine(scene) == [ticket.id]
    assert (await scene.kinds(ticket))[-2:] == [Kind.snoozed, Kind.woken]


async def test_the_customer_wakes_it_whatever_it_waits_for(scene: Scene):
    for until in (NEXT_REPLY, clock.now() + timedelta(days=3)):
        ticket = await snoozed(scene, until)
        token = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
        assert (await scene.receives(mail("And?", tokens=(token,)))).id == ticket.id
        assert (await scene.ticket(ticket.id)).is_active
        assert Kind.woken in await scene.kinds(ticket)


async def test_a_machine_does_not_wake_it(scene: Scene):
    ticket = await snoozed(scene)
    token = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
    await scene.receives(mail("I am away", tokens=(token,), automatic=True))
    assert not (await scene.ticket(ticket.id)).is_active


async def test_a_ticket_that_waits_for_a_reply_is_never_woken_by_the_clock(scene: Scene):
    await snoozed(scene)
    with clock.moved(timedelta(days=3000)):
        assert await waking(scene) == 0
    async with scene.desk.sessions() as session:
        assert await snoozing.next_waking(session) is None


async def test_what_makes_no_sense_is_refused(scene: Scene):
    ada, ticket = scene.agents["Ada"], await scene.receives()
    for wrong in (clock.now() - timedelta(seconds=1), clock.now() + timedelta(days=2000)):
        with pytest.raises(BadTime):
            await scene.does(ticket, "snooze", wrong, by=ada)
    with pytest.raises(Awake):
        await scene.does(ticket, "wake", by=ada)
    await scene.does(ticket, "resolve", by=ada)
    with pytest.raises(NothingToSnooze):
        await scene.does(ticket, "snooze", NEXT_REPLY, by=ada)


async def test_spam_and_trash_take_a_ticket_out_of_every_queue_and_give_it_back_as_it_was(scene: Scene):
    """Its clocks rest while it is out, so the moment stands still here."""
    with clock.stopped(WORKING):
        ada, ticket = scene.agents["Ada"], await scene.receives()
        before = await scene.ticket(ticket.id)
        for why in (Removal.spam, Removal.trash):
            await scene.does(ticket, "remove", why, by=ada)
            assert await mine(scene) == []
        with pytest.raises(Removed):
            await scene.does(ticket, "remove", Removal.trash, by=ada)
        await scene.does(ticket, "restore", by=ada)
        assert await mine(scene) == [ticket.id]
        after = await scene.ticket(ticket.id)
        for name in (
            "category",
            "status_id",
            "waiting_since",
            "next_due_at",
            "assignee_id",
            "removed",
            "removed_at",
        ):
            assert getattr(after, name) == getattr(before, name), name
        with pytest.raises(NotRemoved):
            await scene.does(ticket, "restore", by=ada)


async def test_who_answers_a_ticket_in_the_trash_has_it_taken_out(scene: Scene):
    for why, comes_back in ((Removal.trash, True), (Removal.spam, False)):
        ticket = await scene.receives()
        await scene.does(ticket, "remove", why, by=DESK)
        token = scene.desk.keys.reply_token(ticket.reply_key, MARTA)
        assert (await scene.receives(mail("Hello?", tokens=(token,)))).id == ticket.id
        assert ((await scene.ticket(ticket.id)).removed is None) == comes_back


async def test_a_note_is_put_right_and_keeps_what_it_said_first(scene: Scene):
    ada, ticket = scene.agents["Ada"], await scene.receives()
    note = await scene.does(ticket, "note", "It is the cabel.", by=ada)
    for text in ("It is the cable.", "It is the cable!", "  It is the cable!\r\n"):
        note = (await scene.messages(ticket))[-1]
        async with committed(scene.desk.sessions) as session:
            note = await session.merge(note)
            (await scene.ticket(ticket.id, session)).edit_note(note, text, by=ada)
    note = (await scene.messages(ticket))[-1]
    assert (note.text, note.original) == ("It is the cable!", "It is the cabel.")
    assert note.edited_at is not None
    assert (await scene.kinds(ticket)).count(Kind.note_edited) == 2


async def test_only_its_author_edits_a_note_and_nothing_else_is_edited(scene: Scene):
    ticket = await scene.receives()
    await scene.does(ticket, "note", "Mine.", by=scene.agents["Ada"])
    mail_, note = await scene.messages(ticket)
    for message, by, refused in ((note, "Liam", NotYourNote), (mail_, "Ada", NoNote)):
        with pytest.raises(refused):
            await scene.does(ticket, "edit_note", message, "Other words.", by=scene.agents[by])
    other = await scene.receives()
    with pytest.raises(NoNote):
        await scene.does(other, "edit_note", note, "Other words.", by=scene.agents["Ada"])
