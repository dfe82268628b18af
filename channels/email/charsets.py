"""Bytes to text when the label is missing, wrong, or made up by a vendor."""

import codecs
import re
from functools import lru_cache

# What mail programs mean by these names: the vendor's superset of the standard (as browsers do).
MEANT = {
    "ascii": "cp1252", "us-ascii": "cp1252", "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "iso8859-1": "cp1252", "iso8859_1": "cp1252",
    "ansi": "cp1252", "windows-1252http-equivcontent-type": "cp1252",
    "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030",
    "ks_c_5601-1987": "cp949", "ks_c_5601": "cp949", "euc-kr": "cp949", "ksc5601": "cp949", "x-windows-949": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "windows-31j": "cp932",
    "big5": "big5hkscs", "x-x-big5": "big5hkscs", "cn-big5": "big5hkscs",
    "macintosh": "mac-roman", "x-mac-roman": "mac-roman", "x-mac-cyrillic": "mac-cyrillic",
    "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8", "utf-8mb4": "utf-8",
    "x-unknown": "", "unknown": "", "unknown-8bit": "", "x-user-defined": "", "8bit": "", "binary": "", "none": "",
}  # fmt: skip
JAPANESE = frozenset(
    "iso-2022-jp iso-2022-jp-1 iso-2022-jp-2 iso-2022-jp-3 iso-2022-jp-ms csiso2022jp cp50220 cp50221"  # noqa: SIM905
    " x-windows-iso2022jp".split()
)
# Python's codecs that are no charset of any mail, some of them dangerous.
NO_CHARSET = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "charmap"})
ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([@BDOPQ]|\([BJIH]|&@\x1b\$B)")
HIGH = re.compile(rb"[\x80-\xff]+")
LETTERS = re.compile(rb"[A-Za-z]+")
CONTROL = re.compile("[\0\x01-\x08\x0b\x0e-\x1f\x7f]")


def to_text(data: bytes, charset: str = "") -> str:
    """The text these bytes were meant to be; never raises. NUL and other controls are left out."""
    return clean(_decoded(data, charset.strip().strip("\"'").lower()))


def clean(text: str) -> str:
    """PostgreSQL refuses NUL, and lone surrogates cannot be stored as UTF-8."""
    text = CONTROL.sub("", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _decoded(data: bytes, charset: str) -> str:
    if charset in JAPANESE or (not charset and ESCAPE.search(data)):
        return _japanese(data)
    if data.isascii() and charset not in {"utf-7", "unicode-1-1-utf-7"} and "utf-16" not in charset:
        if charset == "hz-gb-2312" and b"~{" in data:
            return data.decode("hz", "replace")
        return _japanese(data) if ESCAPE.search(data) else data.decode("ascii")
    codec = known(charset)
    if not codec and (guess := _unlabelled(data)):
        return data.decode(guess, "replace")
    for candidate in _candidates(codec):
        try:
            return data.decode(candidate)
        except (UnicodeDecodeError, ValueError):
            continue
    return data.decode(codec or "cp1252", "replace")


def _candidates(codec: str) -> tuple[str, ...]:
    """UTF-8 hardly ever fits by accident, so bytes labelled Latin that are UTF-8 are UTF-8."""
    if codec in {"", "cp1252"}:
        return "utf-8", "cp1252"
    return codec, "utf-8"


def _unlabelled(data: bytes) -> str:
    """A guess for raw bytes that are not UTF-8: "" where Western Latin is as likely as anything.

    In a Latin text few letters are accented; where nearly all are high, it is another script.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return ""
    runs = HIGH.findall(data)
    high = sum(map(len, runs))
    if high < 6 or high < 3 * sum(map(len, LETTERS.findall(data))):
        return ""
    if data.count(b"\x82") + data.count(b"\x83") > high / 6:
        return "cp932"
    lead = b"".join(run[::2] for run in runs)
    if not any(len(run) % 2 for run in runs) and sum(0xB0 <= byte <= 0xD7 for byte in lead) > 0.7 * len(lead):
        return "gb18030"
    small = sum(byte >= 0xE0 for run in runs for byte in run)
    return "cp1251" if small > 0.6 * high else "koi8-r" if small < 0.4 * high else ""


@lru_cache(maxsize=256)
def known(charset: str) -> str:
    """The codec for a charset's name, "" where there is none."""
    name = MEANT.get(charset, charset)
    if not name:
        return ""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        trimmed = re.sub(r"^(x-|cs|charset=)|[^a-z0-9]+$", "", name)
        number = re.fullmatch(r"(?:windows|cp|iso|win)[-_ ]?(\d{3,4})(?:[-_ ](\d{1,2}))?", trimmed)
        if number:
            trimmed = f"iso-8859-{number[2]}" if number[1] == "8859" else f"cp{number[1]}"
        return known(trimmed) if trimmed != name else ""
    # Codecs from bytes to bytes (zlib, base64) would let a charset name unpack a bomb.
    return "" if codec.name in NO_CHARSET or not getattr(codec, "_is_text_encoding", True) else codec.name


def _japanese(data: bytes) -> str:
    """ISO-2022-JP as Windows writes it: vendor rows (①, ㈱, ～) that the standard codec refuses.

    JIS X 0208 is shifted into Shift_JIS, whose Windows code page knows those rows.
    """
    out: list[str] = []
    mode, position = b"(B", 0
    for escape in [*ESCAPE.finditer(data), None]:
        piece = data[position : escape.start() if escape else len(data)]
        if piece:
            out.append(_segment(piece, mode))
        if escape:
            mode, position = escape[1], escape.end()
    return "".join(out)


def _segment(piece: bytes, mode: bytes) -> str:
    if mode == b"$(D":
        return b"".join(
            b"\x8f" + bytes(b | 0x80 for b in piece[i : i + 2]) for i in range(0, len(piece), 2)
        ).decode("euc_jp", "replace")
    if mode.startswith((b"$", b"&")):
        return _shifted(piece).decode("cp932", "replace")
    if mode == b"(I":
        return bytes(byte | 0x80 for byte in piece).decode("cp932", "replace")
    if piece.isascii():
        return piece.decode("ascii")
    return _decoded(piece, "cp932")


def _shifted(pairs: bytes) -> bytes:
    out = bytearray()
    i = 0
    while i < len(pairs):
        first = pairs[i]
        if not 0x21 <= first <= 0x7E or i + 1 == len(pairs):
            out.append(first)  # a line end inside the shifted run
            i += 1
            continue
        second = pairs[i + 1]
        row = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        if first % 2:
            out += bytes((row, second + (0x20 if second > 0x5F else 0x1F)))
        else:
            out += bytes((row, second + 0x7E))
        i += 2
    return bytes(out) if all(byte < 256 for byte in out) else b""
