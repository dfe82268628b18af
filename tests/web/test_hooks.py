"""Programs call in, are told the number, and get answers back, called or asked for."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from standardwebhooks import Webhook as Signer

from channels.api.channel import ApiChannel
from helpdesk import signing
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from helpdesk.messages import Direction, Message
from helpdesk.people import ContactIdentity
from helpdesk.tickets import Ticket
from tests.scenes import Scene
from tests.web.served import Console, Person, served
from tests.workers.hands import at_work, eventually
from tests.workers.receivers import allowing, listening
from web import bodies

KEY = signing.new_secret()


def said(**fields: Any) -> dict[str, Any]:
    return {"sender": {"email": "marta@lumen.example", "name": "Marta"}, "text": "Where is it?"} | fields


async def opened(scene: Scene, **settings: Any) -> Inbox:
    inbox = Inbox(
        name="Shop",
        channel="api",
        address="shop@desk.example",
        sealed_settings=scene.desk.keys.seal({"key": KEY} | settings),
        team_id=scene.teams["Billing"].id,
    )
    async with committed(scene.desk.sessions) as session:
        session.add(inbox)
    return inbox


@pytest.fixture
async def shop(console: Console) -> AsyncIterator[tuple[httpx.AsyncClient, Inbox]]:
    inbox = await opened(console.scene)
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=console.url, headers=headers, timeout=30) as client:
        yield client, inbox


async def count(desk: Desk, table: Any) -> int:
    async with desk.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_program_opens_a_ticket_and_is_told_its_number(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    client, inbox = shop
    async with at_work(console.scene.desk, jobs=False):
        answer = await client.post(f"/hooks/{inbox.public_id}", json=said(subject="Order 7", external_id="7"))
        assert answer.status_code == 202, answer.text
        (ticket,) = await console.scene.tickets()
        assert answer.json()["ticket"] == ticket.number
        assert (ticket.subject, ticket.inbox_id, ticket.team_id) == ("Order 7", inbox.id, inbox.team_id)

        again = await client.post(f"/hooks/{inbox.public_id}", json=said(subject="Order 7", external_id="7"))
        assert again.json()["ticket"] == ticket.number
        other = await client.post(f"/hooks/{inbox.public_id}", json=said(text="changed", external_id="7"))
        assert other.status_code == 409
        follow = await client.post(f"/hooks/{inbox.public_id}", json=said(text="And?", thread=["7"]))
        assert follow.json()["ticket"] == ticket.number
        assert len(await console.scene.messages(ticket)) == 2


async def test_the_bytes_are_kept_before_it_is_answered(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    """With no workers at all: stored, acknowledged, and received as soon as there are some."""
    client, inbox = shop
    body = json.dumps(said()).encode()
    answer = await client.post(f"/hooks/{inbox.public_id}", content=body)
    assert (answer.status_code, answer.json()["ticket"]) == (202, None)
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(Kept.raw)) == body
    async with at_work(console.scene.desk, jobs=False):
        await eventually(lambda: count(console.scene.desk, Ticket))


async def test_a_signature_is_as_good_as_the_key(console: Console, shop: tuple[httpx.AsyncClient, Inbox]):
    """Signed with the library that programs use."""
    _, inbox = shop
    body = json.dumps(said())
    headers = {
        "webhook-id": "msg_9",
        "webhook-timestamp": str(int(now().timestamp())),
        "webhook-signature": Signer(KEY).sign("msg_9", now(), body),
    }
    async with (
        httpx.AsyncClient(base_url=console.url, timeout=30) as bare,
        at_work(console.scene.desk, jobs=False),
    ):
        answers = [
            await bare.post(f"/hooks/{inbox.public_id}", content=body, headers=headers) for _ in range(3)
        ]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["ticket"] for answer in answers}) == 1
        assert await count(console.scene.desk, Ticket) == 1
        forged = await bare.post(f"/hooks/{inbox.public_id}", content=body + " ", headers=headers)
        assert forged.status_code == 401


async def test_twenty_at_once_with_one_id_are_one_ticket(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    client, inbox = shop
    async with at_work(console.scene.desk, jobs=False):
        answers = await asyncio.gather(
            *(client.post(f"/hooks/{inbox.public_id}", json=said(external_id="one")) for _ in range(20))
        )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["ticket"] for answer in answers}) == 1
    assert await count(console.scene.desk, Ticket) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer wrong"},
        {"authorization": f"bearer{KEY}"},
        {"cookie": "desk=x"},
    ],
)
async def test_without_the_key_nothing_is_read_or_kept(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox], headers: dict[str, str]
):
    _, inbox = shop
    async with httpx.AsyncClient(base_url=console.url) as bare:
        answer = await bare.post(f"/hooks/{inbox.public_id}", json=said(), headers=headers)
        assert answer.status_code == 401
        assert (await bare.get(f"/hooks/{inbox.public_id}/replies", headers=headers)).status_code == 401
    assert await count(console.scene.desk, Kept) == 0


async def test_who_tries_keys_has_to_wait(console: Console, shop: tuple[httpx.AsyncClient, Inbox]):
    _, inbox = shop
    async with httpx.AsyncClient(base_url=console.url) as bare:
        codes = [
            (
                await bare.post(
                    f"/hooks/{inbox.public_id}", json=said(), headers={"authorization": f"Bearer {n}"}
                )
            )
            for n in range(32)
        ]
    assert [answer.status_code for answer in codes] == [401] * 30 + [429] * 2


async def test_other_inboxes_and_unknown_ones_are_not_there(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    client, inbox = shop
    async with console.scene.desk.sessions() as session:
        mail = await session.get_one(Inbox, console.scene.inbox.id)
    for public_id in (mail.public_id, "0" * 32, "x", f"{inbox.public_id}%00"):
        answer = await client.post(f"/hooks/{public_id}", json=said())
        assert answer.status_code == 404, public_id
    async with committed(console.scene.desk.sessions) as session:
        (await session.get_one(Inbox, inbox.id)).active = False
    assert (await client.post(f"/hooks/{inbox.public_id}", json=said())).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\x00\xff", b'{"text":"x"}', b"a=b&c=d"])
async def test_what_cannot_be_read_is_said_at_once(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox], body: bytes
):
    client, inbox = shop
    answer = await client.post(f"/hooks/{inbox.public_id}", content=body)
    assert answer.status_code == 400
    assert "read" in answer.json()["title"]
    assert await count(console.scene.desk, Kept) == 0


async def test_too_much_is_refused(console: Console, shop: tuple[httpx.AsyncClient, Inbox]):
    client, inbox = shop
    answer = await client.post(f"/hooks/{inbox.public_id}", content=b"x" * (37 * 1024**2))
    assert answer.status_code == 413
    with suppress(httpx.HTTPError):  # the connection may be closed on who goes on sending
        sent = await client.post(f"/hooks/{inbox.public_id}", content=b"x" * (80 * 1024**2))
        assert sent.status_code == 413
    assert await count(console.scene.desk, Kept) == 0


async def spoken(console: Console, head: str, body: AsyncIterator[bytes]) -> tuple[int, int]:
    """What a line of one's own is answered, and how many bytes of the body it took until the desk hung up."""
    url = httpx.URL(console.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    given = 0

    async def give() -> None:
        nonlocal given
        with suppress(ConnectionError):
            async for part in body:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
                given += len(part)

    writer.write(f"{head}Host: desk\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    giving = asyncio.create_task(give())
    try:
        async with asyncio.timeout(20):
            return int((await reader.readline()).split()[1]), given
    finally:
        giving.cancel()
        writer.close()


async def without_end(size: int, pause: float = 0) -> AsyncIterator[bytes]:
    while True:
        yield b"x" * size
        await asyncio.sleep(pause)


async def test_nothing_is_read_of_who_brings_no_proof_or_calls_nobody(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    """Answered after the head, while the body has not begun."""
    _, inbox = shop
    for path, header, status in (
        (f"/hooks/{'0' * 32}", f"Authorization: Bearer {KEY}", 404),
        (f"/hooks/{inbox.public_id}", "Authorization: Bearer wrong", 401),
        (f"/hooks/{inbox.public_id}", "X-Nothing: 1", 401),
    ):
        answer, given = await spoken(console, f"POST {path} HTTP/1.1\r\n{header}\r\n", without_end(0, 30))
        assert (answer, given) == (status, 0), path


async def test_a_body_that_is_slow_or_never_ends_is_hung_up_on(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox], monkeypatch: pytest.MonkeyPatch
):
    _, inbox = shop
    head = f"POST /hooks/{inbox.public_id} HTTP/1.1\r\nAuthorization: Bearer {KEY}\r\n"
    monkeypatch.setattr(ApiChannel, "largest", 300_000)
    answer, given = await spoken(console, head, without_end(10_000))
    assert answer == 413
    assert given < 8_000_000  # what the kernel's buffers take on the way
    monkeypatch.setattr(bodies, "WITHIN", 0.5)
    answer, given = await spoken(console, head, without_end(1, 0.1))
    assert answer == 408
    assert given < 30
    assert await count(console.scene.desk, Kept) == 0
    assert console.app.state.bodies._held.total() == 0


async def test_what_only_a_signature_could_prove_does_not_fill_the_memory(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox], monkeypatch: pytest.MonkeyPatch
):
    """Whoever has the key is read meanwhile."""
    client, inbox = shop
    monkeypatch.setattr(bodies, "UNPROVEN_OF_ONE", 100_000)
    signed = f"POST /hooks/{inbox.public_id} HTTP/1.1\r\nWebhook-Signature: v1,x\r\n"
    waiting = [asyncio.create_task(spoken(console, signed, without_end(10_000, 0.1))) for _ in range(5)]
    answers = [answer for answer, _ in await asyncio.gather(*waiting)]
    assert set(answers) == {503}
    text = "long " * 30_000
    answer = await client.post(f"/hooks/{inbox.public_id}", json=said(text=text))
    assert answer.status_code == 202, answer.text
    assert console.app.state.bodies._held.total() == 0


async def test_a_program_cannot_write_into_a_ticket_that_its_sender_has_no_part_in(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    client, inbox = shop
    async with at_work(console.scene.desk, jobs=False):
        first = await client.post(f"/hooks/{inbox.public_id}", json=said(external_id="1"))
        stranger = {"sender": {"email": "eve@else.example"}, "text": "let me in", "thread": ["1"]}
        second = await client.post(f"/hooks/{inbox.public_id}", json=stranger)
    assert first.json()["ticket"] != second.json()["ticket"]


async def test_a_mail_of_the_same_name_is_not_taken_for_a_programs_message(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    """Ids of programs have the inbox in them: nobody can make theirs equal to a Message-ID of somebody's mail."""
    client, inbox = shop
    mailed = await console.scene.receives()
    (known,) = await console.scene.messages(mailed)
    async with at_work(console.scene.desk, jobs=False):
        answer = await client.post(
            f"/hooks/{inbox.public_id}", json=said(external_id=known.external_id, thread=[known.external_id])
        )
    assert answer.json()["ticket"] != mailed.number


async def test_answers_are_called_back_signed_and_can_be_replied_to(scene: Scene):
    async with listening() as program:
        desk = allowing(scene.desk, program)
        program.secret = signing.new_secret()
        inbox = await opened(scene, callback_url=program.url, callback_secret=program.secret)
        headers = {"authorization": f"Bearer {KEY}"}
        async with (
            served(desk) as (_, url, _server),
            at_work(desk),
            httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client,
        ):
            first = await client.post(f"/hooks/{inbox.public_id}", json=said(external_id="order-7"))
            (ticket,) = await scene.tickets()
            await _replied(scene, ticket, "It is on its way.")
            await eventually(lambda: _some(program.received))
            told = program.received[0]
            assert told["type"] == "message.reply"
            assert told["data"]["text"].startswith("It is on its way.")
            assert ">" not in told["data"]["text"], "programs have what was asked already"
            assert told["data"]["in_reply_to"] == "order-7"
            assert told["data"]["to"] == ["marta@lumen.example"]
            token = told["data"]["reply_token"]
            thanks = said(text="Thanks!", reply_token=token)
            again = await client.post(f"/hooks/{inbox.public_id}", json=thanks)
            assert again.json()["ticket"] == first.json()["ticket"]


async def _some(found: list[Any]) -> bool:
    return bool(found)


async def _replied(scene: Scene, ticket: Ticket, text: str) -> None:
    async with committed(scene.desk.sessions) as session:
        loaded = await scene.ticket(ticket.id, session)
        loaded.reply(text, by=scene.agents["Ada"], wait=now() - now())


async def test_answers_can_be_asked_for_one_after_the_other(
    console: Console, shop: tuple[httpx.AsyncClient, Inbox]
):
    client, inbox = shop
    desk = console.scene.desk
    async with at_work(desk):
        await client.post(f"/hooks/{inbox.public_id}", json=said())
        mailed = await console.scene.receives()
        (ticket,) = [t for t in await console.scene.tickets() if t.inbox_id == inbox.id]
        for text in ("first", "second"):
            await _replied(console.scene, ticket, text)
        await _replied(console.scene, mailed, "somebody else's")

        async def both() -> bool:
            async with desk.sessions() as session:
                query = select(func.count()).where(
                    Message.direction == Direction.outbound, Message.delivered_at.is_not(None)
                )
                return await session.scalar(query) == 3

        await eventually(both)
    page = (await client.get(f"/hooks/{inbox.public_id}/replies?limit=1")).json()
    assert [reply["text"] for reply in page["replies"]] == ["first"]
    rest = (await client.get(f"/hooks/{inbox.public_id}/replies?after={page['next']}")).json()
    assert [reply["text"] for reply in rest["replies"]] == ["second"]
    end = (await client.get(f"/hooks/{inbox.public_id}/replies?after={rest['next']}")).json()
    assert end == {"replies": [], "next": rest["next"]}
    for junk in ("-1", "x", str(2**63)):
        assert (await client.get(f"/hooks/{inbox.public_id}/replies?after={junk}")).status_code == 400


async def test_no_cookie_counts_here(console: Console, shop: tuple[httpx.AsyncClient, Inbox]):
    """An admin's browser, sent here by another site, brings nothing that would let it in."""
    _, inbox = shop
    ada: Person = await console.person("Ada")
    answer = await ada.post(
        f"/hooks/{inbox.public_id}", json=said(), headers={"sec-fetch-site": "cross-site"}
    )
    assert answer.status_code == 401


async def test_a_proven_sender_is_known_as_such(console: Console):
    inbox = await opened(console.scene, vouches=True)
    headers = {"authorization": f"Bearer {KEY}"}
    async with (
        httpx.AsyncClient(base_url=console.url, headers=headers, timeout=30) as client,
        at_work(console.scene.desk, jobs=False),
    ):
        person = {"email": "marta@lumen.example", "verified": True}
        await client.post(f"/hooks/{inbox.public_id}", json=said(sender=person))
        await eventually(lambda: count(console.scene.desk, Ticket))
    async with console.scene.desk.sessions() as session:
        (identity,) = await session.scalars(select(ContactIdentity))
    assert identity.proof == "authenticated"
