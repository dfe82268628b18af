"""Every page and address of chats but those of the settings."""

from typing import Any

from web.chat import ending, helping, lines, proving, puzzles, talking, visitors, widget

CHAT: list[Any] = [
    widget.Widget,
    visitors.Visitors,
    proving.Proving,
    puzzles.puzzle,
    talking.Talking,
    helping.Helping,
    ending.Ending,
    lines.live,
]
