"""A mail as it was written: sanitised each time it is shown, in a frame that has no origin and runs nothing.

The raw HTML is kept and never enters our own pages. Remote pictures tell the sender that a mail was read, so
they stay away until somebody asks for them; pictures that came along are put in place as `data:`.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

import nh3
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, is_visible
from helpdesk.desk import Desk
from helpdesk.errors import NotFound
from helpdesk.messages import Attachment, Message
from helpdesk.people import Agent
from helpdesk.tickets import Ticket
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.pages import Html

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
MOST_EMBEDDED = 5 * 1024**2
DATA_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*\Z", re.IGNORECASE)
RISKY_STYLE = re.compile(r"url\s*\(|expression|\\|@", re.IGNORECASE)
TAGS = nh3.ALLOWED_TAGS | {"font", "center", "u", "s", "big", "tt"}
ATTRIBUTES: dict[str, set[str]] = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "align", "valign", "bgcolor", "dir", "lang", "title", "width", "height"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "img": {"src", "alt"},
    "a": {"href"},
}
STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left",
    "border-radius", "border-right", "border-spacing", "border-style", "border-top", "border-width", "color",
    "direction", "display", "font", "font-family", "font-size", "font-style", "font-weight", "height",
    "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left",
    "margin-right", "margin-top", "max-width", "min-width", "padding", "padding-bottom", "padding-left",
    "padding-right", "padding-top", "text-align", "text-decoration", "text-indent", "text-transform",
    "vertical-align", "white-space", "width", "word-break",
}  # fmt: skip
PAGE = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><style>'
    "body{{margin:16px;font:14px/1.5 system-ui,sans-serif;color:#1c1f26;background:#fff;overflow-wrap:anywhere}}"
    "img{{max-width:100%;height:auto}}table{{max-width:100%}}blockquote{{margin-inline:8px;padding-inline-start:8px;"
    "border-inline-start:2px solid #ccc;color:#555}}</style></head><body>{}</body></html>"
)


@get("/tickets/{number:int}/messages/{message_id:int}/html", opt=permits(Action.read))
async def original(
    session: Session,
    agent: CurrentAgent,
    desk: CurrentDesk,
    number: FromPath[int],
    message_id: FromPath[int],
    images: FromQuery[bool] = False,
) -> Html:
    return await drawn(session, desk, agent, number, message_id, images=images)


async def drawn(
    session: AsyncSession, desk: Desk, agent: Agent, number: int, message_id: int, *, images: bool
) -> Html:
    """The page of a message's HTML; raises NotFound where there is none, or none that this agent may see."""
    html = await session.scalar(
        select(Message.html)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(is_visible(agent), Ticket.number == number, Message.id == message_id)
    )
    if html is None:
        raise NotFound
    content = sanitised(html, embedded=await _embedded(session, desk, agent, message_id), remote=images)
    return Response(
        PAGE.format(content), media_type="text/html", headers={"content-security-policy": policy(images)}
    )


def policy(images: bool) -> str:
    return (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox; "
        f"img-src data:{' https: http:' if images else ''}"
    )


def sanitised(html: str, *, embedded: Mapping[str, str], remote: bool) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_addresses(embedded, remote),
        # A scheme is allowed for every attribute at once, so the filter above has the last word on `data:`.
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        filter_style_properties=STYLES,
    )


def _addresses(embedded: Mapping[str, str], remote: bool) -> Callable[[str, str, str], str | None]:
    def allowed(tag: str, attribute: str, value: str) -> str | None:
        scheme = re.sub(r"[\x00-\x20]", "", value).partition(":")[0].lower()
        if attribute == "src":
            if scheme == "cid":
                return embedded.get(value.strip()[4:])
            if scheme == "data":
                return value if DATA_PICTURE.match(value.strip()) else None
            return value if remote and scheme in {"http", "https"} else None
        if attribute == "href":
            return value if scheme in {"http", "https", "mailto", "tel"} else None
        if attribute == "style":
            return None if RISKY_STYLE.search(value) else value
        return value

    return allowed


async def _embedded(session: AsyncSession, desk: Desk, agent: Agent, message_id: int) -> dict[str, str]:
    """Pictures of this message by their content id, as `data:` addresses."""
    rows: list[Any] = list(
        await session.execute(
            select(Attachment.content_id, Attachment.content_type, Attachment.key, Attachment.size).where(
                Attachment.message_id == message_id,
                Attachment.content_id.is_not(None),
                Attachment.content_type.in_(PICTURES),
            )
        )
    )
    found: dict[str, str] = {}
    room = MOST_EMBEDDED
    for content_id, content_type, key, size in rows:
        room -= size
        if room >= 0:
            content = base64.b64encode(await desk.files.get(key)).decode()
            found[content_id] = f"data:{content_type};base64,{content}"
    return found
