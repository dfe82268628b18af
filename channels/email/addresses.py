"""Address lists as mail programs write them (RFC 5322 section 3.4, and worse)."""

import re
from dataclasses import dataclass

from channels.contract import Unreadable
from channels.email.headers import decoded_words

MAX_RECIPIENTS = 500
UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
PIECES = re.compile(
    r'"(?:[^"\\]|\\.)*"?'  # a quoted string, closed or not
    r"|<[^<>]*>?"  # an angle address
    r"|=\?[^?\s]*\?[bBqQ]\?[^?]*\?="  # an encoded word may hold any separator
    r"|[,;:()]"
    r'|[^"<,;:()=]+|=\??'
)
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]]{1,320}@[^\s@<>,;:\"()]{1,320}")
LONGEST = 2_000  # characters of one entry; more is no address and no name
LONGEST_ADDRESS = 320  # characters; RFC 5321 allows 64 before the @ and 255 behind it


@dataclass(frozen=True, slots=True)
class Address:
    address: str  # as written, case kept
    name: str = ""

    @property
    def compared(self) -> str:
        return self.address.lower()


def addresses(value: str, charset: str = "") -> list[Address]:
    """Raises Unreadable over the limit; what is no address at all is left out."""
    found: list[Address] = []
    for words, angle in _entries(value):
        address = _address("".join(words)[:LONGEST], angle[:LONGEST] if angle else angle, charset)
        if address and len(address.address) <= LONGEST_ADDRESS:
            found.append(_as_seen(address))
        if len(found) > MAX_RECIPIENTS:
            raise Unreadable(f"This mail names more than {MAX_RECIPIENTS} addresses in one header.")
    return found


def sender(value: str, charset: str = "") -> Address | None:
    """The first address of a From; a local name such as MAILER-DAEMON stands for itself."""
    if found := addresses(value, charset):
        return found[0]
    text, comment = _without_comments(decoded_words(value[:LONGEST], charset).replace("<>", ""))
    words = text.replace("<", " ").replace(">", " ").split()
    if not words or not re.fullmatch(r"[\w.+-]{1,320}", words[-1]):
        return None
    return Address(words[-1], " ".join(words[:-1]).strip('" ') or comment)


def _entries(value: str) -> list[tuple[list[str], str | None]]:
    """Split at commas (and semicolons, as Outlook writes them): [(the words, <the angle address>)]."""
    entries: list[tuple[list[str], str | None]] = []
    words: list[str] = []
    angle: str | None = None
    depth = 0
    for piece in PIECES.findall(value):
        if piece == "(":
            depth += 1
            words.append(piece)
        elif piece == ")":
            depth = max(0, depth - 1)
            words.append(piece)
        elif depth:
            words.append(piece)
        elif piece in ",;":
            entries.append((words, angle))
            words, angle = [], None
        elif piece == ":" and "@" not in "".join(words):
            words = []  # the name of a group
        elif (piece.startswith("<") and "@" in piece) or piece == "<>":
            angle = piece.strip("<>").strip()
        else:
            words.append(piece)
    entries.append((words, angle))
    # "Kohl, Max <kohl@example.com>" without quotes: a name's comma is no separator
    joined: list[tuple[list[str], str | None]] = []
    waiting: list[str] = []
    for words, angle in entries:
        text = "".join(words)
        if angle is None and text.strip() and "@" not in text and "=?" not in text:
            waiting += [*words, ","]
            continue
        joined.append(([*waiting, *words], angle))
        waiting = []
    return joined


def _as_seen(given: Address) -> Address:
    """Without line ends that an encoded word brought along, and without what turns the text around it."""
    address = "".join(character for character in given.address if character.isprintable())
    return Address(address, " ".join(UNSEEN.sub("", given.name).split()))


def _address(words: str, angle: str | None, charset: str) -> Address | None:
    if angle is not None:
        name, comment = _name(words, charset)
        return Address(_plain(angle, charset), name or comment) if "@" in angle else None
    text, comment = _without_comments(words)
    text = text.strip()
    if "=?" in text:  # the whole entry in one encoded word, as some scripts do
        decoded = decoded_words(text, charset)
        found = ADDRESS.search(decoded)
        if found:
            name = decoded[: found.start()].strip(" <\"'")
            return Address(found[0], name)
        return None
    if '"' not in text and text.count("@") == 1:
        text = re.sub(r"\s*([.@])\s*(?=\S)", r"\1", text)
    quoted_local = re.fullmatch(r'("(?:[^"\\]|\\.)*"@\S+)', text)
    found = quoted_local or ADDRESS.search(text)
    if not found:
        return None
    name = re.sub(r"\s+", " ", text[: found.start()]).strip(" \"'")
    return Address(_plain(found[0], charset), decoded_words(name or comment, charset).strip())


def _plain(angle: str, charset: str) -> str:
    """Without source routes, comments, spaces."""
    text, _ = _without_comments(decoded_words(angle, charset) if "=?" in angle else angle)
    if text.startswith("@") and ":" in text:
        text = text.rpartition(":")[2]
    if text.lower().startswith("mailto:"):
        text = text[7:]
    return re.sub(r"\s+", "", text).strip("'\"" if text.count('"') != 2 else "'").rstrip(".")


def _name(words: str, charset: str) -> tuple[str, str]:
    text, comment = _without_comments(words)
    text = text.strip()
    if text.startswith('"'):
        text = re.sub(r'^"|"$', "", text)
    text = re.sub(r'\\(["\\])', r"\1", text)
    decoded = re.sub(r"\s+", " ", decoded_words(text, charset)).strip()
    if len(decoded) > 1 and decoded[0] == decoded[-1] and decoded[0] in "\"'":
        decoded = decoded[1:-1].strip()
    return decoded, decoded_words(comment, charset).strip()


def _without_comments(text: str) -> tuple[str, str]:
    """("Ada ", "Sales") of "Ada (Sales)"; parentheses in quotes stay."""
    if "(" not in text or '"' in text:
        return text, ""
    kept: list[str] = []
    comment: list[str] = []
    depth = 0
    for character in text:
        if character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif depth:
            comment.append(character)
        else:
            kept.append(character)
    return "".join(kept), "".join(comment).strip()
