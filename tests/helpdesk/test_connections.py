"""Who only holds a connection open does not hold it for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from helpdesk.cli import connections
from helpdesk.cli.connections import Guarded

GET = b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(200 if scope["path"] == "/much" else 0):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_WITHIN", 0.4)
    monkeypatch.setattr(connections, "BODY_WITHIN", 0.8)
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 0.4)


@asynccontextmanager
async def line() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(
        echo, host="127.0.0.1", port=0, http=Guarded, lifespan="off", log_config=None, timeout_keep_alive=2
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def seconds_until_closed(reader: asyncio.StreamReader) -> float:
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(5):
            while await reader.read(1000):
                pass
    except ConnectionResetError:
        pass
    return asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: desk\r\n"])
async def test_a_request_that_never_comes_is_not_waited_for(sent: bytes):
    async with line() as (reader, writer):
        writer.write(sent)
        assert 0.2 < await seconds_until_closed(reader) < 1.5


async def test_an_answered_line_cannot_be_kept_open_with_empty_lines():
    async with line() as (reader, writer):
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.write(b"\r\n")
        assert await seconds_until_closed(reader) < 1.5


async def test_a_body_that_never_ends_is_not_waited_for():
    async with line() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: desk\r\nContent-Length: 100\r\n\r\nbegin")
        assert 0.5 < await seconds_until_closed(reader) < 2.5


async def test_a_slow_body_may_take_longer_than_a_head():
    async with line() as (reader, writer):
        writer.write(b"POST / HTTP/1.1\r\nHost: desk\r\nContent-Length: 4\r\n\r\nab")
        await asyncio.sleep(0.6)
        writer.write(b"cd")
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n0\r\n\r\n"), 2)
        assert answer.startswith(b"HTTP/1.1 200")


async def test_a_head_without_end_is_cut_off():
    async with line() as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: desk\r\n" + b"X-More: a\r\n" * 20_000)
        assert await seconds_until_closed(reader) < 0.3


async def test_there_is_room_for_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connections, "room", lambda: 1)
    async with line() as (reader, writer):
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        port = writer.get_extra_info("peername")[1]
        second, _ = await asyncio.open_connection("127.0.0.1", port)
        assert await seconds_until_closed(second) < 0.3


async def test_who_does_not_take_what_they_asked_for_loses_the_line():
    """Twenty megabytes wait for somebody who reads none of them; whoever reads them gets all."""
    much = GET.replace(b"/ ", b"/much ", 1)
    async with line() as (reader, writer):
        writer.write(much)
        await asyncio.sleep(1.2)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(20_000_000)
    async with line() as (reader, writer):
        writer.write(much)
        assert len(await reader.readexactly(20_000_000)) == 20_000_000
