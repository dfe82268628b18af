"""What the desk keeps of each message that a visitor writes, and what it makes of it."""

import base64
import binascii
import hashlib
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from channels.contract import Unreadable
from helpdesk.messages import InboundMessage, Proof, Sender, Upload

LONGEST = 10_000  # characters of a message
MOST_FILES = 5
FILES_TOGETHER = 10 * 1024**2  # bytes
START = b'{"chat":'

Id = Annotated[str, Meta(pattern=r"^[0-9a-zA-Z-]{8,64}$")]


class Closed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field that nobody asked for is refused."""


class File(Closed, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    content: str  # base64
    content_type: Annotated[str, Meta(max_length=127)] = "application/octet-stream"

    @property
    def size(self) -> int:
        """In bytes, where it is base64 at all."""
        return len(self.content) // 4 * 3 - self.content[-2:].count("=")


class Writer(Closed, frozen=True):
    """Who wrote, as the desk knows it: from a visitor's token, never from what the message says."""

    kind: str
    address: str
    name: str
    proven: bool


class Words(Closed, frozen=True):
    """Put together by the desk, in this order, so that no visitor can say who they are by what they write."""

    id: Id
    writer: Writer
    at: datetime
    text: str
    tokens: tuple[str, ...] = ()
    """The reply address of the conversation that it goes on with."""
    after: tuple[str, ...] = ()
    """Ids of messages of the same visitor that nobody has read yet: it belongs where they go."""
    fields: dict[str, Any] = {}
    files: tuple[File, ...] = ()


class Said(Closed, frozen=True):
    chat: Words


def message(raw: bytes, *, address: str) -> InboundMessage:
    """`address` is the inbox's: ids of one chat name nothing in another."""
    try:
        words = msgspec.json.decode(raw, type=Said).chat
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"This is no message of a chat: {error}") from None
    writer = words.writer
    proof = Proof.authenticated if writer.proven else Proof.none
    return InboundMessage(
        external_id=named(words.id, writer.address, address),
        sender=Sender(address=writer.address, name=writer.name, kind=writer.kind, proof=proof),
        text=words.text,
        received_at=words.at,
        thread=tuple(named(each, writer.address, address) for each in words.after),
        tokens=words.tokens,
        attachments=tuple(
            Upload(name=file.name, content_type=file.content_type, content=content(file))
            for file in words.files
        ),
        fields=tuple(words.fields.items()),
        fingerprint=hashlib.sha256(f"{words.id}\0{writer.address}".encode()).hexdigest(),
    )


def named(client_id: str, writer: str, address: str) -> str:
    return f"{client_id}/{writer}/{address}"


def client_id(external_id: str | None) -> str | None:
    """What the visitor's own browser called it."""
    return external_id.partition("/")[0] if external_id else None


def content(file: File) -> bytes:
    """Raises Unreadable, naming the file."""
    try:
        return base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(f"The file {file.name[:80]} did not come over whole.") from None
