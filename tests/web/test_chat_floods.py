"""Floods and broken uploads at a chat: who does so is refused, and nobody else notices."""

import asyncio
import uuid
from base64 import b64encode
from hashlib import sha256
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from channels.chat.reading import FILES_TOGETHER
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from tests.web.chatting import Frame, chat_inbox, frame_of, signed
from tests.web.served import Console


@pytest.fixture
async def chat(console: Console, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    return await chat_inbox(console.scene)


async def solved(frame: Frame) -> dict[str, Any]:
    given = (await frame.person.get(f"{frame.base}/puzzle")).json()["puzzle"]
    number = next(
        n for n in range(50_001) if sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
    )
    return {key: given[key] for key in ("algorithm", "challenge", "salt", "signature")} | {"number": number}


async def test_who_solves_no_puzzle_keeps_nobody_away(console: Console, monkeypatch: pytest.MonkeyPatch):
    """And strangers, however many, keep no customer away whom the site vouches for."""
    monkeypatch.setattr("web.chat.visitors.NEW_OF_ALL", 2)
    frame = Frame(await console.stranger(), await chat_inbox(console.scene, puzzle="always"))
    assert [(await frame.arrives()).status_code for _ in range(4)] == [425] * 4
    for expected in (201, 201, 429):
        assert (await frame.arrives(puzzle=await solved(frame))).status_code == expected
    assert (await frame.arrives(jwt=signed())).status_code == 201


async def test_a_file_that_breaks_off_is_no_message_and_the_next_try_is_one(console: Console, chat: Inbox):
    frame, url = await frame_of(console, chat), httpx.URL(console.url)
    given: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "text": "see",
        "files": [{"name": "a.bin", "content": "QUJD" * 20_000}],
    }
    whole = httpx.Request("POST", console.url, json=given).content
    head = f"Host: desk\r\nSec-Fetch-Site: same-origin\r\nAuthorization: {frame.headers['authorization']}\r\n"
    begun = f"POST {frame.base}/messages HTTP/1.1\r\n{head}Content-Length: {len(whole)}\r\n\r\n".encode()
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(begun + whole[: len(whole) // 2])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await frame.writes(**given)).status_code == 201
    assert (await frame.writes(**given)).status_code == 201
    async with console.scene.desk.sessions() as session:
        assert len((await session.scalars(select(Kept.id))).all()) == 1


@pytest.mark.parametrize(
    ("sizes", "status"),
    [([0], 201), ([0, 0, 0, 0, 0], 201), ([FILES_TOGETHER], 201), ([1] * 6, 400)],
)
async def test_how_much_may_be_sent(console: Console, chat: Inbox, sizes: list[int], status: int):
    frame = await frame_of(console, chat)
    answer = await frame.writes("see", files=[packed(size) for size in sizes])
    assert answer.status_code == status, answer.text[:300]


async def test_a_byte_more_than_may_be_sent_is_refused_however_it_is_spread(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    for sizes in ([FILES_TOGETHER + 1], [FILES_TOGETHER // 2, FILES_TOGETHER // 2 + 1]):
        answer = await frame.writes("see", files=[packed(size) for size in sizes])
        assert answer.status_code == 400, sizes
        assert "10 MB" in answer.text


async def test_one_id_with_different_files_at_once_is_one_message(console: Console, chat: Inbox):
    frame, name = await frame_of(console, chat), str(uuid.uuid4())
    answers = await asyncio.gather(
        *(frame.writes("see", id=name, files=[packed(size)]) for size in (3, 3, 6, 9, 12, 15))
    )
    codes = [each.status_code for each in answers]
    assert set(codes) == {201, 409}
    assert codes.count(201) in (1, 2)  # the two that say the same are the same
    async with console.scene.desk.sessions() as session:
        (raw,) = (await session.scalars(select(Kept.raw))).all()
    assert raw.startswith(b'{"chat":')


def packed(size: int) -> dict[str, str]:
    return {"name": "a.bin", "content": b64encode(b"x" * size).decode()}
