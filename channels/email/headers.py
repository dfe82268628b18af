"""Header fields as they stand in the mail, and what they say (RFC 5322, 2047, 2231)."""

import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from channels.email.charsets import clean, to_text

WORD = re.compile(r"=\?([^?\s]*)\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*)*)\?=(?P<gap>[ \t\r\n]+(?==\?))?")
FOLD = re.compile(rb"\r?\n|\r|\0")
HEX = re.compile(rb"=([0-9A-Fa-f]{2})")


class Headers:
    """The fields of one part in their order; names in lower case, values as raw bytes without the fold."""

    __slots__ = ("charset", "fields")

    def __init__(self, fields: list[tuple[str, bytes]]) -> None:
        self.fields = fields
        self.charset = ""  # what raw 8-bit values are most likely in: the body's charset

    def __contains__(self, name: str) -> bool:
        return any(name == field for field, _ in self.fields)

    def all(self, name: str) -> list[str]:
        """Every value of this field, encoded words still encoded, so that its structure can be read."""
        return [self._text(value) for field, value in self.fields if field == name]

    def get(self, name: str) -> str:
        """The first value, or ""."""
        return next((self._text(value) for field, value in self.fields if field == name), "")

    def text(self, name: str) -> str:
        """The first value as a person reads it."""
        return decoded_words(self.get(name), self.charset)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return ((name, self._text(value)) for name, value in self.fields)

    def _text(self, value: bytes) -> str:
        return to_text(FOLD.sub(b"", value), self.charset).strip()


def decoded_words(value: str, charset: str = "") -> str:
    """RFC 2047 encoded words, read as leniently as mail programs write them.

    Neighbouring words of one charset are joined as bytes first: some senders split a character.
    """
    if "=?" not in value:
        return clean(value)
    out: list[str] = []
    pending: list[bytes] = []
    pending_charset = ""
    position = 0

    def flush() -> None:
        if pending:
            out.append(to_text(b"".join(pending), pending_charset))
            pending.clear()

    for word in WORD.finditer(value):
        if word.start() > position:
            flush()
            out.append(value[position : word.start()])
        word_charset = word[1].partition("*")[0].lower()
        if word_charset != pending_charset or word_charset.startswith("iso-2022"):
            flush()
        pending_charset = word_charset
        pending.append(_word(word[2], word[3]))
        position = word.end()
    flush()
    out.append(value[position:])
    return clean("".join(out))


def _word(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return HEX.sub(lambda hexed: bytes((int(hexed[1], 16),)), data.replace(b"_", b" "))
    data = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return a2b_base64(data + b"=" * (-len(data) % 4))
    except Error:
        return b""


PARAMETER = re.compile(r""";\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|"[^"]*$|[^;]*)""")
CONTINUED = re.compile(r"^(?P<name>[^*]+)(?:\*(?P<number>\d+))?(?P<encoded>\*)?$")


def parameters(value: str, charset: str = "") -> tuple[str, dict[str, str]]:
    """A value such as `text/plain; charset=x` → ("text/plain", {"charset": "x"}); RFC 2231 joined and decoded."""
    main, separator, rest = value.partition(";")
    if " " in main or "\t" in main:  # `multipart/mixed boundary=x`, the separator forgotten
        main, _blank, first = main.partition(" " if " " in main else "\t")
        separator, rest = (";", f"{first}{separator}{rest}") if "=" in first else (separator, rest)
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for match in PARAMETER.finditer(separator + rest):
        name, given = match[1].lower(), _unquoted(match[2].strip())
        continued = CONTINUED.match(name)
        if continued and (continued["number"] or continued["encoded"]):
            number = int((continued["number"] or "0")[:4])
            pieces.setdefault(continued["name"], []).append((number, bool(continued["encoded"]), given))
        else:
            plain.setdefault(name, decoded_words(given, charset))
    for name, segments in pieces.items():
        plain[name] = _joined(sorted(segments, key=lambda segment: segment[0]))
    return main.strip().lower(), plain


def _unquoted(given: str) -> str:
    if not given.startswith('"'):
        return given
    inner = given[1:-1] if given.endswith('"') and len(given) > 1 else given[1:]
    # Some senders write Windows paths unescaped: only quotes and backslashes can be escaped.
    return re.sub(r'\\(["\\])', r"\1", inner)


def _joined(segments: list[tuple[int, bool, str]]) -> str:
    charset = ""
    data: list[bytes] = []
    for place, (_, encoded, value) in enumerate(segments):
        if encoded and place == 0 and value.count("'") >= 2:
            charset, _language, value = value.split("'", 2)
        data.append(unquote_to_bytes(value) if encoded else value.encode("utf-8", "replace"))
    joined = to_text(b"".join(data), charset or "utf-8")
    return decoded_words(joined)
