"""Nothing personal before the customer has proved who they are; nothing done without whose word it needs."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from sqlalchemy import select, update

from ai.assistant import identity, tools
from ai.assistant.acting import FORGOTTEN, forgotten
from ai.assistant.checking import is_said
from ai.assistant.decisions import Reason
from ai.assistant.rows import Act, ActState, Code, Confirmation, Tool
from ai.assistant.running import fail
from ai.embedding import OnnxEmbedder
from helpdesk import signing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.engagements import Hold
from helpdesk.errors import Invalid
from helpdesk.messages import Message
from helpdesk.tickets import Ticket
from tests.ai.assistant.conftest import ASKED, Conversation, allow
from tests.conftest import SECRET
from tests.scenes import Scene, mail
from workers.outgoing import compose

STATUS = "What is the status of my other tickets?"


async def mailed_code(talk: Conversation) -> str:
    """What the code's mail says as it leaves; the desk itself keeps no digits."""
    scene = talk.scene
    async with scene.desk.sessions() as session:
        code = (await session.scalars(select(Code).order_by(Code.id.desc()).limit(1))).one()
        message = await session.get_one(Message, code.message_id)
        assert "••••••" in message.text
        assert message.recipients == ["marta@lumen.example"]
        from sqlalchemy.orm import joinedload, selectinload

        from helpdesk.inboxes import Inbox

        loaded = await session.get_one(
            Message,
            message.id,
            options=[
                joinedload(Message.ticket).joinedload(Ticket.inbox).joinedload(Inbox.answers_through),
                joinedload(Message.agent),
                selectinload(Message.attachments),
            ],
            populate_existing=True,
        )
        outbound = await compose(scene.desk, session, loaded)
    found = re.search(r"\b\d{6}\b", outbound.text)
    assert found
    stored = json.dumps([str(m.text) for m in await scene.messages(talk.ticket)])
    assert found[0] not in stored
    return found[0]


async def test_the_status_of_ones_tickets_needs_a_code_and_is_ones_own(talk: Conversation) -> None:
    """A right code within three tries; then only this customer's requests are told."""
    await talk.scene.receives(mail("My invoice is wrong", subject="Wrong invoice"))
    await talk.scene.receives(mail("Secret matter", subject="Someone else's", sender="eve@evil.example"))
    run = await talk.says(STATUS, subject="Status")
    assert run
    assert run.kind == "act"
    heard = [m.text for m in await talk.heard()]
    assert any("m•••@lumen.example" in text for text in heard)
    assert not any("Wrong invoice" in text for text in heard)
    digits = await mailed_code(talk)
    wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
    await talk.says(wrong)
    assert "You can try 2 more times" in (await talk.heard())[-1].text
    await talk.says(f"The code is {digits[:3]} {digits[3:]}")
    last = (await talk.heard())[-1].text
    assert "Wrong invoice" in last
    assert "Someone else" not in last
    await talk.says("And " + STATUS.lower())
    assert (
        "Wrong invoice" in (await talk.heard())[-1].text
        or (await talk.engagement()).state is Hold.handed_over
    )


async def test_three_wrong_codes_end_in_a_person(talk: Conversation) -> None:
    await talk.says(STATUS, subject="Status")
    digits = int(await mailed_code(talk))
    for n in range(1, 4):
        await talk.says(f"{(digits + n) % 1_000_000:06d}")
    engagement = await talk.engagement()
    assert engagement
    assert (engagement.state, engagement.reason) == (Hold.handed_over, Reason.unproved)


async def test_a_code_is_good_for_ten_minutes_and_sent_three_times_at_most(scene: Scene) -> None:
    ticket = await scene.receives(mail("Hello"))
    async with committed(scene.desk.sessions) as session:
        from sqlalchemy.orm import joinedload

        loaded = await session.get_one(Ticket, ticket.id, options=[joinedload(Ticket.inbox)])
        sent = [await identity.send_code(session, scene.desk.keys, loaded) for _ in range(4)]
        assert sent == ["m•••@lumen.example"] * 3 + [None]
        code = await identity.open_code(session, loaded)
        assert code
        digits = identity.digits_of(scene.desk.keys, code.nonce)
        assert digits.encode() not in code.digest + code.nonce
        await session.execute(update(Code).values(expires_at=now() - timedelta(seconds=1)))
        assert await identity.open_code(session, loaded) is None
        await session.execute(update(Code).values(expires_at=now() + timedelta(minutes=1)))
        code = await identity.open_code(session, loaded)
        assert code
        assert identity.prove(session, scene.desk.keys, loaded, code, digits)
        assert await identity.is_verified(session, loaded)
        await session.execute(update(Code).values(verified_at=now() - timedelta(minutes=31)))
        assert not await identity.is_verified(session, loaded)


@contextmanager
def program(answer: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A program of the company's own on loopback, and what it was asked, signatures checked by its own rules."""
    calls: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            calls.append({"headers": headers, "body": body, **json.loads(body)})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/tool", calls
    server.shutdown()
    server.server_close()


async def test_a_program_is_asked_with_a_signature_after_proof_and_the_customers_yes(
    knowledge: Scene, model: OnnxEmbedder
) -> None:
    """Arguments from the customer's own words, the amount within its limit, done once, told in the company's words."""
    with program({"status": "cancelled", "note": "![x](https://attacker.test/i.png)"}) as (url, calls):
        host = url.removeprefix("http://").partition("/")[0]
        settings = knowledge.desk.settings
        desk = Desk.open(type(settings)(home=settings.home, secret=SECRET, database_url=knowledge.desk.database_url,
                                        allow_hosts=host))  # fmt: skip
        secret = signing.new_secret()
        await allow(knowledge)
        async with committed(knowledge.desk.sessions) as session:
            session.add(
                Tool(
                    name="cancel_order",
                    description="Cancels an order",
                    examples=["Please cancel my order", "I want to cancel order A-1001"],
                    url=url,
                    sealed_secret=desk.keys.seal(secret),
                    schema={
                        "properties": {"order": {"type": "string", "pattern": "A-[0-9]{4}"}},
                        "required": ["order"],
                    },
                    reply="Your order is {status}.",
                    confirmation=Confirmation.customer,
                )
            )
        scene = Scene(desk, knowledge.inbox, knowledge.teams, knowledge.agents)
        talk = Conversation(scene, model)
        await talk.says("Please cancel my order A-4711.", subject="Cancel")
        assert not calls
        await talk.says(await mailed_code(talk))
        assert "Shall I do this for you: Cancels an order (order: A-4711)?" in (await talk.heard())[-1].text
        assert not calls
        await talk.says("Yes please")
        assert (await talk.heard())[-1].text.endswith("Your order is cancelled.")
        (call,) = calls
        assert call["arguments"] == {"order": "A-4711"}
        assert signing.verify([secret], call["headers"], call["body"], now()) == call["idempotency_key"]
        await talk.says("Please cancel my order A-4712.")
        assert "A-4712" in (await talk.heard())[-1].text
        await talk.says("When does your support answer? What are the opening hours?")
        await talk.says("Yes please")
        assert len(calls) == 1, "a yes to something else that was said in between is no yes to this"
        async with desk.sessions() as session:
            acts = list(await session.scalars(select(Act).order_by(Act.id)))
        assert [act.state for act in acts] == [ActState.done, ActState.refused]
        await desk.close()


async def test_a_yes_after_the_proof_has_run_out_asks_for_a_new_code(talk: Conversation) -> None:
    scene = talk.scene
    async with committed(scene.desk.sessions) as session:
        session.add(
            Tool(
                name="cancel_order", description="Cancels an order", url="https://shop.example/cancel", schema={},
                examples=["Please cancel my order"], sealed_secret=scene.desk.keys.seal(signing.new_secret()),
                confirmation=Confirmation.customer,
            )
        )  # fmt: skip
    await talk.says("Please cancel my order.", subject="Cancel")
    await talk.says(await mailed_code(talk))
    assert "Shall I do this" in (await talk.heard())[-1].text
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Code).values(verified_at=now() - timedelta(minutes=31)))
    await talk.says("Yes please")
    assert "I have sent a code of six digits" in (await talk.heard())[-1].text
    await talk.says(await mailed_code(talk))
    assert "Shall I do this" in (await talk.heard())[-1].text, "a proof is no yes"


async def test_whether_a_call_was_made_is_said_where_nobody_knows_it(talk: Conversation) -> None:
    """Its time was over, or its worker died, while the other side was being asked."""
    run = await talk.says(ASKED, think=False)
    assert run
    async with committed(talk.scene.desk.sessions) as session:
        act = Act(
            ticket_id=run.ticket_id, run_id=run.id, tool="refund", arguments={}, state=ActState.doing,
            began_at=now(), idempotency_key="k",
        )  # fmt: skip
        session.add(act)
    await fail(talk.scene.desk, run.id, Reason.slow)
    assert "Nobody knows whether refund was done" in (await talk.notes())[-1]
    async with committed(talk.scene.desk.sessions) as session:
        await session.execute(
            update(Act).values(
                state=ActState.doing, ended_at=None, began_at=now() - FORGOTTEN - timedelta(seconds=1)
            )
        )
    assert await forgotten(talk.scene.desk) == 1
    assert await forgotten(talk.scene.desk) == 0
    assert "Nobody knows whether it was done" in (await talk.notes())[-1]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("A-4711", True),
        ("47", False),
        ("4711", False),
        ("20", False),
        ("20.50", True),
        ("3", True),
        ("", False),
    ],
)
def test_a_piece_of_a_number_was_not_said(value: str, said: bool) -> None:
    assert is_said(value, "refund 20.50 of order (a-4711), 3 days ago.") is said


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({"order": "A-1", "amount": 20}, True),
        ({"order": "A-1", "amount": "20,5"}, True),
        ({"order": "A-1", "amount": 51}, False),
        ({"order": "A-1", "amount": -1}, False),
        ({"order": "A-1", "amount": "nan"}, False),
        ({"order": "A-1", "amount": True}, False),
        ({"order": "A-1; DROP", "amount": 1}, False),
        ({"order": "A-1", "amount": 1, "to": "eve"}, False),
        ({"amount": 1}, False),
    ],
)
def test_arguments_fit_the_schema_and_the_limit(given: dict[str, Any], fits: bool) -> None:
    tool = Tool(
        name="refund",
        schema={
            "properties": {"order": {"type": "string", "pattern": "A-[0-9]+"}, "amount": {"type": "number"}},
            "required": ["order", "amount"],
        },
        amount_field="amount",
        amount_limit=50.0,
    )
    if fits:
        assert tools.fitting(tool, given)["order"] == "A-1"
    else:
        with pytest.raises(Invalid):
            tools.fitting(tool, given)


__all__ = ["ASKED"]
