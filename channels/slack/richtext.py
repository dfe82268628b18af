"""From Slack's words to ours: rich text blocks, or the older mrkdwn, as plain text with the marks of Markdown.

`names` are the people and channels that are known by id; whoever is not stands there as Slack wrote it.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

DEEPEST = 12  # lists within quotes within lists; Slack itself allows eight
LONGEST = 100_000  # characters; Slack cuts messages at 40,000
ANGLE = re.compile(r"<([^<>\n]{1,3000})>")
CODE = re.compile(r"```.+?```|`[^`\n]+`", re.DOTALL)
BOLD = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])")
STRUCK = re.compile(r"(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])")
EMOJI = re.compile(r":([a-z0-9_+'-]{1,60})(?:::skin-tone-([2-6]))?:")
USUAL = {
    "+1": "👍", "thumbsup": "👍", "-1": "👎", "thumbsdown": "👎", "smile": "😄", "slightly_smiling_face": "🙂",
    "joy": "😂", "heart": "❤️", "tada": "🎉", "pray": "🙏", "bow": "🙇", "wave": "👋", "ok_hand": "👌",
    "rocket": "🚀", "eyes": "👀", "fire": "🔥", "white_check_mark": "✅", "heavy_check_mark": "✔️", "x": "❌",
    "warning": "⚠️", "thinking_face": "🤔", "cry": "😢", "sob": "😭", "sweat_smile": "😅", "wink": "😉",
    "blush": "😊", "ticket": "🎫", "clap": "👏", "raised_hands": "🙌", "disappointed": "😞", "rage": "😡",
    "bug": "🐛", "hourglass": "⌛", "100": "💯", "sunglasses": "😎", "grin": "😁", "grinning": "😀",
}  # fmt: skip
"""Those that people use most. Rich text brings the character itself; only the older form has a name alone."""

Names = Mapping[str, str]


def words(said: Mapping[str, Any], names: Names | None = None) -> str:
    """What one message says: its rich text where there is some, else its mrkdwn, else what apps put around it."""
    names = names or {}
    rich = "\n".join(
        _block(block, names) for block in _dicts(said.get("blocks")) if block.get("type") == "rich_text"
    )
    text = rich if rich.strip() else plain(str(said.get("text") or ""), names)
    parts = [text, *(_quoted(shared, names) for shared in _dicts(said.get("attachments")))]
    return "\n\n".join(part.strip() for part in parts if part.strip())[:LONGEST]


def mentioned(said: Mapping[str, Any]) -> set[str]:
    """The ids of people that it names."""
    found = set(re.findall(r"<@([UW][A-Z0-9]{2,20})", str(said.get("text") or "")))
    for block in _dicts(said.get("blocks")):
        found |= {str(e.get("user_id")) for e in _all(block, DEEPEST) if e.get("type") == "user"}
    return {one for one in found if one and one != "None"}


def plain(text: str, names: Names | None = None) -> str:
    """mrkdwn as Markdown: what stands in code is left as it is."""
    names, parts, at = names or {}, [], 0
    for code in CODE.finditer(text):
        parts += [_marked(text[at : code.start()], names), _angles(code[0], names, code=True)]
        at = code.end()
    parts.append(_marked(text[at:], names))
    return "".join(parts)


def bare(text: str) -> str:
    """One line of it without marks, for a subject."""
    line = re.sub(r"\[([^\[\]\n]+)\]\([^()\s]+\)", r"\1", " ".join(text.split()))
    return re.sub(r"\*\*|~~|`+|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)", "", line).lstrip("> ").strip()


def _marked(text: str, names: Names) -> str:
    text = BOLD.sub(r"**\1**", text)
    text = STRUCK.sub(r"~~\1~~", text)
    text = EMOJI.sub(lambda found: USUAL.get(found[1], found[0]), text)
    return _angles(text, names)


def _angles(text: str, names: Names, *, code: bool = False) -> str:
    return html.unescape(ANGLE.sub(lambda found: _angle(found[1], names, code), text))


def _angle(inside: str, names: Names, code: bool) -> str:
    target, _bar, label = inside.partition("|")
    if target.startswith(("@", "#")):
        mark, id_ = target[0], target[1:]
        return mark + (names.get(id_) or label.lstrip(mark) or id_)
    if target.startswith("!"):
        name = target[1:].partition("^")[0]
        return label or f"@{name}"
    if code or not label or label == target or target in {f"mailto:{label}", f"http://{label}"}:
        return label or target.removeprefix("mailto:")
    return f"[{label}]({target})"


def _block(element: Mapping[str, Any], names: Names, depth: int = 0) -> str:
    """One of `rich_text`, or of what may stand in it."""
    if depth > DEEPEST:
        return ""
    inner = list(_dicts(element.get("elements")))
    match element.get("type"):
        case "rich_text":
            return "\n".join(_block(one, names, depth + 1) for one in inner)
        case "rich_text_list":
            return _list(element, inner, names, depth)
        case "rich_text_quote":
            return "\n".join(f"> {line}" for line in _inline(inner, names).splitlines())
        case "rich_text_preformatted":
            code = "".join(str(one.get("text") or one.get("url") or "") for one in inner).strip("\n")
            return f"```\n{code}\n```"
    return _inline(inner, names)


def _list(element: Mapping[str, Any], inner: list[Mapping[str, Any]], names: Names, depth: int) -> str:
    indent = "  " * min(_whole(element.get("indent")), 8)
    first = _whole(element.get("offset")) + 1
    ordered = element.get("style") == "ordered"
    lines = []
    for place, item in enumerate(inner, first):
        mark = f"{place}." if ordered else "-"
        said = _block(item, names, depth + 1).replace("\n", f"\n{indent}  ")
        lines.append(f"{indent}{mark} {said}")
    return "\n".join(lines)


def _inline(elements: list[Mapping[str, Any]], names: Names) -> str:
    return "".join(_one(element, names) for element in elements)


def _one(element: Mapping[str, Any], names: Names) -> str:
    def of(key: str) -> str:
        return str(element.get(key) or "")

    match element.get("type"):
        case "text":
            return _styled(of("text"), element.get("style"))
        case "link":
            label, url = of("text"), of("url")
            return f"[{label}]({url})" if label and label != url else url
        case "user":
            return "@" + (names.get(of("user_id")) or of("user_id"))
        case "channel":
            return "#" + (names.get(of("channel_id")) or of("channel_id"))
        case "usergroup":
            return "@" + of("usergroup_id")
        case "broadcast":
            return "@" + of("range")
        case "emoji":
            return _character(of("unicode")) or USUAL.get(of("name")) or f":{of('name')}:"
        case "date":
            return of("fallback") or of("timestamp")
        case "color":
            return of("value")
    return of("text") or of("url")


def _styled(text: str, style: Any) -> str:
    """Marks stand close to the words, or Markdown does not take them for marks."""
    if not isinstance(style, Mapping) or not text.strip():
        return text
    inner = text.strip()
    before, _, after = text.partition(inner)
    if style.get("code"):
        return f"{before}`{inner}`{after}"
    for name, mark in (("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            inner = f"{mark}{inner}{mark}"
    return f"{before}{inner}{after}"


def _character(code: str) -> str:
    """`1f44b-1f3fc` as the character it names; empty for anything else."""
    try:
        return "".join(chr(int(part, 16)) for part in code.split("-")) if code else ""
    except (ValueError, OverflowError):
        return ""


def _quoted(shared: Mapping[str, Any], names: Names) -> str:
    """A message that was shared along, as a quote; previews of links say nothing that a person wrote."""
    if not (shared.get("is_share") or shared.get("is_msg_unfurl")):
        return ""
    who = str(shared.get("author_name") or "")
    said = plain(str(shared.get("text") or shared.get("fallback") or ""), names)
    head = f"> {who}:\n" if who else ""
    return head + "\n".join(f"> {line}" for line in said.splitlines())


def _all(element: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    yield element
    if depth:
        for one in _dicts(element.get("elements")):
            yield from _all(one, depth - 1)


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 10_000 else 0
