"""Tickets that were merged or put away: whose card is pressed, which thread leads where, and who may still reach it."""

import json

import pytest
from sqlalchemy import func, select

from channels.slack import people
from helpdesk import merging, retention
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event
from helpdesk.messages import Direction
from helpdesk.people import Agent, Contact, with_access
from helpdesk.tickets import Priority, Removal, Ticket
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack
from tests.channels.slack.test_teams import MONEY, asks, moves, team
from tests.channels.slack.test_triage import shows, submission, told
from workers.mirroring import OVERLAP, _changed


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    slack.add("U0LIAM", "Liam", team="T0HOME", email="liam@desk.example")
    return await connected(desk, slack, triage_channel=TRIAGE)


async def two(room: Room, slack: FakeSlack) -> tuple[list[Ticket], list[str]]:
    """Tickets of two customers, and the threads they stand in."""
    first = slack.says("U0MARTA", "The export fails")
    second = slack.says("U0BEN", "The import fails")
    await room.hears(first, second)
    await shows(room)
    return await room.tickets(), [one["event"]["ts"] for one in (first, second)]


async def merges(room: Room, source: Ticket, target: Ticket) -> int:
    async with committed(room.desk.sessions) as session:
        ada = await session.get_one(Agent, room.scene.agents["Ada"].id, options=with_access())
        made = await merging.merge(session, source.number, target.number, by=ada)
    await shows(room)
    return made.id


async def noted(room: Room, slack: FakeSlack, card: str, text: str = "Try 2.1 please") -> int:
    await room.hears(slack.says("U0LIAM", text, channel=TRIAGE, thread_ts=card))
    return int(slack.called("chat.postEphemeral")[-1]["blocks"][1]["elements"][0]["value"])


async def test_what_is_written_in_either_thread_is_one_ticket_until_the_merge_is_undone(
    room: Room, slack: FakeSlack
):
    (first, second), (here, there) = await two(room, slack)
    made = await merges(room, first, second)
    late = slack.says("U0MARTA", "Still so", thread_ts=here)
    await room.hears(late, slack.says("U0BEN", "Here, too", thread_ts=there))
    assert len(await room.tickets()) == 2
    assert {"Still so", "Here, too"} <= set(await room.texts(second))
    await room.hears(slack.edits("C0SHARED", late["event"]["ts"], "Still so, sadly"))
    assert "Still so, sadly" in await room.texts(second)
    await room.answers(second, "We are on it")
    await room.hears(slack.deletes("C0SHARED", late["event"]["ts"]))
    assert "(taken back in Slack)" in await room.texts(second)
    async with committed(room.desk.sessions) as session:
        ada = await session.get_one(Agent, room.scene.agents["Ada"].id, options=with_access())
        await merging.unmerge(session, made, by=ada)
    await room.hears(slack.says("U0MARTA", "And now?", thread_ts=here))
    assert "And now?" in await room.texts(first), "the thread is its own ticket's again"


async def test_who_writes_on_after_a_merge_goes_on_with_what_it_was_merged_into(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0MARTA", "Hello, it fails", channel="D0MARTA"))
    (first,) = await room.tickets()
    _others, _threads = await two(room, slack)
    target = (await room.tickets())[-1]
    await merges(room, first, target)
    await room.hears(slack.says("U0MARTA", "It fails every day", channel="D0MARTA"))
    assert "It fails every day" in await room.texts(target)
    assert len(await room.tickets()) == 3


async def test_a_card_of_what_was_put_away_holds_nothing_of_it_and_no_button_does_anything(
    room: Room, slack: FakeSlack
):
    (first, second), _threads = await two(room, slack)
    await room.scene.does(first, "remove", Removal.spam, by=room.scene.agents["Ada"])
    await room.scene.does(second, "remove", Removal.trash, by=room.scene.agents["Ada"])
    await shows(room)
    cards = slack.sent(TRIAGE)
    assert "fails" not in json.dumps(cards)
    assert "Marta" not in json.dumps(cards)
    assert "actions" not in json.dumps(cards)
    assert "Put away as spam" in json.dumps(cards[0])
    for action, value in (("desk:take", ""), ("desk:resolve", ""), ("desk:priority", "/urgent")):
        await room.hears(slack.presses("U0ADA", action, f"{first.id}{value}"))
    now = await room.scene.ticket(first.id)
    assert (now.assignee_id, now.is_settled, now.priority) == (None, False, Priority.normal)
    assert told(slack) == ["This ticket was put away. Bring it back in the desk first."] * 3
    await room.scene.does(first, "restore", by=room.scene.agents["Ada"])
    await shows(room)
    assert "The export fails" in json.dumps(slack.sent(TRIAGE)[0])


async def test_of_a_person_who_was_erased_nothing_stands_on_a_card(room: Room, slack: FakeSlack):
    (first, _second), _threads = await two(room, slack)
    async with committed(room.desk.sessions) as session:
        newest = select(func.max(Event.id))
        before = await session.scalar(newest) or 0
        marta = await session.get_one(Contact, first.contact_id)
        await retention.erase(session, room.desk, marta, by=room.scene.agents["Ada"])
        after = await session.scalar(newest) or 0
    assert await _changed(room.desk, room.inbox.id, before + OVERLAP, after) == [first.id]
    await shows(room)
    gone, other = (json.dumps(card) for card in slack.sent(TRIAGE))
    assert "fails" not in gone
    assert "Marta" not in gone
    assert "The import fails" in other
    assert len(slack.sent(TRIAGE)) == 2


async def test_a_button_of_a_merged_ticket_changes_no_other_one(room: Room, slack: FakeSlack):
    (first, second), _threads = await two(room, slack)
    await merges(room, first, second)
    card = json.dumps(slack.sent(TRIAGE)[0])
    assert f"Merged into <{room.desk.settings.url}/tickets/{second.number}|#{second.number}>" in card
    await room.hears(slack.presses("U0ADA", "desk:resolve", str(first.id)))
    assert not (await room.scene.ticket(second.id)).is_settled
    assert told(slack)[-1] == "This ticket was merged into another one: look there."


async def test_a_merge_opens_no_way_to_another_teams_ticket(room: Room, slack: FakeSlack):
    """Liam sees the first, and not the second, which is another team's."""
    (first, second), _threads = await two(room, slack)
    ada = room.scene.agents["Ada"]
    await room.scene.does(second, "move", room.scene.teams["Technical"], by=ada)
    await shows(room)
    card = slack.sent(TRIAGE)[0]["ts"]
    note = await noted(room, slack, card)
    await room.hears(slack.presses("U0LIAM", "desk:send", str(note)))
    (form,) = slack.called("views.open")
    await merges(room, first, second)
    await room.hears(slack.presses("U0LIAM", "desk:take", str(first.id)))
    await room.hears(slack.presses("U0LIAM", "desk:send", str(note)))
    await room.hears(submission(form["view"], "U0LIAM"))
    assert (await room.scene.ticket(second.id)).assignee_id is None
    assert len(slack.called("views.open")) == 1
    assert [m for m in await room.scene.messages(second) if m.direction is Direction.outbound] == []


async def test_an_answer_goes_to_nobody_else_than_the_preview_named(room: Room, slack: FakeSlack):
    (first, second), _threads = await two(room, slack)
    note = await noted(room, slack, slack.sent(TRIAGE)[1]["ts"])  # written last: nothing newer anywhere
    await room.hears(slack.presses("U0ADA", "desk:send", str(note)))
    (form,) = slack.called("views.open")
    assert "Ben Lumen" in json.dumps(form["view"]["blocks"][0])
    await merges(room, second, first)
    await room.hears(submission(form["view"], "U0ADA"))
    assert [m for m in await room.scene.messages(first) if m.direction is Direction.outbound] == []
    assert "More was said in this ticket" in told(slack)[-1]


async def test_who_pressed_in_a_teams_channel_hears_there_that_nothing_was_sent(desk: Desk, slack: FakeSlack):
    """Also where the inbox has no channel of its own; a form does not say where it was opened."""
    room = await connected(desk, slack)
    money = await team(room, "Money", MONEY, cards=True)
    ticket = await asks(room, slack)
    await moves(room, ticket, money)
    (card,) = slack.sent(MONEY)
    note = slack.says("U0ADA", "Try 2.1", channel=MONEY, thread_ts=card["ts"])
    await room.hears(note)
    pressed = slack.called("chat.postEphemeral")[-1]["blocks"][1]["elements"][0]
    await room.hears(slack.presses("U0ADA", pressed["action_id"], pressed["value"], channel=MONEY))
    (form,) = slack.called("views.open")
    await room.hears(slack.edits(MONEY, note["event"]["ts"], "Rather not"), submission(form["view"], "U0ADA"))
    said = slack.called("chat.postEphemeral")[-1]
    assert (said["channel"], said["user"]) == (MONEY, "U0ADA")
    assert "says something else now" in said["text"]
    assert [m for m in await room.scene.messages(ticket) if m.direction is Direction.outbound] == []


async def test_an_agent_who_was_switched_off_presses_nothing(room: Room, slack: FakeSlack):
    (first, _second), _threads = await two(room, slack)
    note = await noted(room, slack, slack.sent(TRIAGE)[0]["ts"])
    await room.hears(slack.presses("U0LIAM", "desk:send", str(note)))
    (form,) = slack.called("views.open")
    async with committed(room.desk.sessions) as session:
        (await session.get_one(Agent, room.scene.agents["Liam"].id)).active = False
    await room.hears(slack.presses("U0LIAM", "desk:take", str(first.id)), submission(form["view"], "U0LIAM"))
    assert (await room.scene.ticket(first.id)).assignee_id is None
    assert [m for m in await room.scene.messages(first) if m.direction is Direction.outbound] == []


async def test_whoever_became_a_guest_or_left_slack_is_no_agent_there(room: Room, slack: FakeSlack):
    (first, _second), _threads = await two(room, slack)
    await room.hears(slack.presses("U0LIAM", "desk:priority", f"{first.id}/urgent"))
    assert (await room.scene.ticket(first.id)).priority is Priority.urgent
    for change in ({"deleted": True}, {"is_restricted": True}):
        for key, (at, person) in list(people._known.items()):
            people._known[key] = (at - 2 * people.FRESH, person)
        slack.add("U0LIAM", "Liam", team="T0HOME", email="liam@desk.example", **change)
        await room.hears(slack.presses("U0LIAM", "desk:take", str(first.id)))
        assert (await room.scene.ticket(first.id)).assignee_id is None
