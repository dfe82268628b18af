"""What a hostile page, visitor or machine tries on a chat, and what comes of it: nothing."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from sqlalchemy import func, select

from channels.chat.identity import NotVouched, vouched
from helpdesk.clock import moved, now
from helpdesk.inboxes import Inbox
from helpdesk.intake import Kept
from tests.web.chatting import KEY, SHOP, Frame, chat_inbox, frame_of, signed
from tests.web.served import Console
from web.chat.open_lines import MOST_OF_VISITOR


@pytest.fixture
async def chat(console: Console) -> Inbox:
    return await chat_inbox(console.scene)


def unsigned(**claims: Any) -> str:
    return jwt.encode({"sub": "1", "exp": now() + timedelta(minutes=5)} | claims, "", algorithm="none")


FORGED: dict[str, Callable[[], str]] = {
    "another key": lambda: signed("another key of the same length, or more"),
    "alg none": unsigned,
    "HS512, with the right key": lambda: signed(KEY * 2, algorithm="HS512"),
    "expired": lambda: signed(minutes=-2),
    "good for a month": lambda: signed(minutes=60 * 24 * 30),
    "without exp": lambda: signed(exp=None),
    "without sub": lambda: signed(sub=None),
    "exp as words": lambda: signed().rpartition(".")[0] + ".",
    "two addresses": lambda: signed(email="ada@a.example,ben@b.example"),
    "a list for an address": lambda: signed(email=["ada@a.example"], sub=["x"]),
    "an address with a NUL": lambda: signed(email="a\0da@a.example"),
    "an address that turns direction": lambda: signed(email="ada\u202e@a.example"),
    "an id with a NUL": lambda: signed(sub="7\x00x"),
    "an id with half a letter": lambda: signed(sub="7\ud800"),
    "not yet": lambda: signed(nbf=now() + timedelta(hours=1)),
    "junk": lambda: "a.b.c",
    "long junk": lambda: "a" * 9_000,
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_word_that_the_site_did_not_give_counts_nothing(forged: str):
    with pytest.raises(NotVouched):
        vouched(FORGED[forged](), [KEY], now())


async def test_a_forged_word_makes_no_visitor_and_two_keys_are_good_meanwhile(console: Console):
    later = (now() + timedelta(hours=1)).isoformat()
    chat = await chat_inbox(
        console.scene,
        jwt_key="the new key, which is long enough",
        jwt_key_before=KEY,
        jwt_key_before_until=later,
    )
    frame = Frame(await console.stranger(), chat)
    assert (await frame.arrives(jwt=unsigned())).status_code == 401
    assert (await frame.arrives(jwt=signed(KEY))).status_code == 201
    assert (await frame.arrives(jwt=signed("the new key, which is long enough"))).status_code == 201


async def test_nobody_unknown_where_the_chat_is_for_customers(console: Console):
    chat = await chat_inbox(console.scene, anonymous=False)
    frame = Frame(await console.stranger(), chat)
    assert (await frame.arrives()).status_code == 403
    assert (await frame.arrives(jwt=signed())).status_code == 201


async def test_a_token_is_good_for_its_own_chat_and_for_nobody_else(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    other = Inbox(
        name="Other",
        channel="chat",
        address="other@desk.example",
        sealed_settings=console.scene.desk.keys.seal({}),
    )
    async with console.scene.desk.sessions() as session:
        session.add(other)
        await session.commit()
    stranger = Frame(await console.stranger(), other)
    stranger.token = frame.token
    for path in ("/state", "/live", "/files/1", "/conversations/1"):
        assert (await stranger.asks(path)).status_code == 401
    assert (await stranger.writes()).status_code == 401
    for wrong in ("x", frame.token[:-1], frame.token + "x"):
        frame.token = wrong.encode("utf-8").decode("latin-1")
        assert (await frame.asks("/state")).status_code == 401


async def test_guessing_tokens_is_not_answered_for_long(console: Console, chat: Inbox):
    colleague = await frame_of(console, chat)
    frame = Frame(await console.stranger(), chat)
    answers = []
    for _ in range(40):
        frame.token = uuid.uuid4().hex
        answers.append((await frame.asks("/state")).status_code)
    assert answers[:30] == [401] * 30
    assert answers[-5:] == [429] * 5
    assert (await colleague.asks("/state")).status_code == 200  # from the same address, and known


async def test_only_its_own_sites_can_show_it_and_no_other_page_can_speak_for_it(
    console: Console, chat: Inbox
):
    person = await console.stranger()
    frame = await person.get(f"/chat/{chat.public_id}/frame")
    policy = frame.headers["content-security-policy"]
    assert policy.endswith(f"frame-ancestors 'self' {SHOP}")
    assert "unsafe" not in policy
    foreign = {"sec-fetch-site": "cross-site", "origin": SHOP}
    assert (
        await person.post(f"/chat/{chat.public_id}/visitors", json={}, headers=foreign)
    ).status_code == 403
    async with httpx.AsyncClient(base_url=console.url) as old:  # a browser that sends no Sec-Fetch-Site
        answer = await old.post(f"/chat/{chat.public_id}/visitors", json={}, headers={"origin": SHOP})
        assert answer.status_code == 403
    loader = await person.get(f"/chat/{chat.public_id}/widget.js")
    assert loader.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in loader.headers
    assert "set-cookie" not in frame.headers


@pytest.mark.parametrize("origins", ["https://a.example; script-src *", "*", "'unsafe-inline'", "https://*"])
async def test_what_stands_among_the_sites_changes_no_policy(console: Console, origins: str):
    chat = await chat_inbox(console.scene, origins=origins)
    answer = await (await console.stranger()).get(f"/chat/{chat.public_id}/frame")
    assert answer.headers["content-security-policy"].endswith("frame-ancestors 'self'")


async def test_a_flood_is_slowed_down(console: Console, chat: Inbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    frame = await frame_of(console, chat)
    answers = [(await frame.writes(f"flood {i}")).status_code for i in range(25)]
    assert answers.count(201) == 20
    assert answers[20:] == [429] * 5
    strangers = [(await Frame(await console.stranger(), chat).arrives()).status_code for _ in range(14)]
    assert 429 in strangers


async def test_one_message_sent_fifty_times_at_once_is_kept_once(
    console: Console, chat: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    frame, again = await frame_of(console, chat), str(uuid.uuid4())
    answers = await asyncio.gather(*(frame.writes("Hello?", id=again) for _ in range(50)))
    assert sorted(each.status_code for each in answers) == [201] * 20 + [429] * 30
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Kept)) == 1


async def test_lines_opened_and_dropped_leave_nothing_behind(console: Console, chat: Inbox):
    frame, lines = await frame_of(console, chat), console.app.state.chat_lines
    pool: Any = console.scene.desk.engine.pool
    async with AsyncExitStack() as tabs:
        ears = [await tabs.enter_async_context(frame.listens()) for _ in range(MOST_OF_VISITOR)]
        for ear in ears:
            await ear.hears("conversations")
        assert (await frame.asks("/live")).status_code == 429
    answers = [await _dropped(frame) for _ in range(30)]
    assert 429 in answers  # and no longer served at all for the rest of the minute
    async with asyncio.timeout(20):
        while not lines.is_empty() or pool.checkedout():
            await asyncio.sleep(0.02)


async def test_the_head_of_a_stream_is_refused_since_it_would_never_be_over(console: Console, chat: Inbox):
    frame = await frame_of(console, chat)
    assert (await frame.asks("/live", "HEAD", timeout=10)).status_code == 405
    assert (await frame.asks("/state", "HEAD")).status_code == 200
    assert (await frame.asks("/state")).status_code == 200


async def test_one_id_is_one_message_with_its_files(
    console: Console, chat: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    frame = await frame_of(console, chat)
    mine = {"id": str(uuid.uuid4()), "files": [{"name": "a.txt", "content": "QQ=="}]}
    for _ in range(2):
        assert (await frame.writes("see here", **mine)).status_code == 201
    for other in ([], [{"name": "a.txt", "content": "Qg=="}], [{"name": "b.txt", "content": "QQ=="}]):
        assert (await frame.writes("see here", **(mine | {"files": other}))).status_code == 409, other
    stranger = await frame_of(console, chat)
    assert (await stranger.writes("something else", id=mine["id"])).status_code == 201


async def test_a_body_that_never_comes_holds_no_connection_to_the_database(console: Console, chat: Inbox):
    frame, url = await frame_of(console, chat), httpx.URL(console.url)
    pool: Any = console.scene.desk.engine.pool
    head = f"Host: desk\r\nSec-Fetch-Site: same-origin\r\nAuthorization: {frame.headers['authorization']}\r\n"
    writers = []
    for path in ("messages", "visitors/me/pages", "visitors/me/reading"):
        _, writer = await asyncio.open_connection(url.host, url.port)
        begun = f"POST {frame.base}/{path} HTTP/1.1\r\n{head}Content-Length: 90\r\n\r\n{{"
        writer.write(begun.encode())
        writers.append(writer)
    await asyncio.sleep(1)
    assert pool.checkedout() == 0
    assert (await frame.asks("/state")).status_code == 200
    for writer in writers:
        writer.close()


async def _dropped(frame: Frame) -> int:
    async with frame.person.stream("GET", f"{frame.base}/live", headers=frame.headers) as answer:
        return answer.status_code


async def test_what_is_too_much_or_makes_no_sense_is_refused(
    console: Console, chat: Inbox, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    frame = await frame_of(console, chat)
    assert (await frame.writes("x" * 10_001)).status_code == 400
    assert (await frame.writes("x", files=[{"name": "a", "content": "A" * 15_000_000}])).status_code == 413
    refused: list[dict[str, Any]] = [
        {"text": "   "},
        {"id": "../../x"},
        {"id": "short"},
        {"sender": "ada@desk.example"},
        {"files": [{"name": "a", "content": "no base64!"}]},
        {"email": "not an address"},
        {"fields": {"order": {"$gt": ""}}, "kind": "email"},
    ]
    for given in refused:
        answer = await frame.writes(**({"text": "hello"} | given))
        assert answer.status_code == 400, (given, answer.text)
    raw = await frame.person.post(f"{frame.base}/messages", content=b"[" * 90_000, headers=frame.headers)
    assert raw.status_code == 400
    async with console.scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Kept)) == 0


async def test_hostile_words_are_kept_as_words(
    console: Console, chat: Inbox, monkeypatch: pytest.MonkeyPatch
):
    """The frame gets text in JSON and shows it as text; the page's own settings cannot be broken out of."""
    monkeypatch.setattr("web.chat.talking.PATIENCE", 0.0)
    evil = "</script><img src=x onerror=alert(1)>\u2028'\"&\x00"
    frame = await frame_of(console, chat)
    assert (await frame.writes(evil, name=evil)).status_code == 201
    hostile = await chat_inbox_named(console, evil)
    page = (await frame.person.get(f"/chat/{hostile.public_id}/frame")).text
    assert "<img" not in page
    assert page.count("</script>") == 2
    script = (await frame.person.get(f"/chat/{hostile.public_id}/widget.js")).text
    assert "\u2028" not in script


async def chat_inbox_named(console: Console, words: str, **more: Any) -> Inbox:
    given = {"title": words, "greeting": words, "launcher": words} | more
    inbox = Inbox(
        name="Evil",
        channel="chat",
        address="evil@desk.example",
        sealed_settings=console.scene.desk.keys.seal(given),
    )
    async with console.scene.desk.sessions() as session:
        session.add(inbox)
        await session.commit()
    return inbox


async def test_strangers_solve_a_puzzle_first_where_the_chat_asks_for_it(console: Console):
    """Each is good once, for its chat, for two minutes; whoever the site vouches for never solves one."""
    chat = await chat_inbox(console.scene, puzzle="always")
    frame = Frame(await console.stranger(), chat)
    assert (await frame.arrives()).status_code == 425
    assert (await frame.arrives(jwt=signed(email="marta@lumen.example"))).status_code == 201

    async def solved(**changed: Any) -> dict[str, Any]:
        given = (await frame.person.get(f"{frame.base}/puzzle")).json()["puzzle"]
        number = next(
            n
            for n in range(given["maxNumber"] + 1)
            if sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
        )
        kept = {key: given[key] for key in ("algorithm", "challenge", "salt", "signature")}
        return kept | {"number": number} | changed

    right = await solved()
    for wrong in (
        right | {"number": (right["number"] + 1) % 50_000},
        right | {"salt": right["salt"].replace("expires=1", "expires=9")},
        right | {"signature": "0" * 64},
        right | {"salt": "?expires=x&"},
    ):
        assert (await frame.arrives(puzzle=wrong)).status_code == 425, wrong
    answers = await asyncio.gather(*(frame.arrives(puzzle=right) for _ in range(3)))
    assert sorted(each.status_code for each in answers) == [201, 425, 425]
    other = Frame(frame.person, await chat_inbox_named(console, "Another", puzzle="always"))
    assert (await other.arrives(puzzle=await solved())).status_code == 425
    late = await solved()
    with moved(timedelta(minutes=3)):
        assert (await frame.arrives(puzzle=late)).status_code == 425


async def test_a_puzzle_is_asked_for_while_many_come(console: Console, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("web.chat.puzzles.BUSY", 2)
    chat = await chat_inbox(console.scene, puzzle="busy")
    frame = Frame(await console.stranger(), chat)
    assert [(await frame.arrives()).status_code for _ in range(3)] == [201, 425, 425]
    assert (await frame.person.get(f"{frame.base}/puzzle")).json()["puzzle"]
