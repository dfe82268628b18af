"""Connections that want nothing are closed: whoever is slow, silent or endless takes no room from others.

uvicorn by itself waits for ever for a request that has begun, and takes a head of any size.
"""

import asyncio
import resource
import socket
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN = 10.0  # seconds from the first byte, or from the connection
BODY_WITHIN = 300.0  # 25 MB over a slow line
TAKEN_WITHIN = 120.0  # seconds in which a browser takes the 64 KB that wait for it
GONE_AFTER = 60_000  # ms without a sign that the other side got what was sent: it is no longer there
LARGEST_HEAD = 64 * 1024
MOST = 4_000  # at once; each open window of a browser is one
OTHER_FILES = 200  # database connections, attachments, pipes


class Guarded(HttpToolsProtocol):
    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._deadline: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None
        self._in_head = True
        self._head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _notice_who_is_gone(transport)
        if len(self.connections) > room():
            transport.abort()
        else:
            self._within(HEAD_WITHIN)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._within(HEAD_WITHIN)
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > LARGEST_HEAD:
                self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        self._within(BODY_WITHIN)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._forget_deadline()

    def pause_writing(self) -> None:
        """It does not take what it asked for: what is made for it meanwhile is held for so long and no longer."""
        super().pause_writing()
        self._taken()
        self._untaken = self.loop.call_later(TAKEN_WITHIN, self.transport.abort)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self._taken()
        super().connection_lost(exc)

    def _within(self, seconds: float) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)

    def _taken(self) -> None:
        if self._untaken:
            self._untaken.cancel()
            self._untaken = None

    def _forget_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


def _notice_who_is_gone(transport: asyncio.Transport) -> None:
    """A laptop that was closed says nothing; the system by itself tries for a quarter of an hour."""
    given = transport.get_extra_info("socket")
    if given is None or given.family == socket.AF_UNIX or not hasattr(socket, "TCP_USER_TIMEOUT"):
        return
    with suppress(OSError):
        given.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER)


def room() -> int:
    """How many connections there may be, so that files can still be opened."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(OTHER_FILES, min(MOST, allowed - OTHER_FILES))


def allow_many_files() -> None:
    """Up to what the system allows at all: 1,024 is usual, and a desk of some size needs more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + OTHER_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST + OTHER_FILES)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
