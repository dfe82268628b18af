"""Which parts of a mail are its words, and which are files."""

import html as markup
import mimetypes
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

from channels.email.charsets import to_text
from channels.email.mime import Part
from channels.email.transfer import uuencoded
from helpdesk.messages import Upload

META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE)
EXTENSIONS = {"message/rfc822": ".eml", "text/calendar": ".ics", "text/plain": ".txt", "image/jpeg": ".jpg"}


@dataclass
class Bodies:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    files: list[Upload] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        """All inline text parts in their order; None where there is none with a word in it."""
        joined = "\n".join(self.plain)
        return joined if joined.strip() else None

    @property
    def markup(self) -> str | None:
        joined = "\n".join(self.html)
        return joined if joined.strip() else None


def bodies(mail: Part) -> Bodies:
    found = Bodies()
    _collect(mail, found, alone=True)
    if not found.text and not found.markup:
        _look_further(mail, found)
    return found


def _look_further(mail: Part, found: Bodies) -> None:
    """A mail without a word of its own: the words are in a file shown in place, or in the mail it forwards."""
    for part in mail.walk():
        if part.content_type in {"text/plain", "text/html"} and part.disposition == "inline":
            _words(part, found)
    if found.text or found.markup:
        return
    forwarded = next((part for part in mail.walk() if part.content_type == "message/rfc822"), None)
    if forwarded and (embedded := forwarded.embedded):
        inner = Bodies()
        _collect(embedded, inner, alone=True)
        found.plain, found.html = inner.plain, inner.html


def _collect(part: Part, found: Bodies, *, alone: bool = False) -> None:
    if part.parts:
        if part.content_type == "multipart/alternative":
            _alternatives(part, found)
        else:
            _sequence(part, found)
    elif _is_words(part, alone=alone):
        _words(part, found)
    elif part.content_type.startswith("multipart/"):
        return
    else:
        found.files.append(upload(part))


def _sequence(part: Part, found: Bodies) -> None:
    for child in part.parts:
        before = len(found.plain), len(found.html)
        _collect(child, found)
        plain = found.plain[before[0] :]
        if plain and len(found.html) == before[1] and any(True for _ in _html(part)):
            # "text, picture, text" from a Mac, or a list's footer behind an HTML mail: show it there too
            found.html += [f"<div>{as_html(text)}</div>" for text in plain if text.strip()]


def _alternatives(part: Part, found: Bodies) -> None:
    """The same words several times: one plain and one HTML rendering are enough."""
    for child in part.parts:
        one = Bodies()
        _collect(child, one)
        found.files += one.files
        if one.plain and not one.html:
            kind, texts = found.plain, one.plain
        else:
            kind, texts = found.html, one.html
            if one.plain and not any(text.strip() for text in found.plain):
                found.plain += one.plain
        kind += texts


def _html(part: Part) -> Iterator[Part]:
    return (child for child in part.walk() if child.content_type == "text/html" and _is_words(child))


def _is_words(part: Part, *, alone: bool = False) -> bool:
    if part.content_type not in {"text/plain", "text/html"}:
        return alone and part.main_type == "text" and part.disposition != "attachment"
    if part.disposition == "attachment":
        return False
    return alone or not part.file_name


def _words(part: Part, found: Bodies) -> None:
    if part.content_type == "text/html":
        found.html.append(to_text(part.content, part.charset or _meta_charset(part.content)))
        return
    text, files = uuencoded(part.content)
    found.plain.append(to_text(text, part.charset))
    for name, content in files:
        label = file_name(to_text(name))
        kind = mimetypes.guess_type(label)[0] or "application/octet-stream"
        found.files.append(Upload(name=label, content_type=kind, content=content))


def _meta_charset(content: bytes) -> str:
    named = META_CHARSET.search(content[:2048])
    return named[1].decode() if named else ""


def as_html(text: str) -> str:
    return markup.escape(text.strip("\r\n"), quote=False).replace("\n", "<br>\n")


def upload(part: Part) -> Upload:
    content_id = part.content_id or None
    # Outlook gives pictures in the text a Content-ID and no disposition, Apple Mail the other way round.
    inline = (
        bool(content_id)
        and part.disposition != "attachment"
        and part.main_type in {"image", "video", "audio"}
    )
    content = part.content
    if part.main_type == "message" and part.encoding in {"", "7bit", "8bit", "binary"}:
        content = part.body  # the bytes that were attached, untouched
    return Upload(
        name=file_name(part.file_name) or _made_up_name(part),
        content_type=part.content_type,
        content=content,
        content_id=content_id,
        inline=inline,
    )


def file_name(given: str) -> str:
    """A label without path, control or direction characters, at most 200 characters, "" where nothing is left."""
    given = re.sub(r"[\t\r\n]+", " ", given)
    kept = "".join(
        character
        for character in given
        if unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    kept = re.sub(r"^(?:[A-Za-z]:[/\\]|\.{0,2}[/\\])+", "", kept.strip())
    kept = re.sub(r"\s+", " ", re.sub(r"[/\\]+", "_", kept)).strip()
    if not kept.strip("."):
        return ""
    if len(kept) > 200:
        stem, dot, extension = kept.rpartition(".")
        kept = f"{stem[: 199 - len(extension)]}.{extension}" if dot and len(extension) < 12 else kept[:200]
    return kept


def _made_up_name(part: Part) -> str:
    if part.content_type == "message/rfc822" and part.embedded:
        subject = file_name(part.embedded.headers.text("subject"))[:80].strip(" .")
        return f"{subject or 'mail'}.eml"
    local = file_name(part.content_id.partition("@")[0])
    if re.fullmatch(r"[\w .-]+\.[A-Za-z0-9]{2,5}", local):
        return local  # Outlook: <image001.jpg@01CDB132.D8A510F0>
    guessed = EXTENSIONS.get(part.content_type) or mimetypes.guess_extension(part.content_type) or ".bin"
    return f"{part.main_type}{guessed}"
