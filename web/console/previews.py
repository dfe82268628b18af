"""How an answer will look where the customer reads it, for channels that bring marks of their own."""

import html
import re
from typing import Any

from litestar import Controller, Request, post
from markupsafe import Markup

from channels import registry
from channels.slack.mrkdwn import mrkdwn
from helpdesk import marks
from helpdesk.access import Action
from web.auth import permits
from web.dependencies import CurrentTicket, ThisPage
from web.pages import Html

LONGEST = 50_000  # characters that are looked at
FENCED = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
MARKS = re.compile(
    r"`(?P<code>[^`\n]+)`|<(?P<url>(?:https?://|mailto:)[^|>]+)\|(?P<label>[^>]+)>"
    r"|(?<![\w*])\*(?P<bold>[^*\n]+)\*(?![\w*])|(?<!\w)_(?P<italic>[^_\n]+)_(?!\w)|~(?P<struck>[^~\n]+)~"
)
TAGS = {"bold": "strong", "italic": "em", "struck": "s", "code": "code"}


class Previews(Controller):
    path = "/tickets/{number:int}/preview"

    @post(opt=permits(Action.reply), status_code=200)
    async def show(self, request: Request[Any, Any, Any], page: ThisPage, ticket: CurrentTicket) -> Html:
        body = str((await request.form()).get("body") or "")[:LONGEST]
        shown = _looks(registry.marks(ticket.inbox.channel), body) if body.strip() else Markup("")
        return page("console/tickets/_preview.html", shown=shown, channel=registry.get(ticket.inbox.channel))


def _looks(kind: str, body: str) -> Markup:
    match kind:
        case "mrkdwn":
            return as_shown(mrkdwn(body))
        case "html":
            return Markup(marks.shown(body))  # noqa: S704 - cleaned where it is rendered
    return Markup("")


def as_shown(text: str) -> Markup:
    """Slack's marks as HTML; every piece is escaped where it is put in."""
    parts, at = [], 0
    for fence in FENCED.finditer(text):
        parts += [
            _lines(text[at : fence.start()]),
            Markup("<pre><code>{}</code></pre>").format(_plain(fence[1])),
        ]
        at = fence.end()
    parts.append(_lines(text[at:]))
    return Markup("").join(parts)


def _lines(text: str) -> Markup:
    shown = []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        if not paragraph.strip():
            continue
        quoted = all(line.startswith(">") for line in paragraph.split("\n"))
        lines = [line.lstrip(">").lstrip() if quoted else line for line in paragraph.split("\n")]
        tag = "blockquote" if quoted else "p"
        inner = Markup("<br>").join(_marked(line) for line in lines)
        shown.append(Markup('<{} dir="auto">{}</{}>').format(tag, inner, tag))
    return Markup("").join(shown)


def _marked(line: str) -> Markup:
    parts, at = [], 0
    for found in MARKS.finditer(line):
        parts.append(Markup("{}").format(_plain(line[at : found.start()])))
        name = found.lastgroup or ""
        if found["url"]:
            parts.append(
                Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
                    _plain(found["url"]), _plain(found["label"])
                )
            )
        else:
            inner = _plain(found[name]) if name == "code" else _marked(found[name])
            parts.append(Markup("<{0}>{1}</{0}>").format(TAGS[name], inner))
        at = found.end()
    parts.append(Markup("{}").format(_plain(line[at:])))
    return Markup("").join(parts)


def _plain(text: str) -> str:
    return html.unescape(text)
