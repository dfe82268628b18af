"""A mail's structure as slices of its own bytes (RFC 2045, 2046), with limits.

Written for mail as it is: boundaries missing, prefixed or never closed, line ends of every sort.
Nothing is decoded or copied until it is asked for, so an attached mail keeps every byte, and a
2 KB mail is taken apart in a fraction of what `email.message_from_bytes` needs.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from channels.contract import Unreadable
from channels.email import transfer
from channels.email.charsets import to_text
from channels.email.headers import Headers, parameters

MAX_SIZE = 50 * 1024 * 1024
MAX_PARTS = 500
MAX_DEPTH = 30
MAX_HEADER_LINES = 1_000
MAX_HEADER = 64 * 1024

FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*(.*)", re.DOTALL)
BLANK_LINE = re.compile(rb"(?<![^\n])\r?\n")
LOOKS_LIKE_BOUNDARY = re.compile(rb"(?<![^\n])--([^\r\n]{1,200}?)[ \t]*\r?\n(?=Content-)", re.IGNORECASE)
TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+*-]+")
WELL_KNOWN = re.compile(
    rb"(?:received|return-path|delivered-to|from|to|cc|reply-to|subject|date|message-id|in-reply-to|references"
    rb"|mime-version|content-[a-z-]+|dkim-signature|x-[a-z-]+):",
    re.IGNORECASE,
)
BROKEN_FOLD = 25  # lines of a field whose fold lost its indent


class Part:
    """One entity: its headers, and where its body stands, still encoded."""

    def __init__(self, raw: bytes, begin: int, end: int, headers: Headers, *, within: str = "") -> None:
        self.raw, self.begin, self.end = raw, begin, end
        self.headers = headers
        self.parts: list[Part] = []
        self.content_type, self.parameters = parameters(headers.get("content-type"))
        if not TYPE.fullmatch(self.content_type):
            self.content_type = _default_type(self.content_type, within)
        self.declared_type = self.content_type  # what it says it is; content_type is what it turned out to be

    @property
    def body(self) -> bytes:
        return self.raw[self.begin : self.end]

    @property
    def main_type(self) -> str:
        return self.content_type.partition("/")[0]

    @cached_property
    def _disposition(self) -> tuple[str, dict[str, str]]:
        return parameters(self.headers.get("content-disposition"), self.headers.charset)

    @property
    def disposition(self) -> str:
        """`inline`, `attachment` or nothing; any other word counts as attachment (RFC 2183)."""
        word = self._disposition[0].strip("\"'")
        return word if word in {"", "inline", "attachment"} else "attachment" if word.isalpha() else ""

    @property
    def file_name(self) -> str:
        """As the sender wrote it: a label, never a path."""
        disposition = self._disposition[1]
        return disposition.get("filename") or disposition.get("name") or self.parameters.get("name", "")

    @property
    def content_id(self) -> str:
        return self.headers.get("content-id").strip().strip("<>").strip()

    @property
    def encoding(self) -> str:
        return self.headers.get("content-transfer-encoding").strip().strip("\"'").lower()

    @cached_property
    def content(self) -> bytes:
        return transfer.decoded(self.body, self.encoding)

    @property
    def text(self) -> str:
        return to_text(self.content, self.charset)

    @property
    def charset(self) -> str:
        return self.parameters.get("charset", "")

    def walk(self) -> Iterator["Part"]:
        yield self
        for part in self.parts:
            yield from part.walk()

    @cached_property
    def embedded(self) -> "Part | None":
        """The mail inside a message/rfc822 part, read only when asked for."""
        try:
            return read(self.content)
        except Unreadable:
            return None


def _default_type(given: str, within: str) -> str:
    if within == "multipart/digest":
        return "message/rfc822"
    # "html" or "multipart" alone, as broken scripts write it
    return {"html": "text/html", "multipart": "multipart/mixed"}.get(given.strip(), "text/plain")


def read(raw: bytes) -> Part:
    """Raises Unreadable where the mail is over a limit: it is kept, but not taken apart."""
    if len(raw) > MAX_SIZE:
        raise Unreadable(f"This mail has {len(raw) >> 20} MB; the desk reads up to {MAX_SIZE >> 20} MB.")
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")  # written on an old Macintosh
    return _read(raw, _first_line(raw), len(raw), _Count())


def _first_line(raw: bytes) -> int:
    """Some relays put empty lines before the headers."""
    begin = len(raw) - len(raw.lstrip(b" \t\r\n"))
    return begin if FIELD.match(raw, begin, begin + 200) else 0


class _Count:
    parts = 0


def _read(raw: bytes, begin: int, end: int, count: _Count, *, within: str = "", depth: int = 0) -> Part:
    count.parts += 1
    if count.parts > MAX_PARTS:
        raise Unreadable(f"This mail has more than {MAX_PARTS} parts.")
    if depth > MAX_DEPTH:
        raise Unreadable(f"This mail is nested more than {MAX_DEPTH} deep.")
    headers, body = read_head(raw, begin, end)
    part = Part(raw, body, end, headers, within=within)
    if part.main_type == "multipart":
        _take_apart(part, count, depth)
    return part


def _take_apart(part: Part, count: _Count, depth: int) -> None:
    found = _pieces(part)
    if not found and part.encoding in {"base64", "quoted-printable"}:  # RFC 2045 forbids it, some do it
        part.raw = part.content
        part.begin, part.end = 0, len(part.raw)
        found = _pieces(part)
    part.parts = [
        _read(part.raw, begin, end, count, within=part.content_type, depth=depth + 1) for begin, end in found
    ]
    if not part.parts:
        part.content_type = "text/plain"  # a multipart without parts is what it looks like: text


def read_head(raw: bytes, begin: int, end: int) -> tuple[Headers, int]:
    """The fields, and where the body begins. A line that is no field ends them, unless more fields follow."""
    blank = BLANK_LINE.search(raw, begin, end)
    stop = blank.start() if blank else end
    fields: list[tuple[str, bytes]] = []
    pending = bytearray()
    count = 0
    position = begin
    while position < stop:
        line = _line(raw, position, stop)
        count += 1
        if count > MAX_HEADER_LINES:
            raise Unreadable(f"This mail has more than {MAX_HEADER_LINES} header lines.")
        if line[:1] in b" \t" and pending:
            pending += line
        elif FIELD.match(line):
            _finish(pending, fields)
            pending = bytearray(line)
        elif not line.startswith((b"From ", b">From ")):
            if line.strip() and (not pending or not _more_fields(raw, position + len(line), stop)):
                _finish(pending, fields)
                return Headers(fields), position
            pending += line
        position += len(line)
    _finish(pending, fields)
    return Headers(fields), blank.end() if blank else end


def _line(raw: bytes, position: int, stop: int) -> bytes:
    end = raw.find(b"\n", position, stop)
    return raw[position : stop if end < 0 else end + 1]


def _more_fields(raw: bytes, position: int, stop: int) -> bool:
    for _ in range(BROKEN_FOLD):
        line = _line(raw, position, stop)
        if WELL_KNOWN.match(line):
            return True
        position += len(line)
    return False


def _finish(pending: bytes | bytearray, fields: list[tuple[str, bytes]]) -> None:
    if len(pending) > MAX_HEADER:
        raise Unreadable(f"This mail has a header of more than {MAX_HEADER >> 10} kB.")
    if field := FIELD.match(pending):
        fields.append((field[1].decode("ascii", "replace").lower(), bytes(field[2]).rstrip()))


def _pieces(part: Part) -> list[tuple[int, int]]:
    """Where the parts stand; what is before the first delimiter and after the last is dropped."""
    boundary = part.parameters.get("boundary", "").rstrip()
    found = _between(part, boundary.encode("utf-8", "replace")) if boundary else []
    if not found and (guess := LOOKS_LIKE_BOUNDARY.search(part.raw, part.begin, part.end)):
        found = _between(part, guess[1])
    return found


def _between(part: Part, boundary: bytes) -> list[tuple[int, int]]:
    delimiter = re.compile(rb"(?:\r?\n|(?<![^\n]))--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    found: list[tuple[int, int]] = []
    begin: int | None = None
    for match in delimiter.finditer(part.raw, part.begin, part.end):
        if begin is not None:
            found.append((_after_line_end(part.raw, begin), match.start()))
            if len(found) > MAX_PARTS:
                raise Unreadable(f"This mail has more than {MAX_PARTS} parts.")
        begin = match.end()
        if match[1]:
            break
    else:
        if begin is not None and part.raw[begin : part.end].strip():  # never closed, or cut off on the way
            found.append((_after_line_end(part.raw, begin), part.end))
    return [(begin, max(begin, end)) for begin, end in found]


def _after_line_end(raw: bytes, position: int) -> int:
    if raw.startswith(b"\r\n", position):
        return position + 2
    return position + 1 if raw.startswith(b"\n", position) else position
