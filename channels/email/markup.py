"""HTML to the plain text a person would have typed, with quotes still recognisable.

Not for safety: what is shown as HTML is sanitised where it is shown.
"""

import re
from html.parser import HTMLParser

from channels.email.charsets import clean
from channels.email.quotes import CUT

BLOCKS = frozenset(
    ["address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"]
)
SILENT = frozenset({"script", "style", "head", "title", "noscript", "template", "svg", "math", "object"})
SPACED = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table"])
VOID = frozenset(["br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track", "wbr"])
DEEPEST = 200
# Where mail programs put the mail that is answered: everything in it, or from it on.
QUOTE_CLASS = re.compile(
    r"(?<![\w-])(?:gmail_quote(?:_container)?|gmail_attr|yahoo_quoted|protonmail_quote|tutanota_quote|zmail_extra|moz-cite-prefix"
    r"|ms-outlook-mobile-reference-message|front-blockquote|freshdesk_quote|zendesk_quote|missive_quote|x_gmail_quote"
    r"|ecxgmail_quote|ecxhmquote|hmquote|mcntmcntreply|cloudmagic-smart-beacon|quote_wrapper|aol_msg_part|AOLMsgPart)(?![\w-])",
    re.IGNORECASE,
)
QUOTE_ID = re.compile(
    r"^(?:x_|ecx)?(?:divRplyFwdMsg|appendonsend|replySplit|reply-intro|OLK_SRC_BODY_SECTION|mail-editor-reference-message-container"
    r"|stopSpelling|replyFwd|isForwardContent|yahoo_quoted.*|ymail_android_signature_quote|editbody1?_quote|oriMsgHtmlSeperator|zwchr|quoted_content)$",
    re.IGNORECASE,
)
OUTLOOK_RULE = re.compile(
    r"border:\s*none;\s*border-top:\s*solid\s*#(?:B5C4DF|E1E1E1)\s*1\.0pt|border-top:\s*#?(?:b5c4df|e1e1e1)\s*1(?:\.0)?pt\s*solid"
    r"|border-top-color:\s*(?:#B5C4DF|rgb\(181, ?196, ?223\))",
    re.IGNORECASE,
)


def to_plain(html: str) -> str:
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, RecursionError):
        pass  # what was read until then
    return reader.text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.silent = 0
        self.depth = 0
        self.cites: list[int] = []  # depths of open <blockquote type=cite>
        self.pre = 0
        self.line = ""
        self.gap = 0

    @property
    def text(self) -> str:
        self._end_line()
        return clean("\n".join(self.out)).strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += tag not in VOID
            return
        if self.silent:
            return
        given = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self._block(tag)
        if self._quotes(tag, given):
            self._end_line()
            self.line = CUT
            self._end_line()
        if tag == "br":
            self._end_line(always=True)
        elif tag == "hr":
            self.line = "-" * 10
            self._end_line()
        elif tag == "li":
            self.line = "- "
        elif tag == "pre":
            self.pre += 1
        elif tag == "img" and (words := given.get("alt", "").strip()) and len(words) < 20:
            self.line += words
        if tag == "blockquote":
            self.cites.append(self.depth)
        if tag not in VOID:
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        if self.silent:
            return
        if tag in BLOCKS:
            self._block(tag)
        if tag == "pre":
            self.pre = max(0, self.pre - 1)
        if tag == "blockquote" and self.cites:
            self.cites.pop()
        self.depth = max(0, self.depth - 1)

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        if self.pre:
            *whole, last = data.split("\n")
            for line in whole:
                self.line += line
                self._end_line(always=True)
            self.line += last
            return
        words = re.sub(r"[ \t\r\n\f]+", " ", data)
        self.line += words.lstrip(" ") if self.line.endswith(" ") or not self.line else words

    def _quotes(self, tag: str, given: dict[str, str]) -> bool:
        if QUOTE_CLASS.search(given.get("class", "")) or QUOTE_ID.match(given.get("id", "")):
            return True
        if tag == "blockquote" and given.get("type", "").lower() == "cite":
            return True
        return tag in {"div", "p"} and bool(OUTLOOK_RULE.search(given.get("style", "")))

    def _block(self, tag: str) -> None:
        self._end_line()
        if tag in SPACED and self.out and self.out[-1].strip():
            self.gap = 1

    def _end_line(self, *, always: bool = False) -> None:
        line = self.line.replace("\u00a0", " ").rstrip()
        self.line = ""
        if not line.strip() and not always:
            return
        if self.gap and self.out and self.out[-1].strip():
            self.out.append("")
        self.gap = 0
        marks = "> " * min(len(self.cites), 5)
        self.out.append(f"{marks}{line}" if line else marks.rstrip())
