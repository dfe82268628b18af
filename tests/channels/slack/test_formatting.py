"""What customers format in Slack: shown so where it is read, and as words alone everywhere else."""

import pytest
from sqlalchemy import select

from helpdesk.contact_history import stream
from helpdesk.messages import Message
from helpdesk.people import Agent, Contact, with_access
from helpdesk.search.finding import CLOSE, OPEN
from tests.channels.slack.conftest import Room
from tests.channels.slack.fake import FakeSlack
from tests.helpdesk.test_ticket_search import found, indexed
from tests.scenes import mail
from web.words import said, worded

WRITTEN = (
    "Our *export* of <https://files.example/a|the file> fails:\n"
    "```\nE42 &lt;script&gt;alert(1)&lt;/script&gt;\n```"
)


async def heard(room: Room, slack: FakeSlack, text: str = WRITTEN) -> Message:
    await room.hears(slack.says("U0MARTA", text))
    (ticket,) = await room.tickets()
    (message,) = await room.scene.messages(ticket)
    return message


async def test_formatting_is_shown_and_nothing_foreign_with_it(room: Room, slack: FakeSlack):
    message = await heard(
        room, slack, WRITTEN + "\n<javascript:alert(1)|press> &lt;img src=x onerror=alert(1)&gt;"
    )
    shown = str(said(message))
    assert "<strong>export</strong>" in shown
    assert 'href="https://files.example/a"' in shown
    assert "<code>E42 &lt;script&gt;" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown


async def test_where_there_is_no_formatting_it_is_words_alone(room: Room, slack: FakeSlack):
    message = await heard(room, slack)
    (ticket,) = await room.tickets()
    assert (
        ticket.preview
        == "Our export of the file (https://files.example/a) fails: E42 <script>alert(1)</script>"
    )
    assert message.begun(100).startswith("Our export of the file")
    async with room.desk.sessions() as session:
        contact = await session.get_one(Contact, ticket.contact_id)
        ada = await session.scalar(
            select(Agent).where(Agent.id == room.scene.agents["Ada"].id).options(*with_access())
        )
        assert ada
        heard_of = await stream(session, ada, contact)
    assert worded(heard_of.messages[0]).startswith("Our export of the file (https")


async def test_what_a_colleague_without_an_account_says_there_is_shown_so_too(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "It fails")
    await room.hears(asked, slack.says("U0GRACE", "We are *on it*", thread_ts=asked["event"]["ts"]))
    (ticket,) = await room.tickets()
    *_, last = await room.scene.messages(ticket)
    assert "<strong>on it</strong>" in str(said(last))
    assert ticket.preview.endswith("We are on it")


async def test_a_found_word_stands_among_words(room: Room, slack: FakeSlack):
    await heard(room, slack)
    await indexed(room.scene)
    [hit] = (await found(room.scene, "export")).hits
    assert f"{OPEN}export{CLOSE} of the file fails" in hit.snippet


async def test_a_changed_message_stays_the_last_of_its_ticket(room: Room, slack: FakeSlack):
    asked = slack.says("U0MARTA", "It *fails*")
    await room.hears(asked)
    before = asked["event"]
    after = before | {"text": "It *works*", "edited": {"user": "U0MARTA", "ts": "1800000000.000001"}}
    changed = {"type": "message", "subtype": "message_changed", "channel": before["channel"]}
    await room.hears(slack.event(changed | {"message": after, "previous_message": before}))
    (ticket,) = await room.tickets()
    assert ticket.preview == "It works"
    assert await room.texts(ticket) == ["It **works**"]


@pytest.mark.parametrize("typed", ["It **fails**", "`code`", "[a](https://a.example)"])
async def test_marks_that_somebody_typed_elsewhere_stay_as_typed(room: Room, typed: str):
    ticket = await room.scene.receives(mail(typed))
    (message,) = await room.scene.messages(ticket)
    assert not message.marked
    assert "<strong>" not in str(said(message))
    assert "<code>" not in str(said(message))
    assert typed in worded(message)
    assert ticket.preview == typed
