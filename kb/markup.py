"""Markdown as readers see it: rendered in one place, by one parser, through one sanitiser."""

import nh3
from markdown_it import MarkdownIt

IMAGES = "/knowledge/images/"
"""Where pictures of articles are; no other picture is shown, so that no reader is counted by a stranger."""

_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
_TAGS = set(nh3.ALLOWED_TAGS) - {"map", "area", "center", "article", "aside", "figure", "figcaption"}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}


def rendered(body: str) -> str:
    """HTML that is safe to put into a page: no scripts, no styles, no pictures from elsewhere."""
    tokens = _markdown.parse(body)
    for token in tokens:
        if token.type in {"td_open", "th_open"} and (style := token.attrs.pop("style", None)):
            token.attrSet("align", str(style).removeprefix("text-align:"))
    return nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel="noopener noreferrer",
    )


def _kept(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src" and not value.startswith(IMAGES):
        return None
    return value
