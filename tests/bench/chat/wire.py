"""HTTP/1.1 as the desk speaks it, and no more of it: requests over kept connections, and streams of events.

All connections come from loopback, as those of a reverse proxy on the same machine do, and say like one for whom.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

Hear = Callable[[str, bytes, int | None], None]
"""(name, data, number) of an event."""
PATIENCE = 60.0  # seconds that an answer may take
IDLE = 4.0  # seconds that a connection may have lain: the desk closes it after five


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Wires:
    host: str
    port: int
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = field(default_factory=list)

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        async with asyncio.timeout(PATIENCE), self._wire() as (reader, writer):
            writer.write(request(self, method, path, headers, body))
            head = await reader.readuntil(b"\r\n\r\n")
            status, told = parsed(head)
            return Answer(status, told, await reader.readexactly(int(told.get("content-length", 0))))

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        clock = asyncio.get_running_loop().time
        while self.free and self.free[-1][2] < clock() - IDLE:
            self.free.pop()[1].close()
        if self.free:
            reader, writer, _ = self.free.pop()
        else:
            reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
        try:
            yield reader, writer
        except BaseException:
            writer.close()
            raise
        self.free.append((reader, writer, clock()))


class Events(asyncio.Protocol):
    """One stream; `status` is known once the desk has answered."""

    def __init__(self, ask: bytes, hear: Hear, ended: Callable[["Events"], None]) -> None:
        self._ask, self._hear, self._ended = ask, hear, ended
        self._rest = b""
        self._in_head = True
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    async def opened(self, wires: Wires) -> int:
        """What the desk answered; 0 where it did not. Anything but 200 is no stream."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, wires.host, wires.port)
        except OSError:
            self.status.set_result(0)
        if (status := await self.status) != 200:
            self.close()
        return status

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._ask)

    def data_received(self, data: bytes) -> None:
        self._rest += data
        if self._in_head:
            head, found, self._rest = self._rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._in_head = False
            self.status.set_result(parsed(head)[0])
        *events, self._rest = self._rest.split(b"\n\n")
        for event in events:
            self._read(event)

    def _read(self, event: bytes) -> None:
        """Between events stand the lengths of chunks, which are no lines of theirs."""
        name, number, data = "", None, b""
        for line in event.splitlines():
            if line.startswith(b"event: "):
                name = line[7:].decode()
            elif line.startswith(b"id: ") and line[4:].isdigit():  # a console's names a moment
                number = int(line[4:])
            elif line.startswith(b"data: "):
                data = line[6:]
        if name != "beat":
            self._hear(name, data, number)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.status.done():
            self.status.set_result(0)
        self._ended(self)

    def close(self) -> None:
        if self.transport:
            self.transport.abort()


def request(wires: Wires, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    told = {"host": f"{wires.host}:{wires.port}", "content-length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}
