"""Agents in Slack: cards that stay true, notes that stay inside, and the one way out to the customer."""

from typing import Any

import pytest
from sqlalchemy.orm import joinedload

from channels.slack.reading import OPEN_TICKET, TO_CUSTOMER
from helpdesk import satisfaction, starting
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.people import Agent, with_access
from helpdesk.tickets import Priority, Ticket
from tests.channels.slack.conftest import Room, connected
from tests.channels.slack.fake import TRIAGE, FakeSlack
from workers.mirroring import _shown, mirror


@pytest.fixture
async def room(desk: Desk, slack: FakeSlack) -> Room:
    return await connected(desk, slack, triage_channel=TRIAGE)


async def shows(room: Room) -> None:
    for inbox, channel in await _shown(room.desk):
        await mirror(room.desk, inbox, channel, 0)


async def asked(room: Room, slack: FakeSlack) -> tuple[Ticket, dict[str, Any]]:
    """A customer's question, and its card."""
    await room.hears(slack.says("U0MARTA", "The export *fails* <!channel> &lt;!here&gt;"))
    await shows(room)
    (ticket,) = await room.tickets()
    (card,) = slack.sent(TRIAGE)
    return ticket, card


def told(slack: FakeSlack) -> list[str]:
    return [given["text"] for given in slack.called("chat.postEphemeral")]


async def test_each_ticket_has_one_card_that_says_how_it_stands(room: Room, slack: FakeSlack):
    ticket, card = await asked(room, slack)
    words = card["blocks"][0]["text"]["text"]
    assert f"/tickets/{ticket.number}|#{ticket.number} The export" in words
    assert "Marta Lumen · New · Normal · nobody has it" in words
    assert "@\u2060channel" in words
    for said in (words, card["text"]):  # the text is what notifications show, and mrkdwn, too
        assert not any(mark in said for mark in ("@channel", "<!channel>", "<!here>"))
    await room.hears(
        slack.presses("U0ADA", "desk:take", str(ticket.id)),
        slack.presses(
            "U0ADA", "desk:priority", "", act={"selected_option": {"value": f"{ticket.id}/urgent"}}
        ),
    )
    await shows(room)
    await shows(room)
    (card,) = slack.sent(TRIAGE)
    assert "Marta Lumen · Open · Urgent · Ada Novak" in card["blocks"][0]["text"]["text"]
    assert len(slack.called("chat.update")) == 1, "what is as it was is not told again"
    await room.hears(slack.presses("U0ADA", "desk:resolve", str(ticket.id)))
    now = await room.scene.ticket(ticket.id)
    assert (now.is_settled, now.assignee_id, now.priority) == (
        True,
        room.scene.agents["Ada"].id,
        Priority.urgent,
    )


async def test_a_desk_that_was_killed_while_it_posted_finds_its_card(room: Room, slack: FakeSlack):
    slack.script["chat.postMessage"] += ["lose"]
    await room.hears(slack.says("U0MARTA", "It fails"))
    await shows(room)
    await shows(room)
    assert len(slack.sent(TRIAGE)) == 1


async def test_only_the_button_behind_the_preview_sends(room: Room, slack: FakeSlack):
    ticket, card = await asked(room, slack)
    note = slack.says("U0ADA", "Try *2.1* please", channel=TRIAGE, thread_ts=card["ts"])
    await room.hears(note, note, slack.says("U0GRACE", "she means 2.2", channel=TRIAGE, thread_ts=card["ts"]))
    messages = await room.scene.messages(ticket)
    assert [(m.direction, m.text) for m in messages[1:]] == [
        (Direction.note, "Try **2.1** please"),
        (Direction.note, "Grace in Slack: she means 2.2"),
    ]
    assert slack.sent() == [], "nothing has reached the customer"
    offered = slack.called("chat.postEphemeral")[0]
    assert (offered["user"], offered["thread_ts"]) == ("U0ADA", card["ts"])
    button = offered["blocks"][1]["elements"][0]
    await room.hears(slack.presses("U0ADA", button["action_id"], button["value"]))
    (form,) = slack.called("views.open")
    assert "Try *2.1* please" in str(form["view"]["blocks"])
    assert len(await room.scene.messages(ticket)) == 3, "a preview sends nothing"
    sent = submission(form["view"], "U0ADA")
    await room.hears(slack.edits(TRIAGE, note["event"]["ts"], "Wait, I ask Ben first"), sent)
    assert "says something else now" in told(slack)[-1]
    await room.hears(slack.edits(TRIAGE, note["event"]["ts"], "Try *2.1* please"))
    sent = sent | {"trigger_id": "t.again"}
    await room.hears(sent, sent)
    reply = (await room.scene.messages(ticket))[-1]
    assert (reply.direction, reply.delivery, reply.agent_id) == (
        Direction.outbound,
        Delivery.queued,
        room.scene.agents["Ada"].id,
    )
    await room.leaves(reply)
    assert [said["text"] for said in slack.sent()] == ["Try *2.1* please"]


async def test_what_the_customer_said_meanwhile_is_read_before_an_answer_leaves(room: Room, slack: FakeSlack):
    question = slack.says("U0MARTA", "The export fails")
    await room.hears(question)
    await shows(room)
    (ticket,), (card,) = await room.tickets(), slack.sent(TRIAGE)
    await room.hears(slack.says("U0ADA", "Try 2.1 please", channel=TRIAGE, thread_ts=card["ts"]))
    button = slack.called("chat.postEphemeral")[0]["blocks"][1]["elements"][0]
    await room.hears(slack.presses("U0ADA", button["action_id"], button["value"]))
    (form,) = slack.called("views.open")
    await room.hears(slack.says("U0MARTA", "Solved, thank you", thread_ts=question["event"]["ts"]))
    await room.hears(submission(form["view"], "U0ADA"))
    assert "More was said in this ticket" in told(slack)[-1]
    assert [m for m in await room.scene.messages(ticket) if m.direction is Direction.outbound] == []
    await room.hears(slack.presses("U0ADA", button["action_id"], button["value"]))
    again = slack.called("views.open")[-1]["view"]
    await room.hears(submission(again, "U0ADA") | {"trigger_id": "t.later"})
    sent = [m for m in await room.scene.messages(ticket) if m.direction is Direction.outbound]
    assert [m.text for m in sent] == ["Try 2.1 please"]


async def test_a_ticket_in_which_nobody_else_has_spoken_is_answered_from_its_card(
    room: Room, slack: FakeSlack
):
    async with committed(room.desk.sessions) as session:
        ada = await session.get_one(Agent, room.scene.agents["Ada"].id, options=with_access())
        contact = await starting.requester(session, "marta@lumen.example", "Marta", by=ada)
        inbox = await session.get_one(Inbox, room.inbox.id)
        call = starting.Beginning(subject="The export", body="She called", opening=starting.Opening.call)
        ticket, _said = await starting.start(session, contact, inbox, call, by=ada)
    await shows(room)
    (card,) = slack.sent(TRIAGE)
    await room.hears(slack.says("U0ADA", "It works again", channel=TRIAGE, thread_ts=card["ts"]))
    button = slack.called("chat.postEphemeral")[0]["blocks"][1]["elements"][0]
    await room.hears(slack.presses("U0ADA", button["action_id"], button["value"]))
    (form,) = slack.called("views.open")
    await room.hears(submission(form["view"], "U0ADA"))
    sent = [m for m in await room.scene.messages(ticket) if m.direction is Direction.outbound]
    assert [m.text for m in sent] == ["It works again"]


async def test_whoever_is_no_agent_is_told_so(room: Room, slack: FakeSlack):
    ticket, _card = await asked(room, slack)
    slack.add("U0THIEF", "Thief", email="ada@desk.example")  # the same address, in another workspace
    for user in ("U0GRACE", "U0THIEF"):
        await room.hears(slack.presses(user, "desk:resolve", str(ticket.id)))
    assert told(slack) == ["No agent of the desk has the e-mail address of your account here."] * 2
    for value in ("x", "-1", str(2**70), ""):
        await room.hears(slack.presses("U0ADA", "desk:resolve", value))
    assert not (await room.scene.ticket(ticket.id)).is_settled


async def test_what_outsiders_write_under_a_card_is_nobodys_note(room: Room, slack: FakeSlack):
    ticket, card = await asked(room, slack)
    await room.hears(slack.says("U0BEN", "I read along", channel=TRIAGE, thread_ts=card["ts"]))
    assert len(await room.texts(ticket)) == 1
    await room.hears(slack.says("U0ADA", "Rather not", channel=TRIAGE, thread_ts=card["ts"]))
    await room.hears(slack.reacts("U0ADA", "ticket", TRIAGE, slack.channels[TRIAGE][-1]["ts"]))
    assert len(await room.tickets()) == 1


async def test_a_ticket_that_cannot_be_shown_holds_up_no_other(room: Room, slack: FakeSlack):
    await room.hears(slack.says("U0MARTA", "It fails"), slack.says("U0BEN", "Here, too"))
    first, second = await room.tickets()
    shown = []

    class Broken:
        mirrors = True

        async def mirror(self, desk: Desk, inbox: Inbox, ticket_id: int) -> None:
            shown.append(ticket_id)
            raise KeyError("no such thing")

        async def tell(self, desk: Desk, inbox: Inbox, *, since: int, until: int) -> None:
            shown.append(0)

    await mirror(room.desk, room.inbox, Broken(), 0)
    assert shown == [first.id, second.id, 0]


async def test_the_shortcut_asks_for_a_subject_and_takes_the_thread_along(room: Room, slack: FakeSlack):
    began = slack.says("U0GRACE", "We deploy at five")["event"]
    said = slack.says("U0MARTA", "Will the API be down?", thread_ts=began["ts"])["event"]
    pressed = {
        "type": "message_action",
        "callback_id": OPEN_TICKET,
        "team": {"id": "T0HOME"},
        "user": {"id": "U0ADA"},
        "channel": {"id": "C0SHARED"},
        "trigger_id": "t.1",
        "message": said,
    }
    await room.hears(pressed, form=True)
    (form,) = slack.called("views.open")
    await room.hears(submission(form["view"], "U0ADA", subject="The API at five", priority="high"))
    (ticket,) = await room.tickets()
    assert (ticket.subject, ticket.priority) == ("The API at five", Priority.high)
    assert len(await room.texts(ticket)) == 2
    await room.hears(pressed | {"callback_id": TO_CUSTOMER, "trigger_id": "t.2"})
    assert told(slack) == ["Only what stands in the thread of a card can be sent from here."]


async def test_the_command_lists_ones_own_tickets(room: Room, slack: FakeSlack):
    ticket, _card = await asked(room, slack)
    await room.scene.does(ticket, "assign", room.scene.agents["Ada"], by=room.scene.agents["Ada"])

    async def said(text: str, user: str = "U0ADA") -> str:
        command = {"command": "/ticket", "text": text, "user_id": user, "team_id": "T0HOME"}
        where = {"response_url": f"{slack.url}/respond/{user}/C0TRIAGE", "trigger_id": f"t.{text}.{user}"}
        await room.hears(command | where, form=True)
        return str(slack.called("respond")[-1]["text"])

    assert f"#{ticket.number}> The export" in await said("")
    assert f"#{ticket.number}> The export" in await said(f"#{ticket.number}")
    assert await said("99999") == "There is no such ticket."
    assert await said("", "U0GRACE") == "No agent of the desk has the e-mail address of your account here."
    count = len(slack.called("respond"))
    away = {"command": "/ticket", "user_id": "U0ADA", "team_id": "T0HOME", "trigger_id": "t.away"}
    await room.hears(away | {"response_url": "https://thief.example/"}, form=True)
    assert len(slack.called("respond")) == count


def submission(view: dict[str, Any], user: str, **entered: str) -> dict[str, Any]:
    values = {
        name: {name: {"selected_option": {"value": value}} if name == "priority" else {"value": value}}
        for name, value in entered.items()
    }
    return {
        "type": "view_submission",
        "team": {"id": "T0HOME"},
        "user": {"id": user},
        "trigger_id": f"t.{view['callback_id']}",
        "view": view | {"id": "V1", "state": {"values": values}},
    }


async def test_how_it_was_is_asked_in_the_thread_and_only_who_asked_can_answer(room: Room, slack: FakeSlack):
    ticket, _card = await asked(room, slack)
    await room.answers(ticket)
    await room.hears(slack.presses("U0ADA", "desk:resolve", str(ticket.id)))
    async with committed(room.desk.sessions) as session:
        resolved = await session.get_one(Ticket, ticket.id, options=[joinedload(Ticket.inbox)])
        given = await satisfaction.ask(session, resolved, by=DESK)
        assert given, given.why_not
        message = await session.get_one(Message, given.rating.message_id)
    await room.leaves(message)
    question = slack.sent()[-1]
    assert "rate/" not in str(question), "no link that others in the channel could follow"
    good = question["blocks"][-1]["elements"][3]
    assert good["text"]["text"] == "😊 Good"
    await room.hears(slack.presses("U0BEN", good["action_id"], good["value"], channel="C0SHARED"))
    assert told(slack)[-1] == "Somebody else was asked this."
    for _number in range(2):
        await room.hears(slack.presses("U0MARTA", good["action_id"], good["value"], channel="C0SHARED"))
    (form, _again) = slack.called("views.open")
    await room.hears(submission(form["view"], "U0BEN", comment="Not mine"))
    await room.hears(submission(form["view"], "U0MARTA", comment="Quick!") | {"trigger_id": "another"})
    async with room.desk.sessions() as session:
        rating = await satisfaction.of_ticket(session, ticket.id)
        assert rating
        assert (rating.score, rating.comment, rating.channel) == (4, "Quick!", "slack")
