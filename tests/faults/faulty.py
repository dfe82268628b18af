"""A channel that another package brings along, and that does whatever goes wrong in the world.

It fetches from a folder, reads JSON, and hands over by appending a line to a journal, which outlives every crash.
"""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from channels.contract import (
    Capabilities,
    ChannelError,
    Keep,
    Rejected,
    Source,
    Unavailable,
    Uncertain,
    Unreadable,
)
from helpdesk.clock import now
from helpdesk.messages import InboundMessage, OutboundMessage, Receipt, Sender


class FaultySettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    journal: str
    """Each hand-over is a line: external id, recipient, first line of the text."""
    spool: str = ""
    """A folder to fetch from; a file is removed when it is kept. `trouble` in it takes the line down."""


class FaultyChannel:
    name: ClassVar[str] = "faulty"
    label: ClassVar[str] = "Faulty"
    capabilities: ClassVar[Capabilities] = Capabilities()
    Settings: ClassVar[type[Struct]] = FaultySettings

    def __init__(self, settings: FaultySettings, *, address: str) -> None:
        self.settings, self.address = settings, address

    def parse(self, raw: bytes) -> InboundMessage:
        note = json.loads(raw)
        misbehave(note.get("fault", ""))
        return InboundMessage(
            external_id=note.get("id", ""),
            sender=Sender(address=note["from"]),
            text=note["text"],
            subject=note.get("subject", "A question"),
            received_at=now(),
            tokens=tuple(note.get("tokens", ())),
            fingerprint=note["text"],
        )

    async def check(self) -> None:
        """Always fine."""

    async def send(self, message: OutboundMessage) -> Receipt:
        """The text's first line says what goes wrong; the line breaks, and we die, only the first time."""
        fault = message.text.splitlines()[0]
        first = message.external_id not in self._begun()
        self._write(f"{message.external_id}\n", ".begun")
        refuse(fault, first=first)
        await asyncio.sleep(0.01)
        self._write(f"{message.external_id} {message.to[0]} {fault}\n")
        if first and fault == "die after":
            os.kill(os.getpid(), signal.SIGKILL)
        if first and fault == "uncertain":
            raise Uncertain("The line broke after the last dot.")
        await asyncio.sleep(0.01)
        return Receipt(external_id=message.external_id, answer="250 kept")

    async def listen(
        self,
        keep: Keep,
        cursor: Mapping[str, Any],
        *,
        trouble: Callable[[ChannelError | None], None] | None = None,
    ) -> None:
        spool = Path(self.settings.spool)
        while True:
            await asyncio.sleep(0.05)
            down = (spool / "trouble").exists()
            if trouble:
                trouble(Unavailable("The folder is closed.") if down else None)
            files = sorted(spool.glob("*.json"))[:20] if not down else []
            if files:
                await keep([(f.read_bytes(), Source(f.name, cursor={"last": f.name})) for f in files])
            for file in files:
                file.unlink()

    def _begun(self) -> str:
        path = Path(self.settings.journal + ".begun")
        return path.read_text() if path.exists() else ""

    def _write(self, line: str, file: str = "") -> None:
        handle = os.open(self.settings.journal + file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, line.encode())
        os.fsync(handle)
        os.close(handle)


def misbehave(fault: str) -> None:
    match fault:
        case "raise":
            raise ValueError("this mail breaks the parser")
        case "unreadable":
            raise Unreadable("There are no words in it.")
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "eat":
            meal = [b"x" * (1 << 24)]
            while True:
                meal.append(bytes(1 << 24))
        case "hang":
            while True:
                pass


def refuse(fault: str, *, first: bool) -> None:
    match fault:
        case "die before" if first:
            os.kill(os.getpid(), signal.SIGKILL)
        case "rejected":
            raise Rejected("550 no such user")
        case "unavailable":
            raise Unavailable("451 greylisted", retry_after=timedelta(minutes=15))
