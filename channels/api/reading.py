"""What programs and forms send, as closed schemas with limits, and what the desk makes of it."""

import base64
import binascii
import hashlib
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from channels.contract import Unreadable
from helpdesk import clock
from helpdesk.i18n import gettext
from helpdesk.messages import InboundMessage, Proof, Sender, Upload

LARGEST = 36 * 1024**2  # bytes of a request: 25 MB of files in base64, and the words
MOST_FILES = 20
FILES_TOGETHER = 25 * 1024**2  # bytes
EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\\x00-\x1f]{1,64}@[^\s@<>,;:\"()\[\]\\\x00-\x1f]{1,190}")
FORM = b'{"form":'
"""How kept forms begin; no program can send anything that does, since `form` is no field of theirs."""

Id = Annotated[str, Meta(min_length=1, max_length=300)]
Line = Annotated[str, Meta(max_length=500)]
Words = Annotated[str, Meta(min_length=1, max_length=500_000)]
Email = Annotated[str, Meta(max_length=254)]


class Closed(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A field that nobody asked for is refused."""


class Author(Closed, frozen=True):
    """`email`, or `id`: what the program calls somebody who has no address."""

    email: Email = ""
    id: Annotated[str, Meta(max_length=200)] = ""
    name: Annotated[str, Meta(max_length=200)] = ""
    verified: bool = False
    """The program has checked that it is them; counts only where the inbox is set to believe it."""


class File(Closed, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    content: str  # base64
    content_type: Annotated[str, Meta(max_length=127)] = "application/octet-stream"


class FromProgram(Closed, frozen=True):
    """`{"sender": {"email": "ada@example.com"}, "text": "…"}` is enough."""

    sender: Author
    text: Words
    subject: Line = ""
    external_id: Id | None = None
    thread: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()
    reply_token: Annotated[str, Meta(max_length=100)] = ""
    attachments: Annotated[tuple[File, ...], Meta(max_length=MOST_FILES)] = ()
    automatic: bool = False


class FormWords(Closed, frozen=True):
    """What somebody wrote into the form; put together by the desk, never by a program."""

    id: str
    email: Email
    text: Words
    name: Annotated[str, Meta(max_length=200)] = ""
    subject: Line = ""
    agreed: str = ""
    fields: dict[str, Any] = {}
    """Custom fields by key, already read by their kind."""
    files: tuple[File, ...] = ()


class FromForm(Closed, frozen=True):
    form: FormWords


class Unusable(Unreadable):
    """The program is told at once, so that nothing of it needs to be kept."""

    status = 400


def program(raw: bytes) -> FromProgram:
    """Raises Unusable naming the field and what is wrong with it."""
    try:
        found = msgspec.json.decode(raw, type=FromProgram)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unusable(gettext("This request can't be read: {why}.").format(why=error)) from None
    if not found.sender.email and not found.sender.id:
        raise Unusable(gettext("`sender` needs an `email` or an `id`."))
    if found.sender.email and not EMAIL.fullmatch(found.sender.email):
        raise Unusable(gettext("`sender.email` is no e-mail address."))
    if not found.text.strip():
        raise Unusable(gettext("`text` is empty."))
    if sum(len(file.content) for file in found.attachments) > FILES_TOGETHER * 4 // 3 + 4 * MOST_FILES:
        raise Unusable(gettext("The attachments are more than 25 MB together."))
    for file in found.attachments:
        _content(file)
    return found


def message(raw: bytes, *, address: str, vouches: bool) -> InboundMessage:
    """`address` is the inbox's: ids of one inbox's programs name nothing in another."""
    return _of_form(raw, address) if raw.startswith(FORM) else _of_program(raw, address, vouches)


def _of_program(raw: bytes, address: str, vouches: bool) -> InboundMessage:
    found = program(raw)
    return InboundMessage(
        external_id=named(found.external_id, address) if found.external_id else "",
        sender=_sender(found.sender, address, vouches),
        text=found.text,
        subject=found.subject or None,
        received_at=clock.now(),
        thread=tuple(named(each, address) for each in found.thread),
        tokens=(found.reply_token.lower(),) if found.reply_token else (),
        attachments=_uploads(found.attachments),
        automatic=found.automatic,
        fingerprint=hashlib.sha256(raw).hexdigest(),
    )


def _of_form(raw: bytes, address: str) -> InboundMessage:
    """Anybody can enter anybody's address: it proves nothing, and leads into no ticket that exists."""
    try:
        form = msgspec.json.decode(raw, type=FromForm).form
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(f"This is no form of the desk: {error}") from None
    agreed = "\n\n" + gettext("Agreed to: {words}").format(words=form.agreed) if form.agreed else ""
    return InboundMessage(
        external_id=named(form.id, address),
        sender=Sender(address=form.email.lower(), name=form.name or form.email, proof=Proof.none),
        text=form.text + agreed,
        subject=form.subject or None,
        received_at=clock.now(),
        attachments=_uploads(form.files),
        fields=tuple(form.fields.items()),
        fingerprint=hashlib.sha256(raw).hexdigest(),
    )


def named(external_id: str, address: str) -> str:
    return f"{external_id}/{address}"


def unnamed(external_id: str | None, address: str) -> str | None:
    """What the program called its own message; None for ids that are not its own."""
    end = f"/{address}"
    return external_id.removesuffix(end) if external_id and external_id.endswith(end) else None


def _sender(author: Author, address: str, vouches: bool) -> Sender:
    proof = Proof.authenticated if vouches and author.verified else Proof.none
    if author.email:
        return Sender(address=author.email.lower(), name=author.name or author.email, proof=proof)
    return Sender(
        address=named(author.id, address), name=author.name or author.id, kind="external", proof=proof
    )


def _uploads(files: tuple[File, ...]) -> tuple[Upload, ...]:
    return tuple(
        Upload(name=file.name, content_type=file.content_type, content=_content(file)) for file in files
    )


def _content(file: File) -> bytes:
    try:
        return base64.b64decode(file.content, validate=True)
    except (binascii.Error, ValueError):
        words = gettext("The content of the attachment {name} is no base64.")
        raise Unusable(words.format(name=file.name[:80])) from None
