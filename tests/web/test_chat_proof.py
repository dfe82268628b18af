"""Whoever is unknown proves an address by a code, and is that customer from then on; nobody else ever is."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select, update

from channels.loopback import LoopbackChannel
from helpdesk import contact_merges
from helpdesk.chat import ChatCode, proving
from helpdesk.clock import now
from helpdesk.contact_merges import ContactMerge
from helpdesk.database import committed
from helpdesk.events import Kind
from helpdesk.inboxes import Inbox
from helpdesk.people import Contact
from tests.scenes import Scene, mail
from tests.web.chatting import Frame, chat_inbox, frame_of, signed
from tests.web.served import Console
from tests.workers.hands import at_work, eventually
from web.chat import talking
from workers.letters import send_letter

MARTA = "marta@lumen.example"


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inbox]:
    monkeypatch.setattr(talking, "PATIENCE", 40.0)
    LoopbackChannel.sent.clear()
    inbox = await chat_inbox(console.scene, mail_through=console.scene.inbox.id)
    async with at_work(console.scene.desk, jobs=False):
        yield inbox


async def asks_code(frame: Frame, email: str = MARTA) -> Any:
    return await frame.asks("/visitors/me/code", "POST", json={"email": email})


async def proves(frame: Frame, code: str) -> int:
    answer = await frame.asks("/visitors/me/proof", "POST", json={"code": code})
    if answer.status_code == 200:
        frame.token = answer.json()["token"]
    return answer.status_code


async def mailed(scene: Scene, number: int = -1) -> str:
    """The code as it stands in the mail that leaves for the newest row."""
    async with scene.desk.sessions() as session:
        rows = (await session.scalars(select(ChatCode.id).order_by(ChatCode.id))).all()
    await send_letter(scene.desk, ChatCode.__tablename__, rows[number])
    letter = LoopbackChannel.sent[scene.inbox.address][-1]
    found = re.search(r"(\d{3}) (\d{3})", letter.text)
    assert found
    return found[1] + found[2]


async def test_a_code_makes_somebody_unknown_the_customer(console: Console, chat: Inbox):
    """Also what they said before it is the customer's then; an agent reads how that came, and can take it back."""
    scene = console.scene
    known = await frame_of(console, chat, jwt=signed(email=MARTA, name="Marta"))
    await known.writes("an earlier matter")
    (first,) = await scene.tickets()
    frame = await frame_of(console, chat)
    before = frame.token
    await frame.writes("Who am I?")
    asked = await asks_code(frame)
    assert (asked.status_code, asked.json()) == (202, {"address": MARTA})
    code = await mailed(scene)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert await proves(frame, wrong) == 400
    assert [words for _who, words in await frame.read()] == ["Who am I?"]
    assert await proves(frame, f" {code[:3]}-{code[3:]}") == 200

    state = await frame.state()
    assert (state["me"]["vouched"], state["me"]["email"], state["me"]["copies"]) == (True, MARTA, True)
    assert [each["preview"] for each in state["conversations"]] == ["Who am I?", "an earlier matter"]
    assert (await known.state())["conversations"][0]["preview"] == "Who am I?"
    old = Frame(frame.person, chat)
    old.token = before
    assert (await old.asks("/state")).status_code == 401  # whoever had it has nothing of hers
    await frame.writes("and one more")
    ticket = (await scene.tickets())[-1]
    assert ticket.contact_id == first.contact_id
    assert len(await scene.messages(ticket)) == 2
    assert Kind.address_proved in await scene.kinds(ticket)

    ada = await console.person("Ada")
    assert "proved their address by a code" in (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Address proved by code" in (await ada.look(f"/tickets/{ticket.number}/visitor")).text
    assert (await ada.look(f"/contacts/{ticket.contact_id}")).status_code == 200
    async with committed(scene.desk.sessions) as session:
        done = (await session.scalars(select(ContactMerge))).one()
        await contact_merges.unmerge(session, done, by=scene.agents["Ada"])
    assert "Who am I?" not in str(await frame.state())


async def test_an_address_that_nobody_knows_is_proved_alike(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    assert (await asks_code(frame, "new@lumen.example")).json() == {"address": "new@lumen.example"}
    assert await proves(frame, await mailed(console.scene)) == 200
    await frame.writes("hello")
    (ticket,) = await console.scene.tickets()
    assert await frame.read() == [("me", "hello")]
    assert (await asks_code(frame)).status_code == 409  # who is known asks for no other
    by_mail = await console.scene.receives(mail(sender="new@lumen.example"))
    assert by_mail.contact_id == ticket.contact_id


async def test_guessing_asking_and_old_codes_lead_nowhere(console: Console, chat: Inbox):
    scene, frame = console.scene, await frame_of(console, chat)
    assert await proves(frame, "123456") == 400  # none was asked for
    assert (await asks_code(frame, "nobody")).status_code == 400
    await asks_code(frame)
    code = await mailed(scene)
    stranger = await frame_of(console, chat)
    assert await proves(stranger, code) == 400  # it is another browser's
    wrong = [f"{(int(code) + n) % 1_000_000:06d}" for n in (1, 2, 3, 4, 5)]
    assert set(await asyncio.gather(*(proves(frame, each) for each in wrong))) == {400}
    async with scene.desk.sessions() as session:
        assert (await session.scalars(select(ChatCode.tries))).all() == [proving.TRIES]
    assert await proves(frame, code) == 400  # three wrong ones were enough
    await asks_code(frame)
    code = await mailed(scene)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(ChatCode).values(expires_at=now()))
    assert await proves(frame, code) == 400
    # Three mails an hour to one address, whoever asks, and the answer is the same.
    for asker in (stranger, await frame_of(console, chat)):
        assert (await asks_code(asker)).status_code == 202
    async with scene.desk.sessions() as session:
        rows = (await session.scalars(select(ChatCode))).all()
    assert len(rows) == proving.OF_ADDRESS
    assert not any(digits in str(vars(row)) for row in rows for digits in (code,))


async def test_what_a_colleague_joined_is_not_undone_by_a_proof(console: Console, chat: Inbox):
    """An unknown contact that an agent has made Carla's stays Carla's when this browser proves to be Marta."""
    scene, frame = console.scene, await frame_of(console, chat)
    await frame.writes("hers?")
    (ticket,) = await scene.tickets()
    carla = await scene.receives(mail(sender="carla@lumen.example"))
    async with committed(scene.desk.sessions) as session:
        winner, loser = [await session.get_one(Contact, each.contact_id) for each in (carla, ticket)]
        await contact_merges.merge(session, winner, loser, by=scene.agents["Ada"])
    await asks_code(frame)
    assert await proves(frame, await mailed(scene)) == 200
    assert (await frame.state())["conversations"] == []
    assert (await scene.tickets())[0].contact_id == carla.contact_id


async def test_no_codes_where_nothing_is_mailed_and_no_way_around_a_closed_chat(
    console: Console, chat: Inbox
):
    scene, frame = console.scene, await frame_of(console, chat)
    await asks_code(frame)
    assert await proves(frame, await mailed(scene)) == 200

    async def changed(**settings: Any) -> None:
        async with committed(scene.desk.sessions) as session:
            inbox = await session.get_one(Inbox, chat.id)
            given: Any = scene.desk.keys.unseal(inbox.sealed_settings)
            inbox.sealed_settings = scene.desk.keys.seal(given | settings)

    await changed(anonymous=False)
    assert (await frame.asks("/state")).status_code == 401  # only whom the site vouches for
    await changed(anonymous=True, mail_through=0)
    other = await frame_of(console, chat)
    assert (await asks_code(other)).status_code == 409

    async def gone() -> bool:
        return (await frame.asks("/state")).status_code == 200

    await eventually(gone)
