"""From an agent's words to Slack's: Markdown as mrkdwn, in blocks that are short enough.

What an agent types can mention nobody: `<`, `>` and `&` are escaped before anything else, as Slack asks for.
"""

import re
from collections.abc import Iterator
from typing import Any

SECTION = 2_900  # characters of one block; Slack takes 3,000
LONGEST = 38_000  # characters of one message; Slack cuts at 40,000
BLOCKS = 45  # of one message; Slack takes 50
FENCE = re.compile(r"^(```|~~~)")
CODE = re.compile(r"(`[^`\n]+`)")
LINK = re.compile(r"\[([^\[\]\n]{1,500})\]\(((?:https?://|mailto:)[^\s()<>]{1,2000})\)")
# Bounded, so that marks that are opened ten thousand times and never closed cost nothing.
BOLD = re.compile(r"\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*|__(?=\S)(.{1,1000}?)(?<=\S)__")
ITALIC = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
STRUCK = re.compile(r"~~(?=\S)(.{1,1000}?)(?<=\S)~~")
HEADING = re.compile(r"^#{1,6}\s+(\S.*)$")
EVERYBODY = re.compile(r"(?<![\w@])@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
UNSEEN = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of what stands around them."""
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


def one_line(text: str) -> str:
    """A name or a subject: nothing in it begins a line of its own, and so nothing looks as if the desk said it."""
    return escaped(" ".join(UNSEEN.sub("", text).split()))


def blocks(text: str) -> list[dict[str, Any]]:
    """Of mrkdwn. Empty where it is too long for them: then Slack shows the text itself."""
    parts = list(_parts(text))
    if len(parts) > BLOCKS:
        return []
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in parts]


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
    """Cut at paragraphs, else at lines, else anywhere; a fence that is cut is closed and opened again."""
    while len(text) > SECTION:
        at = max(text.rfind("\n\n", 0, SECTION), 0) or max(text.rfind("\n", 0, SECTION), 0) or SECTION
        part, text = text[:at], text[at:].lstrip("\n")
        if part.count("```") % 2:
            part, text = f"{part}\n```", f"```\n{text}"
        yield part
    if text.strip():
        yield text
