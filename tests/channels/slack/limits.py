"""What Slack refuses of what an app would show: too long, too many, or empty."""

from collections.abc import Iterator
from typing import Any

LONGEST = {
    ("section", "text"): 3_000,
    ("button", "text"): 75,
    ("button", "value"): 2_000,
    ("option", "text"): 75,
    ("option", "value"): 150,
    ("static_select", "placeholder"): 150,
    ("plain_text_input", "initial_value"): 3_000,
    ("input", "label"): 2_000,
    ("modal", "title"): 24,
    ("modal", "submit"): 24,
    ("modal", "close"): 24,
    ("modal", "private_metadata"): 3_000,
}
MAY_BE_EMPTY = {"private_metadata", "initial_value", "value"}
TOGETHER = 11_000  # characters of a message's blocks
TEXT = 40_000


def refusal(method: str, given: dict[str, Any]) -> str:
    """Slack's code for it; empty where it takes it."""
    if method == "views.open":
        view = given.get("view") or {}
        return "invalid_arguments" if len(view.get("blocks", ())) > 100 or not _fits(view) else ""
    if not method.startswith("chat.") or method == "chat.delete":
        return ""
    blocks = given.get("blocks") or []
    if len(blocks) > 50 or not all(_fits(block) for block in blocks):
        return "invalid_blocks"
    if sum(len(text) for block in blocks for text in _texts(block)) > TOGETHER:
        return "msg_blocks_too_long"
    return "msg_too_long" if len(given.get("text") or "") > TEXT else ""


def _fits(thing: dict[str, Any]) -> bool:
    kind = thing.get("type") or "option"
    for name, value in thing.items():
        text = value.get("text") if isinstance(value, dict) else value
        longest = LONGEST.get((kind, name))
        if (
            longest
            and isinstance(text, str)
            and (len(text) > longest or (not text and name not in MAY_BE_EMPTY))
        ):
            return False
    inner = [*thing.get("blocks", ()), *thing.get("elements", ()), *thing.get("options", ())]
    if isinstance(thing.get("element"), dict):
        inner.append(thing["element"])
    most = {"actions": 25, "context": 10}.get(kind, 100)
    return len(thing.get("elements", ())) <= most and all(
        _fits(one) for one in inner if one.get("type") != "mrkdwn"
    )


def _texts(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        for name, value in thing.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)
    elif isinstance(thing, list):
        for one in thing:
            yield from _texts(one)
