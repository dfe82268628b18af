"""HTML to the plain text a person would have typed, with quotes still recognisable.

Not for safety: what is shown as HTML is sanitised where it is shown.
"""

import re
from html import unescape

from channels.email.charsets import clean
from channels.email.quotes import CUT

BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
LONGEST = 600_000  # characters; nobody reads further
SILENT = frozenset({"head", "noscript", "template", "svg", "math", "object"})
RAW = frozenset({"script", "style", "title", "textarea", "xmp"})
TAG = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]{0,2000}>?"
    r"|<(?P<close>/?)(?P<name>[a-zA-Z][\w:-]{0,40})(?P<given>(?:[^<>\"']++|\"[^\"]{0,4000}\"|'[^']{0,4000}'){0,200}+[^<>]{0,2000})>?",
    re.DOTALL,
)
ATTRIBUTE = re.compile(r"([a-zA-Z-]{1,30})\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+)")
SPACE = re.compile(r"[ \t\r\n\f]+")
SPACED = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table"])
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
    html = html[:LONGEST]
    position = 0
    for tag in TAG.finditer(html):
        if tag.start() < position:
            continue
        reader.words(html[position : tag.start()])
        position = tag.end()
        if name := tag["name"]:
            name = name.lower()
            if not tag["close"] and name in RAW:  # no markup inside: go on behind its end tag
                closing = re.compile(rf"</{name}\b[^>]*>?", re.IGNORECASE).search(html, position)
                position = closing.end() if closing else len(html)
            elif tag["close"]:
                reader.close(name)
            else:
                reader.open(name, tag["given"])
    reader.words(html[position:])
    return reader.text


class _Reader:
    def __init__(self) -> None:
        self.out: list[str] = []
        self.silent = 0
        self.quoted = 0  # how many <blockquote> are open
        self.pre = 0
        self.line = ""
        self.gap = False

    @property
    def text(self) -> str:
        self._end_line()
        return clean("\n".join(self.out)).strip("\n")

    def open(self, tag: str, given: str) -> None:
        if tag in SILENT:
            self.silent += 1
        if self.silent:
            return
        if tag in BLOCKS:
            self._block(tag)
        attributes = {name.lower(): unescape(value.strip("\"'")) for name, value in ATTRIBUTE.findall(given)}
        if self._quotes(tag, attributes):
            self._end_line()
            self.out.append(CUT)
        if tag == "br":
            self._end_line(always=True)
        elif tag == "hr":
            self.line = "-" * 10
            self._end_line()
        elif tag == "li":
            self.line = "- "
        elif tag == "pre":
            self.pre += 1
        elif tag == "img" and 0 < len(words := attributes.get("alt", "").strip()) < 20:
            self.line += words
        elif tag == "blockquote":
            self.quoted += 1

    def close(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
        if self.silent:
            return
        if tag in BLOCKS:
            self._block(tag)
        if tag == "pre":
            self.pre = max(0, self.pre - 1)
        elif tag == "blockquote":
            self.quoted = max(0, self.quoted - 1)

    def words(self, data: str) -> None:
        if self.silent or not data:
            return
        data = unescape(data)
        if self.pre:
            *whole, last = data.split("\n")
            for line in whole:
                self.line += line
                self._end_line(always=True)
            self.line += last
            return
        words = SPACE.sub(" ", data)
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
            self.gap = True

    def _end_line(self, *, always: bool = False) -> None:
        line = self.line.replace("\u00a0", " ").rstrip()
        self.line = ""
        if not line.strip() and not always:
            return
        if self.gap and self.out and self.out[-1].strip():
            self.out.append("")
        self.gap = False
        marks = "> " * min(self.quoted, 5)
        self.out.append(f"{marks}{line}" if line else marks.rstrip())
