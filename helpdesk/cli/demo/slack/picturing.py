"""Messages, blocks and forms as HTML: as much of mrkdwn and Block Kit as a desk and its customers use."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from markupsafe import Markup, escape

EMOJI = {"ticket": "🎫", "admission_tickets": "🎟️", "+1": "👍", "eyes": "👀", "white_check_mark": "✅"}
FENCED = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
MARKED = re.compile(
    r"<(?P<url>https?://[^|<>\s]+)(?:\|(?P<label>[^<>]*))?>"
    r"|<@(?P<user>[A-Z0-9]+)(?:\|[^<>]*)?>"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<!\w)\*(?=\S)(?P<bold>[^*\n]+)(?<=\S)\*(?!\w)"
    r"|(?<!\w)_(?=\S)(?P<italic>[^_\n]+)(?<=\S)_(?!\w)"
    r"|(?<!\w)~(?=\S)(?P<struck>[^~\n]+)(?<=\S)~(?!\w)"
    r"|:(?P<emoji>[a-z0-9_+-]+):"
)
TAGS = {
    "code": Markup("<code>{}</code>"),
    "bold": Markup("<strong>{}</strong>"),
    "italic": Markup("<em>{}</em>"),
    "struck": Markup("<s>{}</s>"),
}
Names = Mapping[str, str]


def words(text: str, names: Names) -> Markup:
    """Of mrkdwn. Nothing in it becomes HTML but what stands here."""
    parts = FENCED.split(str(text))
    shown = [
        Markup("<pre>{}</pre>").format(unescape(part)) if number % 2 else _lines(part, names)
        for number, part in enumerate(parts)
        if part.strip()
    ]
    return Markup().join(shown)


def _lines(text: str, names: Names) -> Markup:
    found = []
    for line in text.strip("\n").splitlines():
        quoted = line.startswith((">", "&gt;"))
        said = _marks(line.removeprefix("&gt;").removeprefix(">").strip() if quoted else line, names)
        found.append(Markup("<blockquote>{}</blockquote>").format(said) if quoted else said + Markup("<br>"))
    return Markup("<p>{}</p>").format(Markup().join(found).removesuffix("<br>"))


def _marks(text: str, names: Names) -> Markup:
    shown, at = Markup(), 0
    for found in MARKED.finditer(text):
        shown += escape(unescape(text[at : found.start()]))
        shown += _mark(found, names)
        at = found.end()
    return shown + escape(unescape(text[at:]))


def _mark(found: re.Match[str], names: Names) -> Markup:
    given = {name: value for name, value in found.groupdict().items() if value is not None}
    if url := given.get("url"):
        label = unescape(given.get("label") or url)
        link = Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>')
        return link.format(unescape(url), label)
    if user := given.get("user"):
        return Markup('<span class="mention">@{}</span>').format(names.get(user, user))
    if emoji := given.get("emoji"):
        return escape(EMOJI.get(emoji, f":{emoji}:"))
    name, inside = next(iter(given.items()))
    said = escape(unescape(inside)) if name == "code" else _marks(inside, names)
    return TAGS[name].format(said)


def blocks(given: Any, names: Names) -> list[dict[str, Any]]:
    """What the template puts one below the other; kinds that it does not know are left out."""
    return [shown for block in given or () if (shown := _block(block, names))]


def _block(block: Mapping[str, Any], names: Names) -> dict[str, Any] | None:
    match block.get("type"):
        case "section":
            return {"kind": "words", "html": _text(block.get("text") or {}, names)}
        case "context":
            inside = Markup(" ").join(_text(one, names) for one in block.get("elements", ()))
            return {"kind": "aside", "html": inside}
        case "divider":
            return {"kind": "line"}
        case "actions":
            return {"kind": "actions", "elements": [_element(one) for one in block.get("elements", ())]}
        case "input":
            about = {"name": block["block_id"], "label": block["label"]["text"]}
            return (
                {"kind": "input", "optional": block.get("optional", False)}
                | about
                | _element(block["element"])
            )
    return None


def _element(one: Mapping[str, Any]) -> dict[str, Any]:
    chosen = one.get("initial_option") or {}
    return {
        "type": one.get("type", ""),
        "action": one.get("action_id", ""),
        "value": one.get("value", "") or chosen.get("value", "") or one.get("initial_value", ""),
        "url": one.get("url", ""),
        "words": (one.get("text") or one.get("placeholder") or {}).get("text", ""),
        "primary": one.get("style") == "primary",
        "multiline": one.get("multiline", False),
        "options": [(option["value"], option["text"]["text"]) for option in one.get("options", ())],
    }


def _text(given: Mapping[str, Any], names: Names) -> Markup:
    text = str(given.get("text", ""))
    if given.get("type") == "plain_text":
        return Markup("<p>{}</p>").format(text)
    return words(text, names)
