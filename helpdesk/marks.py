"""What an agent typed with the marks of Markdown: as readers see it, and as plain words.

shown("**Now** see `log.txt`")  HTML that is safe in a mail and on a page
plain("**Now** see `log.txt`")  Now see log.txt

Words without marks stay exactly as they were typed. Only what is surely meant as a mark is one: nothing that somebody
wrote is ever left out, so a Windows path keeps its backslashes and `2*3*4` its stars.
"""

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline, autolink, emphasis, link
from markdown_it.token import Token

LONGEST = 50_000
"""Characters; what is longer stays as it was typed."""
DEEPEST = 12  # lists within quotes within lists
ADDRESS = re.compile(r"\bhttps?://[^\s<>\"'|]+[^\s<>\"'|.,;:!?)\]]", re.IGNORECASE)
HOST = re.compile(r"(?:[\w-]+\.)+[\w-]{2,}", re.UNICODE)
TAGS = {
    "a", "blockquote", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "ul",
}  # fmt: skip
BLOCKS = {"paragraph_open", "heading_open", "list_item_open", "blockquote_open"}
LEADS = re.compile(r"<?(?:https?://|mailto:|tel:)\S+", re.IGNORECASE)
"""Where a link may lead to; `array[0](it)` and a link's title are no marks."""
SCHEME = re.compile(r"<[a-z][a-z0-9+.-]*:", re.IGNORECASE)
LANGUAGE = re.compile(r"[\w+#.-]*")
"""What may be said of code where it begins, and is not shown."""
SOME = re.compile(r"[*_`~\[<]|^[ \t]*(?:[>#+-]|\d+[.)])", re.MULTILINE)
"""Stands wherever a mark may: words without any of it need no parser."""
NO_MARKS = {"paragraph_open", "paragraph_close", "inline", "text", "softbreak"}


def is_marked(text: str) -> bool:
    """Whether anything of it is a mark; an address alone is none, since every program makes a link of it."""
    return len(text) <= LONGEST and bool(SOME.search(text)) and not _bare(_parsed(text))


@lru_cache(maxsize=200)
def shown(text: str) -> str:
    """Safe HTML: no pictures, no scripts, no styles, links to the web, to mail and to telephones alone."""
    if len(text) > LONGEST:
        return plain_html(text)
    tokens = _parsed(text)
    for token in tokens:
        if token.type in BLOCKS:
            token.attrSet("dir", "auto")
        if token.children:
            token.children = list(_linked(token.children))
    return nh3.clean(
        _markdown().renderer.render(tokens, _markdown().options, {}),
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}, "*": {"dir"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer nofollow",
        url_relative="deny",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).strip()


def plain(text: str) -> str:
    """The same words for who reads no HTML: lists and quotes as people type them, addresses in brackets."""
    return _lines(_parsed(text)) if is_marked(text) else text


def plain_html(text: str) -> str:
    """Words in which no mark counts, as HTML: what a customer wrote."""
    paragraphs = re.split(r"\n{2,}", text.strip())
    return "\n".join(
        f'<p dir="auto">{"<br>".join(html.escape(line) for line in one.splitlines())}</p>'
        for one in paragraphs
    )


@cache
def _markdown() -> MarkdownIt:
    # Without what hides or changes words: addresses defined elsewhere, backslashes, entities, underlined headings.
    left_out = ["image", "reference", "lheading", "code", "html_block", "html_inline", "escape", "entity"]
    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": DEEPEST})
    made = made.enable(["strikethrough"]).disable(left_out)
    made.block.ruler.before("paragraph", "outdented", _outdented, {"alt": ["paragraph", "blockquote"]})
    made.inline.ruler.at("emphasis", _emphasis)
    made.inline.ruler.at("link", _link)
    made.inline.ruler.at("autolink", _autolink)
    return made


def _outdented(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """A line that goes on neither with `>` nor further in ends a quote or a list: an answer below a quote is no part
    of it."""
    return silent and (state.parentType == "blockquote" or state.sCount[line] < state.blkIndent)


def _link(state: StateInline, silent: bool) -> bool:
    """Only with a label, with an address that leads somewhere, and without more words that nobody would see."""
    start = state.pos
    if not link(state, True):
        return False
    label, _, address = state.src[start + 1 : state.pos - 1].rpartition("](")
    if not label.strip() or not LEADS.fullmatch(address.strip()):
        state.pos = start
        return False
    if silent:
        return True
    state.pos = start
    return link(state, False)


def _autolink(state: StateInline, silent: bool) -> bool:
    scheme = SCHEME.match(state.src, state.pos)
    if scheme and not LEADS.match(state.src, state.pos):
        return False
    return autolink(state, silent)


def _emphasis(state: StateInline, silent: bool) -> bool:
    """A single star between letters multiplies, and `__init__` is a name; CommonMark takes both for marks."""
    if silent or state.src[state.pos] not in "*_":
        return emphasis.tokenize(state, silent)
    found = state.scanDelims(state.pos, True)
    before = state.src[state.pos - 1 : state.pos] if state.pos else ""
    after = state.src[state.pos + found.length : state.pos + found.length + 1]
    multiplies = found.length == 1 and before.isalnum() and after.isalnum()
    if not multiplies and not (state.src[state.pos] == "_" and found.length > 1):
        return emphasis.tokenize(state, silent)
    state.pending += state.src[state.pos] * found.length
    state.pos += found.length
    return True


def _parsed(text: str) -> list[Token]:
    tokens = _markdown().parse(text)
    for token in tokens:
        if token.type == "fence" and not LANGUAGE.fullmatch(said := token.info.strip()):
            token.info, token.content = "", f"{said}\n{token.content}"
    return tokens


def _bare(tokens: Iterable[Token]) -> bool:
    return all(token.type in NO_MARKS and _bare(token.children or ()) for token in tokens)


def _linked(tokens: Iterable[Token]) -> Iterator[Token]:
    """Bare addresses as links; one that is dressed as another host says where it leads."""
    target, label = "", ""
    for token in tokens:
        if token.type == "link_open":
            target, label = str(token.attrs.get("href", "")), ""
        elif token.type == "link_close":
            yield token
            if host := _other_host(target, label):
                yield _text(f" ({host})")
            target = ""
            continue
        elif target:
            label += token.content
        elif token.type == "text":
            yield from _addresses(token.content)
            continue
        yield token


def _addresses(text: str) -> Iterator[Token]:
    at = 0
    for found in ADDRESS.finditer(text):
        yield _text(text[at : found.start()])
        address = _markdown().normalizeLink(found[0])
        yield Token("link_open", "a", 1, attrs={"href": address})
        yield _text(found[0])
        yield Token("link_close", "a", -1)
        at = found.end()
    yield _text(text[at:])


def _other_host(target: str, label: str) -> str:
    host = urlsplit(target).hostname or ""
    said = HOST.search(label)
    return host if host and said and said[0].lower().removeprefix("www.") != host.removeprefix("www.") else ""


def _text(words: str) -> Token:
    return Token("text", "", 0, content=words)


def _lines(tokens: list[Token]) -> str:
    """One pass: `margins` stand before each line, `first` before the next one alone, `apart` is a line between."""
    out: list[str] = []
    margins: list[str] = []
    numbers: list[int | None] = []
    first: str | None = None
    apart: str | None = None

    def say(words: str) -> None:
        nonlocal first, apart
        if apart is not None and out:
            out.append(apart)
        apart = None
        for line in words.split("\n"):
            head = "".join(margins) if first is None else "".join(margins[:-1]) + first
            out.append((head + line).rstrip())
            first = None

    def gap() -> str:
        return "".join(margins).rstrip()

    for token in tokens:
        match token.type:
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_open":
                numbers.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
                apart = gap()
            case "list_item_open":
                number = numbers[-1]
                first = "- " if number is None else f"{number}. "
                numbers[-1] = None if number is None else number + 1
                margins.append(" " * len(first))
            case "list_item_close":
                margins.pop()
                first = None
            case "blockquote_open":
                margins.append("> ")
            case "blockquote_close":
                margins.pop()
                apart = gap()
            case "inline":
                say(_words(token.children or []))
            case "paragraph_close":
                apart = None if token.hidden else gap()
            case "heading_close":
                apart = gap()
            case "fence":
                say(token.content.rstrip("\n"))
                apart = gap()
            case "hr":
                say("---")
                apart = gap()
    return "\n".join(out)


def _words(tokens: Iterable[Token]) -> str:
    said, target, label = "", "", ""
    for token in tokens:
        match token.type:
            case "link_open":
                target, label = str(token.attrs.get("href", "")), ""
            case "link_close":
                named = label in {target, target.removeprefix("mailto:"), target.removeprefix("tel:")}
                said += label if named else f"{label} ({target.removeprefix('mailto:')})"
                target = ""
            case _:
                words = "\n" if token.type in {"softbreak", "hardbreak"} else token.content
                if target:
                    label += words
                else:
                    said += words
    return said
