"""The program that reads what strangers sent: a process of its own, which may take so much and no more.

A parser that loops holds Python's lock, and one that eats memory takes the whole process with it, so neither
happens where the console runs. It gets no secret of the desk but the inbox's own settings, and ends with it.
Run as `python -m workers.reader CPU_SECONDS`; frames of msgpack on standard input and output, the first of
which says that it is ready.
"""

import dataclasses
import math
import os
import resource
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

import msgspec
from msgspec import Struct

from channels import registry
from channels.contract import Unreadable
from helpdesk.messages import InboundMessage
from helpdesk.texts import clean

MEMORY = 512 << 20  # bytes of address space

T = TypeVar("T")


class Task(Struct):
    channel: str
    settings: Any
    address: str
    raw: bytes


class Answer(Struct):
    inbound: InboundMessage | None = None
    unreadable: str = ""
    trouble: str = ""


def main() -> None:
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    registry.all()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    send(answers, Answer())
    while (task := receive(requests, Task)) is not None:
        _allow_cpu(int(sys.argv[1]))
        send(answers, answer(task))


def answer(task: Task) -> Answer:
    try:
        channel = registry.opened(task.channel, task.settings, task.address)
        return Answer(inbound=cleaned(channel.parse(task.raw)))
    except Unreadable as error:
        return Answer(unreadable=clean(str(error)))
    except MemoryError:
        return Answer(trouble=f"Reading it takes more than {MEMORY >> 20} MiB of memory.")
    except Exception as error:
        return Answer(trouble=clean(f"{type(error).__name__}: {error}")[:1000])


def cleaned(value: T) -> T:
    """Every text in it without what neither PostgreSQL nor UTF-8 can hold."""
    if isinstance(value, str):
        return clean(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map(cleaned, value))  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {part.name: cleaned(getattr(value, part.name)) for part in dataclasses.fields(value)}
        return dataclasses.replace(value, **parts)
    return value


def _allow_cpu(more: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(used.ru_utime + used.ru_stime) + more
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def receive(stream: BinaryIO, kind: type[T]) -> T | None:
    """None when the other side is gone."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return msgspec.msgpack.decode(stream.read(struct.unpack(">I", head)[0]), type=kind)


def send(stream: BinaryIO, value: Struct) -> None:
    stream.writelines(frame(value))
    stream.flush()


def frame(value: Struct) -> Sequence[bytes]:
    body = msgspec.msgpack.encode(value)
    return struct.pack(">I", len(body)), body


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the desk was killed; it needs no answer any more
        main()
