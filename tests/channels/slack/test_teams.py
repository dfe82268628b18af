"""Each team in a channel of its own: the cards of its tickets, and what it hears there, at its hours."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.contract import Unavailable
from channels.slack import calling, lines, triage
from helpdesk import clock
from helpdesk.calendars import Calendar
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Direction
from helpdesk.people import Team
from helpdesk.slack import SlackTeam
from helpdesk.tickets import Ticket
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack
from tests.channels.slack.test_triage import shows
from tests.scenes import mail

MONEY, TECH = "C0MONEY", "C0TECH"
ALL = ("new", "assigned", "warned", "answered", "settled")


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    return await connected(desk, slack, triage_channel=TRIAGE)


async def team(room: Room, name: str, channel: str = "", **chosen: Any) -> Team:
    async with committed(room.desk.sessions) as session:
        session.add(made := Team(name=name))
        await session.flush()
        if channel:
            flags = dict.fromkeys((*ALL, "cards"), False) | chosen
            session.add(
                SlackTeam(inbox_id=room.inbox.id, team_id=made.id, channel_id=channel, trouble="", **flags)
            )
    return made


async def moves(room: Room, ticket: Ticket, to: Team | None) -> None:
    await room.scene.does(ticket, "move", to, by=room.scene.agents["Ada"])
    await shows(room)


async def asks(room: Room, slack: FakeSlack, text: str = "The export fails") -> Ticket:
    await room.hears(slack.says("U0MARTA", text))
    await shows(room)
    return (await room.tickets())[-1]


def words(card: dict[str, Any]) -> str:
    return str(card["blocks"][0]["text"]["text"])


async def test_a_card_goes_with_its_ticket_and_the_old_one_says_where(room: Room, slack: FakeSlack):
    money, tech = await team(room, "Money", MONEY, cards=True), await team(room, "Tech", TECH, cards=True)
    other = await team(room, "Others")
    ticket = await asks(room, slack)
    assert len(slack.sent(TRIAGE)) == 1, "no team yet: the inbox's channel"
    await moves(room, ticket, money)
    (card,) = slack.sent(MONEY)
    (left,) = slack.sent(TRIAGE)
    assert [block["type"] for block in card["blocks"]] == ["section", "actions", "context"]
    assert "Now with Money · its card is in <#C0MONEY>" in words(left)
    assert [block["type"] for block in left["blocks"]] == ["section", "context"], "nothing left to press"
    await moves(room, ticket, tech)
    assert "Now with Tech · its card is in <#C0TECH>" in words(slack.sent(MONEY)[0])
    assert "Now with Tech · its card is in <#C0TECH>" in words(slack.sent(TRIAGE)[0])
    await moves(room, ticket, other)
    assert "Now with Others · its card is in <#C0TRIAGE>" in words(slack.sent(TECH)[0])
    assert "Others" in words(slack.sent(TRIAGE)[0])
    assert slack.sent(TRIAGE)[0]["blocks"][1]["type"] == "actions", "it is the card again, at its old place"
    assert [len(slack.sent(channel)) for channel in (TRIAGE, MONEY, TECH)] == [1, 1, 1]
    calls = len(slack.calls)
    await shows(room)
    assert len(slack.calls) == calls, "what is as it was is not told again"


async def test_threads_of_old_cards_stay_the_tickets(room: Room, slack: FakeSlack):
    money = await team(room, "Money", MONEY, cards=True)
    ticket = await asks(room, slack)
    (first,) = slack.sent(TRIAGE)
    await moves(room, ticket, money)
    (second,) = slack.sent(MONEY)
    was = slack.says("U0ADA", "Seen before", channel=TRIAGE, thread_ts=first["ts"])
    now = slack.says("U0ADA", "Seen now", channel=MONEY, thread_ts=second["ts"])
    await room.hears(was, now, slack.edits(TRIAGE, was["event"]["ts"], "Seen before!"))
    notes = [m.text for m in await room.scene.messages(ticket) if m.direction is Direction.note]
    assert notes == ["Seen before!", "Seen now"]
    await room.hears(slack.reacts("U0ADA", "ticket", MONEY, now["event"]["ts"]))
    await room.hears(slack.says("U0BEN", "I read along", channel=MONEY))
    assert len(await room.tickets()) == 1, "nothing in a channel with cards opens a ticket"


async def test_notes_with_the_same_time_in_two_channels_are_two(room: Room, slack: FakeSlack):
    """A ts is unique only within its channel: what is sent to the customer is the note that was pressed on."""
    money = await team(room, "Money", MONEY, cards=True)
    ticket = await asks(room, slack)
    (first,) = slack.sent(TRIAGE)
    await moves(room, ticket, money)
    (second,) = slack.sent(MONEY)
    one = slack.says("U0ADA", "Inside only", channel=TRIAGE, thread_ts=first["ts"])
    two = slack.says("U0ADA", "For the customer", channel=MONEY, thread_ts=second["ts"])
    two["event"]["ts"] = slack.channels[MONEY][-1]["ts"] = one["event"]["ts"]
    await room.hears(one, two)
    await room.hears(slack.calls_shortcut("U0ADA", "to_customer", MONEY, two["event"]["ts"]))
    (form,) = slack.called("views.open")
    assert "For the customer" in str(form["view"]["blocks"])


async def test_a_card_is_not_put_where_others_read_along(room: Room, slack: FakeSlack):
    money = await team(room, "Money", MONEY, cards=True)
    ticket = await asks(room, slack)
    shared = {"ok": True, "channel": {"id": MONEY, "is_ext_shared": True}}
    slack.script["conversations.info"] += [(200, {}, shared)]
    await moves(room, ticket, money)
    assert not slack.sent(MONEY)
    async with room.desk.sessions() as session:
        row = (await session.scalars(select(SlackTeam))).one()
    assert "customers would read along" in row.trouble
    await room.scene.does(ticket, "assign", room.scene.agents["Ada"], by=room.scene.agents["Ada"])
    await shows(room)
    assert len(slack.sent(MONEY)) == 1, "it stands there as soon as only ours read it"


@pytest.mark.parametrize("code", ["not_in_channel", "is_archived", "channel_not_found", "restricted_action"])
async def test_why_no_card_stands_in_a_channel_is_written_down(room: Room, slack: FakeSlack, code: str):
    """Of a team's channel and of the inbox's own; gone as soon as one stands there."""
    refused: Any = (200, {}, {"ok": False, "error": code})
    slack.script["chat.postMessage"] += [refused]
    ticket = await asks(room, slack)
    why = calling.in_words(code, "")
    assert await troubles(room) == (why, [])
    money = await team(room, "Money", MONEY, cards=True)
    slack.script["chat.postMessage"] += [refused]
    await moves(room, ticket, money)
    assert (await troubles(room))[1] == [why]
    assert slack.sent(TRIAGE) == [], "where no card stood, none is left"
    for to in (None, money):
        await moves(room, ticket, to)
    assert await troubles(room) == ("", [""])
    assert [len(slack.sent(channel)) for channel in (TRIAGE, MONEY)] == [1, 1]


async def troubles(room: Room) -> tuple[str, list[str]]:
    async with room.desk.sessions() as session:
        rows = await session.scalars(select(SlackTeam.trouble))
        return await triage.trouble(session, room.inbox.id, TRIAGE), list(rows)


async def test_a_card_that_was_shared_later_says_nothing_more(room: Room, slack: FakeSlack):
    ticket = await asks(room, slack)
    lines._inside.clear()
    slack.script["conversations.info"] += [(200, {}, {"ok": True, "channel": {"is_ext_shared": True}})]
    await room.scene.does(ticket, "rename", "The new secret", by=room.scene.agents["Ada"])
    await shows(room)
    assert "secret" not in str(slack.channels[TRIAGE])


async def test_it_hears_of_answers_and_of_what_is_settled(room: Room, slack: FakeSlack):
    money = await team(room, "Money", MONEY, answered=True, settled=True)
    ticket = await asks(room, slack)
    await moves(room, ticket, money)
    await room.scene.does(ticket, "resolve", by=room.scene.agents["Ada"])
    root = slack.channels["C0SHARED"][0]["ts"]
    await room.hears(slack.says("U0MARTA", "It still fails!", thread_ts=root))
    await shows(room)
    heard = [said["text"].partition(":")[0] for said in slack.sent(MONEY)]
    assert heard == ["Resolved", "Answered", "Open again"]


async def test_outside_of_its_hours_a_team_hears_nothing_and_then_everything_at_once(
    room: Room, slack: FakeSlack
):
    tomorrow = str((clock.now() + timedelta(days=1)).weekday())
    async with committed(room.desk.sessions) as session:
        hours = {tomorrow: [["00:00", "24:00"]]}
        session.add(calendar := Calendar(name="Tomorrow", time_zone="UTC", week=hours))
    money = await team(room, "Money", MONEY, new=True, calendar_id=calendar.id)
    for number in range(2):
        await billed(room, money, number)
        await shows(room)
    assert not slack.sent(MONEY)
    with clock.moved(timedelta(days=1)):
        slack.script["chat.postMessage"] += [(429, {"retry-after": "1"}, {"ok": False, "error": "x"})]
        with pytest.raises(Unavailable):
            await shows(room)
        calling._waits.clear()
        await shows(room)
        await shows(room)
    (said,) = slack.sent(MONEY)
    assert said["text"].startswith("Outside of your hours, 2 things happened:\n• Now yours: <")
    assert said["text"].count("\n") == 2


async def test_many_at_once_are_one_message(room: Room, slack: FakeSlack):
    money = await team(room, "Money", MONEY, new=True)
    for number in range(20):
        await billed(room, money, number)
    await shows(room)
    (said,) = slack.sent(MONEY)
    assert said["text"].startswith("20 things happened:\n• ")
    assert "… and 5 more: " in said["text"]


async def billed(room: Room, to: Team, number: int) -> None:
    """A mail that is the team's."""
    asked = await room.scene.receives(mail(external_id=f"m{number}", fingerprint=f"m{number}"))
    await room.scene.does(asked, "move", to, by=room.scene.agents["Ada"])
