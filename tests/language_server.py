"""A server with an OpenAI-compatible API on loopback, that behaves as the name of the model says.

Well, or as servers do on bad days: too busy, silent, dead in the middle, something else altogether.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec

from helpdesk.desk import Desk

Answer = Callable[["LanguageServer", dict[str, Any], asyncio.StreamWriter], Coroutine[Any, Any, None]]
SAID = "Your parcel left on Monday."
KEY = "sk-test-key-of-the-language-server"


class LanguageServer:
    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: Counter[str] = Counter()
        self.says = SAID
        self.port = 0
        self.over = asyncio.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["LanguageServer"]:
        made = cls()
        server = await asyncio.start_server(made._serve, "127.0.0.1", 0)
        made.port = server.sockets[0].getsockname()[1]
        try:
            yield made
        finally:
            server.close()
            made.over.set()
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            body = json.loads(await reader.readexactly(int(headers.get("content-length", "0"))) or b"{}")
            self.asked.append(body)
            self.headers.append(headers)
            self.times[body.get("model", "")] += 1
            path = head[0].split(" ")[1]
            if path != "/v1/chat/completions":
                await refuse(writer, 404, "no such path")
            else:
                await MODELS.get(body["model"], unknown)(self, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def allowing(desk: Desk, server: LanguageServer) -> Desk:
    """The same desk, whose operator has named the server."""
    return replace(desk, settings=msgspec.structs.replace(desk.settings, allow_hosts=server.host))


async def respond(writer: asyncio.StreamWriter, status: int, kind: str, text: str, *more: str) -> None:
    data = text.encode()
    head = [
        f"HTTP/1.1 {status} X",
        f"content-type: {kind}",
        f"content-length: {len(data)}",
        "connection: close",
        *more,
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + data)
    await writer.drain()


async def refuse(writer: asyncio.StreamWriter, status: int, words: str, *more: str) -> None:
    await respond(writer, status, "application/json", json.dumps({"error": {"message": words}}), *more)


async def begin(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    await writer.drain()


async def send(writer: asyncio.StreamWriter, line: str) -> None:
    data = line.encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


async def piece(writer: asyncio.StreamWriter, text: str | None, reason: str | None = None) -> None:
    delta = {} if text is None else {"content": text}
    await send(writer, f"data: {json.dumps({'choices': [{'delta': delta, 'finish_reason': reason}]})}\n\n")


async def end(writer: asyncio.StreamWriter, reason: str = "stop") -> None:
    await piece(writer, None, reason)
    usage = {"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 7}}
    await send(writer, f": ping\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n")
    await send(writer, "")


async def good(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Streams, three letters at a time, cut anywhere; in the asked form where one was asked for."""
    said = server.says
    if "response_format" in body:
        fields = body["response_format"]["json_schema"]["schema"]["properties"]
        said = json.dumps({name: _value(form) for name, form in fields.items()})
    await begin(writer)
    for i in range(0, len(said), 3):
        await piece(writer, said[i : i + 3])
    await end(writer)


def _value(form: dict[str, Any]) -> object:
    return {"string": "parcel", "number": 0.5, "integer": 1, "boolean": True}.get(form.get("type", ""), [])


async def echo(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """The obedient model: whatever it was told, it says."""
    await begin(writer)
    for i in range(0, len(text := body["messages"][-1]["content"]), 5):
        await piece(writer, text[i : i + 5])
    await end(writer)


async def whole(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    choice = {"message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 40, "completion_tokens": 7}
    await respond(
        writer, 200, "application/json", json.dumps({"choices": [choice], "usage": usage}, indent=2)
    )


async def no_schema(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    if "response_format" in body:
        await refuse(writer, 400, "json_schema is not supported")
        return
    await begin(writer)
    await piece(writer, '```json\n{"team": "parcel", "sure": 0.5}\n```')
    await end(writer)


async def picky(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    for name in ("temperature", "stream_options", "max_tokens"):
        if name in body:
            await refuse(writer, 400, f"Unsupported parameter: '{name}'")
            return
    await good(server, body, writer)


async def busy(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    if server.times["busy"] < 3:
        await refuse(writer, 429, "slow down", "retry-after: 0")
        return
    await good(server, body, writer)


async def closed_until_tomorrow(
    server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter
) -> None:
    await refuse(writer, 429, "quota exceeded", "retry-after: 80000")


async def down(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await refuse(writer, 503, "loading model")


async def hangs(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await server.over.wait()


async def stalls(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    await piece(writer, "Your ")
    await server.over.wait()


async def dies(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    await piece(writer, "Your parcel ")
    writer.transport.abort()


async def ends_early(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """A polite end of the stream that is no end of the answer."""
    await begin(writer)
    await piece(writer, "Your parcel ")
    await send(writer, "")


async def too_long(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    await piece(writer, "Your parcel ")
    await end(writer, "length")


async def garbage(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await respond(writer, 200, "text/html", "<html><body>Welcome to nginx!</body></html>")


async def broken(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    await send(writer, 'data: {"choices": [{"delta": {"con\n\n')


async def odd(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await respond(writer, 200, "application/json", '{"choices": ["x"], "usage": 7}')


async def fails_midway(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    await piece(writer, "Your ")
    await send(writer, 'data: {"error": {"message": "out of memory"}}\n\n')


async def flood(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await begin(writer)
    while not server.over.is_set():
        await send(writer, "data: " + "x" * 100_000)


async def moved(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await respond(writer, 302, "text/plain", "", "location: http://169.254.169.254/latest/meta-data")


async def locked(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    if server.headers[-1].get("authorization") != f"bearer {KEY}":
        await refuse(writer, 401, "Incorrect API key provided")
        return
    await good(server, body, writer)


async def unknown(server: LanguageServer, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    await refuse(writer, 404, f"The model {body['model']} does not exist")


MODELS: dict[str, Answer] = {
    "good": good,
    "echo": echo,
    "whole": whole,
    "no-schema": no_schema,
    "picky": picky,
    "busy": busy,
    "closed": closed_until_tomorrow,
    "down": down,
    "hangs": hangs,
    "stalls": stalls,
    "dies": dies,
    "ends-early": ends_early,
    "too-long": too_long,
    "garbage": garbage,
    "broken": broken,
    "odd": odd,
    "fails-midway": fails_midway,
    "flood": flood,
    "moved": moved,
    "locked": locked,
}
