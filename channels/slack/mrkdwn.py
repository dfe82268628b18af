"""From an agent's words to Slack's: Markdown as mrkdwn, in blocks that are short enough.

What an agent types can mention nobody: `<`, `>` and `&` are escaped before anything else, as Slack asks for.
"""

import re
from collections.abc import Iterator
from typing import Any

SECTION = 2_900  # characters of one block; Slack takes 3,000
LONGEST = 38_000  # characters of one message; Slack cuts at 40,000
TOGETHER = 9_000  # characters of all blocks of one message; Slack refuses some with little more than that
FENCE = re.compile(r"^(```|~~~)")
CODE = re.compile(r"(`[^`\n]+`)")
LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\(((?:https?://|mailto:)[^\s()<>]{1,2000})\)")
# Bounded, so that marks that are opened ten thousand times and never closed cost nothing.
BOLD = re.compile(r"\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*|__(?=\S)(.{1,1000}?)(?<=\S)__")
ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
STRUCK = re.compile(r"~~(?=\S)(.{1,1000}?)(?<=\S)~~")
HEADING = re.compile(r"^#{1,6}\s+(\S.*)$")
EVERYBODY = re.compile(r"(?<![^\W_])@(?=(?:here|channel|everyone)(?![^\W_]))", re.IGNORECASE)
UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of what stands around them."""
CUT = re.compile(r"&[a-z]{0,3}$")
"""Half of a character that is escaped."""
BULLET = re.compile(r"^(\s*)[-*+]\s+")
KEPT = "\ue000"
"""Stands where a bold mark will be, so that italics do not take it for theirs; from the private use area."""


def mrkdwn(text: str) -> str:
    lines, fenced = [], False
    for line in escaped(text.replace(KEPT, "")).splitlines():
        if FENCE.match(line.strip()):
            fenced = not fenced
            lines.append("```")
        else:
            lines.append(line if fenced else _line(line))
    if fenced:
        lines.append("```")
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Slack may take a bare `@here` for a mention; what stands behind the @ now is no character anybody sees."""
    text = EVERYBODY.sub("@\u2060", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_line(text: str, most: int = LONGEST) -> str:
    """A name or a subject: nothing in it begins a line of its own, and so nothing looks as if the desk said it. Nor
    does it hold what would make code of all that stands behind it. `most` characters, as Slack counts them."""
    said = escaped(unmarked(text).replace("`", "'"))
    return said if len(said) <= most else f"{CUT.sub('', said[: most - 1])}…"


def unmarked(text: str) -> str:
    """One line of it, in the direction that it is read in; for where Slack reads no marks."""
    return " ".join(UNSEEN.sub("", text).split())


def linked(url: str, text: str, most: int) -> str:
    return f"<{url}|{one_line(text.replace('|', '/'), most)}>"


def blocks(text: str) -> list[dict[str, Any]]:
    """Of mrkdwn. Empty where it is too long for them: then Slack shows the text itself."""
    return sections(text) if len(text) <= TOGETHER else []


def sections(text: str) -> list[dict[str, Any]]:
    """All of it, however long: what a form takes."""
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in _parts(text)]


def _line(line: str) -> str:
    quote = ""
    while line.startswith("&gt;"):
        quote, line = ">", line.removeprefix("&gt;").lstrip()
    if heading := HEADING.match(line):
        words = heading[1].rstrip().rstrip("#").rstrip() or heading[1]
        return f"{quote}*{words.replace('**', '')}*"
    line = BULLET.sub(r"\1• ", line)
    said = "".join(part if part.startswith("`") else _marks(part) for part in CODE.split(line))
    return f"{quote} {said}" if quote else said


def _marks(text: str) -> str:
    text = LINK.sub(lambda found: f"<{found[2]}|{found[1].replace('|', '/')}>", text)
    text = BOLD.sub(lambda found: f"{KEPT}{found[1] or found[2]}{KEPT}", text)
    text = ITALIC.sub(r"_\1_", text)
    text = STRUCK.sub(r"~\1~", text)
    return text.replace(KEPT, "*")


def _parts(text: str) -> Iterator[str]:
    """Cut at paragraphs, else at lines or words, else anywhere; a fence that is cut is closed and opened again."""
    fence = ""
    while len(fence) + len(text) > SECTION:
        at = _cut(text, SECTION - len(fence))
        part, text = fence + text[:at], text[at:].lstrip("\n")
        fence = "```\n" if part.count("```") % 2 else ""
        if part.strip():
            yield f"{part}\n```" if fence else part
    if text.strip():
        yield fence + text


def _cut(text: str, room: int) -> int:
    """Neither within a link nor within a character that is escaped; always behind the first one."""
    at = next((at for mark in ("\n\n", "\n", " ") if (at := text.rfind(mark, room // 2, room)) > 0), room)
    link = text.rfind("<", 0, at)
    if link > text.rfind(">", 0, at):
        at = link or text.find(">") + 1 or at
    whole = len(CUT.sub("", text[:at]))
    return whole or at
