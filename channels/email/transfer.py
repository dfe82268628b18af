"""Undo Content-Transfer-Encoding, however broken; never raises."""

import binascii
import re

NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
QP_LINE_END = re.compile(rb"[ \t]+(?=\r?\n)")
UU_BEGIN = re.compile(rb"(?:^|\n)begin[ \t]+0?[0-7]{3}[ \t]+([^\r\n]+)\r?\n(?=[ -`])")
UU_END = re.compile(rb"\n`?[ \t]*\r?\n?end[ \t]*(?:\r?\n|$)")


def decoded(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().strip("\"'").lower()
    if encoding == "base64":
        return base64(body)
    if encoding in {"quoted-printable", "quoted-printeable", "quoted_printable", "qp"}:
        return quoted_printable(body)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        found = UU_BEGIN.search(body)
        return uudecoded(body[found.end() :]) if found else body
    return body


def quoted_printable(body: bytes) -> bytes:
    return binascii.a2b_qp(QP_LINE_END.sub(b"", body))


def base64(body: bytes) -> bytes:
    """Junk between, padding missing or in the middle, a footer that a list server put behind it."""
    try:
        return (
            binascii.a2b_base64(body, strict_mode=False) if b"=" not in body.rstrip()[:-2] else _pieces(body)
        )
    except binascii.Error:
        return _pieces(body)


def _pieces(body: bytes) -> bytes:
    out: list[bytes] = []
    # An empty line ends the data when what follows is no base64 at all (list footers, antivirus).
    kept: list[bytes] = []
    for line in body.splitlines():
        stripped = line.strip()
        if kept and b" " in stripped and not stripped.startswith(b"="):
            break
        kept.append(NOT_BASE64.sub(b"", stripped))
    for run in re.split(rb"=+", b"".join(kept)):
        usable = run if len(run) % 4 != 1 else run[:-1]
        out.append(binascii.a2b_base64(usable + b"=" * (-len(usable) % 4)))
    return b"".join(out)


def uudecoded(lines: bytes) -> bytes:
    out = bytearray()
    for line in lines.splitlines():
        if line.strip() == b"end":
            break
        if not line or line[:1] == b"`":
            continue
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:  # a line longer than it says (old encoders): take what it says
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:count])
            except binascii.Error:
                continue
    return bytes(out)


def uuencoded(text: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """A text body and the files that stand in it: (the text without them, [(name, content)])."""
    if b"begin " not in text:
        return text, []
    files: list[tuple[bytes, bytes]] = []
    rest: list[bytes] = []
    position = 0
    while found := UU_BEGIN.search(text, position):
        end = UU_END.search(text, found.end() - 1)
        content = uudecoded(text[found.end() : end.start() if end else len(text)])
        if not content:
            rest.append(text[position : found.end()])
            position = found.end()
            continue
        rest.append(text[position : found.start() + 1])
        files.append((found[1].strip(), content))
        position = end.end() if end else len(text)
    return b"".join([*rest, text[position:]]), files
