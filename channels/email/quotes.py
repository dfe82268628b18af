"""What the sender wrote now, what was quoted, and the signature: told apart, nothing thrown away.

No rule is right for every mail program, so the whole text is kept beside it and shown on demand.
The lines are sorted into kinds first; what to fold is decided on the sequence of kinds:
text `t`, empty `e`, quoted by `>` `q`, head of a quote `h`, head of a forward `f`.
"""

import re
from dataclasses import dataclass

from channels.email.signatures import without_signature
from channels.email.wordings import (
    ATTRIBUTION,
    BEGINS,
    DATED,
    FIELD,
    FORWARDED,
    NAMES_SOMEBODY,
    ORIGINAL,
    REPLY_ABOVE,
    RULE,
    RULED,
    UNDATED,
)

CUT = "\ufdd0"  # a noncharacter the HTML reader leaves where a mail program's own quote begins
LONGEST_HEAD = 4  # lines of one attribution: long names and addresses are wrapped
MANY_LINES = 2_000  # beyond it only the beginning is searched
WIDEST = 300  # characters of a line that decide what it is


QUOTE = re.compile("(?:h|(?:qe*){2})[hqte]*q[qe]*(?=t|$)|h[he]*$|(?:qe*)+$")


@dataclass(frozen=True, slots=True)
class Reply:
    written: str  # without quotes, signature kept
    visible: str  # without either


def reply(text: str) -> Reply:
    lines = text.splitlines()
    kinds = _kinds([line[:WIDEST] for line in lines[:MANY_LINES]])
    kept = _kept(lines, kinds + "t" * max(0, len(lines) - MANY_LINES))
    written = "\n".join(_trimmed(kept))
    return Reply(written=written, visible=without_signature(written))


def _trimmed(lines: list[str]) -> list[str]:
    trimmed = [line.replace(CUT, "") for line in lines]
    while trimmed and not trimmed[-1].strip():
        trimmed.pop()
    while trimmed and not trimmed[0].strip():
        trimmed.pop(0)
    return trimmed


def _kept(lines: list[str], kinds: str) -> list[str]:
    if re.match("[te]*f", kinds):
        return lines  # a forward is what the sender wants us to read
    if (cut := kinds.find("c")) >= 0:
        return _without_marked(lines[:cut], kinds[:cut])
    if "h" not in kinds and not re.search("(?:qe*){3}", kinds) and not re.fullmatch("[te]*(?:qe*)+", kinds):
        return lines  # a lone ">" is no quote
    if _answers_in_between(lines, kinds):
        first = re.match("e*h+e*(?=q)", kinds)
        return lines[first.end() :] if first else lines
    if tail := re.search("h+e*(?=t)", kinds):
        # The quote carries no marks, as Outlook writes it: it goes to the end
        return _without_marked(lines[: tail.start()], kinds[: tail.start()])
    return _without_marked(lines, kinds)


def _answers_in_between(lines: list[str], kinds: str) -> bool:
    for between in re.finditer("(?<=q)e*(t[te]*)q", kinds):
        answer = "".join(lines[between.start(1) : between.end(1)])
        alone = between.end(1) - between.start(1) == 1
        broken = lines[between.start(1) - 1].strip() != ">" and len(answer) < 40
        # One line amid a quote is the rest of a line that was wrapped after quoting, or a link that broke off.
        if not (alone and (broken or "http" in answer)):
            return True
    return False


def _without_marked(lines: list[str], kinds: str) -> list[str]:
    kept: list[str] = []
    position = 0
    while quote := QUOTE.search(kinds, position):
        kept += lines[position : quote.start()]
        position = quote.end()
    return kept + lines[position:]


def _kinds(lines: list[str]) -> str:
    kinds = [_kind(line) for line in lines]
    index = 0
    while index < len(lines):
        if kinds[index] in "tq" and (length := _head(lines, kinds, index)):
            kinds[index : index + length] = "h" * length
            _take_rule_before(lines, kinds, index)
            index += length
        else:
            index += 1
    return "".join(kinds)


def _kind(line: str) -> str:
    stripped = line.strip()
    if CUT in line or REPLY_ABOVE.match(line):
        return "c"
    if not stripped:
        return "e"
    if stripped.startswith(">"):
        return "q" if not re.match(r">+ ?>.*<{2,}", stripped) else "t"
    if stripped == "|" or (stripped.startswith("|") and not stripped.endswith("|")):
        return "q"
    return "f" if FORWARDED.match(line) else "t"


def _take_rule_before(lines: list[str], kinds: list[str], index: int) -> None:
    before = index - 1
    while before >= 0 and kinds[before] == "e":
        before -= 1
    if before >= 0 and kinds[before] == "t" and RULE.match(lines[before]):
        kinds[before:index] = "h" * (index - before)


def _head(lines: list[str], kinds: list[str], index: int) -> int:
    """How many lines from here are the head of a quote; 0 where none begins."""
    line = lines[index]
    if kinds[index] == "q":
        return 0
    if ORIGINAL.match(line):
        return 1 + _fields(lines, index + 1)
    if RULED.match(line) and _fields(lines, index + 1) >= 2:
        return 1 + _fields(lines, index + 1)
    return _attribution(lines, kinds, index) or _fields(lines, index)


def _attribution(lines: list[str], kinds: list[str], index: int) -> int:
    """`On <date> <somebody> wrote:`, wrapped over a few lines at most."""
    length = _announcement(lines, kinds, index)
    # The text before it may look like a beginning as well: the nearest beginning is the true one.
    if any(
        BEGINS.match(lines[index + later]) and _announcement(lines, kinds, index + later) == length - later
        for later in range(1, length)
    ):
        return 0
    return length


def _announcement(lines: list[str], kinds: list[str], index: int) -> int:
    line = lines[index]
    if UNDATED.match(line) and "q" in kinds[index + 1 : index + 3]:
        return 1
    begins = BEGINS.match(line) or NAMES_SOMEBODY.match(line) or "@" in line
    if not begins and not ATTRIBUTION.match(line):
        return 0
    joined = ""
    for length in range(1, LONGEST_HEAD + 1):
        if index + length > len(lines) or (
            kinds[index + length - 1] == "q" and length > 1 and ">:" not in lines[index + length - 1]
        ):
            break
        line = lines[index + length - 1].strip()
        if not line and joined.endswith((".", "!", "?")):
            break
        joined = f"{joined} {line}".strip()
        if len(joined) > 600:
            break
        if ATTRIBUTION.match(joined) or DATED.match(joined):
            return length
    return 0


def _fields(lines: list[str], index: int) -> int:
    """A block `From: … Sent: … To: … Subject: …`: how many lines it has, 0 where it is none."""
    seen_from = False
    others: set[str] = set()
    last = end = index
    for position in range(index, min(index + 14, len(lines))):
        field = FIELD.match(lines[position])
        if field:
            seen_from = seen_from or bool(field["from"])
            if field["other"]:
                others.add(field["other"].lower())
            end = position + 1
            last = position
        elif position - last > 2 or (not lines[position].strip() and seen_from and len(others) >= 2):
            break
        elif position == index and lines[position].strip():
            return 0
    enough = (seen_from and others) or (len(others) >= 2 and any("@" in line for line in lines[index:end]))
    return end - index if enough else 0
