"""Ticket fields in a chat: what somebody types is refused where it is wrong, what the page says wrongly is left out."""

import pytest
from sqlalchemy import select

from helpdesk import fields
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.fields import Description, FieldKind, Subject
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from tests.web.chatting import chat_inbox, frame_of
from tests.web.served import Console


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    async with committed(console.scene.desk.sessions) as session:
        for key, kind in (("pieces", FieldKind.number), ("plan", FieldKind.text)):
            description = Description(name=key.title(), kind=kind)
            await fields.add(session, Subject.ticket, description, by=DESK)
    return await chat_inbox(console.scene, ask_fields="pieces plan")


async def test_a_page_that_fills_in_nonsense_costs_nobody_their_message(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    answer = await frame.writes("Where is it?", site={"pieces": "many", "plan": "gold", "unknown": [1, {}]})
    assert answer.status_code == 201, answer.text
    (why,) = answer.json()["left_out"]
    assert "Pieces" in why
    async with console.scene.desk.sessions() as session:
        kept = (await session.scalars(select(Kept.raw))).one()
    assert b'"fields":{"plan":"gold"}' in kept


async def test_what_somebody_fills_in_counts_before_what_the_page_says(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    refused = await frame.writes("Where is it?", fields={"pieces": "many"}, site={"pieces": 3})
    assert refused.status_code == 400
    assert "Pieces" in refused.text
    answer = await frame.writes("Where is it?", fields={"pieces": "2"}, site={"pieces": 3, "plan": "gold"})
    assert "left_out" not in answer.json()
    async with console.scene.desk.sessions() as session:
        kept = (await session.scalars(select(Kept.raw))).one()
    assert b'"pieces":2' in kept


async def test_what_nobody_can_see_is_no_message(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    assert (await frame.writes("\u200b\u2060 \u202e")).status_code == 400
    assert (await frame.writes("👍")).status_code == 201
