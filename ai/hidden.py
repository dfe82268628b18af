"""What people do not see in a text, and machines do: characters without a shape, and hidden HTML."""

import re
import unicodedata
from html.parser import HTMLParser

JOINERS = {"\u200c", "\u200d"}
"""Between letters of Persian or Hindi and between the parts of an emoji they mean something."""
UNSEEN = {
    *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0\ufeff\u2800",
    *map(chr, range(0x200B, 0x2010)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2060, 0x2070)),
    *map(chr, range(0xFE00, 0xFE0F)),  # but for FE0F, which makes an emoji of a sign
    *map(chr, range(0xFFF0, 0xFFFC)),
    *map(chr, range(0x1D173, 0x1D17B)),
    *map(chr, range(0xE0000, 0xE1000)),  # tags, and variation selectors that carry bytes
} - JOINERS
CLASSES = {"\u200c": {"Lo", "Mn", "Mc"}, "\u200d": {"Lo", "Mn", "Mc", "So", "Sk"}}


def shown(text: str) -> str:
    """Without characters that have no shape, change the order of others, or control a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for i, c in enumerate(text) if _is_shown(c, text, i))


def _is_shown(c: str, text: str, place: int) -> bool:
    if c in JOINERS:
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if before == "\ufe0f":
            before = "☺"
        return all(side and unicodedata.category(side) in CLASSES[c] for side in (before, after))
    if c == "\ufe0f":
        return place > 0 and (
            text[place - 1] in "#*0123456789" or unicodedata.category(text[place - 1])[0] == "S"
        )
    return c not in UNSEEN and (c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs", "Co", "Cn"})


VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NEVER_SEEN = {
    "script",
    "style",
    "template",
    "head",
    "title",
    "noscript",
    "object",
    "iframe",
    "svg",
    "math",
    "select",
}
HIDING = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|mso-hide:all|opacity:0(?:\.0\d*)?(?![.\d])"
    r"|(?:font-size|line-height|(?:max-)?(?:height|width)):[01]?(?:\.\d+)?(?:px|pt|em|rem|%)?(?:!important)?(?:;|$)"
    r"|font:[^;]*?\b[01]px|text-indent:-\d{3,}|(?:left|top|right|margin-left|margin-top):-\d{3,}"
    r"|clip:rect\(0|clip-path:inset\((?:50|100)%|transform:scale\(0\)"
)
LIGHT = (
    r"(?:white|transparent|snow|ivory|#f{3,8}|#f[b-f]f[b-f]f[b-f]|rgb\(25[0-5],25[0-5],25[0-5]\)"
    r"|rgba\([^)]*,0(?:\.0+)?\))"
)
WHITE = re.compile(rf"(?:^|;)color:{LIGHT}(?:!important)?(?:;|$)")
GROUND = re.compile(r"background(?:-color|-image)?:(?!(?:white|#f{3,6}|transparent|none)(?:;|$))")
RULE = re.compile(r"([^{}]{1,200})\{([^{}]{0,2000})\}")
NAMED = re.compile(r"\.([\w-]+)")
LOOKS_LIKE_HTML = re.compile(r"<[a-zA-Z!/?]")


COMMENT = re.compile(r"<!--.*?(?:--!?>|\Z)", re.DOTALL)
UNCLOSED = re.compile(r"<(?=[^<>]*(?:<|\Z))")


def visible(text: str) -> str:
    """A text that may hold HTML, without what a reader of it would not see; the rest stands as it was."""
    if not LOOKS_LIKE_HTML.search(text):
        return text
    hiding = _hiding_classes(text)
    reader = _Reader(hiding)
    reader.feed(UNCLOSED.sub("&lt;", COMMENT.sub("", text)))  # each would be read to the end of the text
    reader.close()
    return "".join(reader.seen)


def _hiding_classes(text: str) -> set[str]:
    """Classes that a style sheet within the text hides."""
    found: set[str] = set()
    for sheet in re.findall(r"(?is)<style\b[^>]{0,500}>(.{0,20000}?)</style", text):
        for selector, declared in RULE.findall(sheet):
            if _hides(declared):
                found.update(NAMED.findall(selector))
    return found


def _hides(style: str) -> bool:
    squeezed = re.sub(r"\s+|/\*.*?\*/", "", style).lower()
    return bool(HIDING.search(squeezed) or (WHITE.search(squeezed) and not GROUND.search(squeezed)))


class _Reader(HTMLParser):
    def __init__(self, hiding: set[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.hiding = hiding
        self.seen: list[str] = []
        self._within: list[str] = []
        """The open elements from the outermost hidden one inwards; empty where the text is seen."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._within:
            if tag not in VOID:
                self._within.append(tag)
        elif tag in NEVER_SEEN or self._is_hidden(tag, dict(attrs)):
            if tag not in VOID:
                self._within = [tag]
        else:
            self.seen.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._within and tag not in NEVER_SEEN and not self._is_hidden(tag, dict(attrs)):
            self.seen.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if not self._within:
            self.seen.append(f"</{tag}>")
        elif tag in self._within:
            while self._within.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.seen.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _is_hidden(self, tag: str, attributes: dict[str, str | None]) -> bool:
        if "hidden" in attributes or (tag == "input" and attributes.get("type") == "hidden"):
            return True
        if tag == "font" and re.fullmatch(LIGHT, (attributes.get("color") or "").strip().lower()):
            return True
        if tag == "font" and (attributes.get("size") or "").strip() == "0":
            return True
        if self.hiding & set((attributes.get("class") or "").split()):
            return True
        return _hides(attributes.get("style") or "")
