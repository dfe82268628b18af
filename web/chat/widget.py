"""The script that a site includes, and the frame that it opens."""

import base64
import json
from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, FromQuery
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, i18n
from helpdesk.access import Action
from helpdesk.errors import NotFound
from helpdesk.fields import Subject
from helpdesk.i18n import gettext
from web.auth import permits
from web.chat.inbox import LANGUAGE, OpenChat, opened
from web.chat.wording import frame_words
from web.dependencies import Session, ThisPage
from web.pages import Html
from web.portal.hosts import origin

PUBLIC = permits(Action.public)
SHORT = "public, max-age=300"


class Widget(Controller):
    path = "/chat/{public_id:str}"

    @get("/widget.js", opt=PUBLIC)
    async def loader(
        self,
        request: Request[Any, Any, Any],
        public_id: FromPath[str],
        lang: FromQuery[str] = "",
    ) -> Response[bytes]:
        """Settings and script in one, so that the site waits for one request."""
        found = await opened(request, public_id)
        if LANGUAGE.fullmatch(lang[:20]):
            i18n.speak(lang[:20])
        script: bytes = request.app.state.assets.files["widget/loader.js"].content
        given = json.dumps(
            {
                "frame": f"{origin(request)}/chat/{public_id}/frame",
                "accent": found.settings.accent,
                "side": found.settings.side,
                "launcher": found.settings.launcher,
                "open": gettext("Open the chat"),
                "close": gettext("Close the chat"),
                "title": found.title,
                "unread": gettext("unread messages"),
            }
        )
        headers = {
            "cache-control": SHORT,
            "cross-origin-resource-policy": "cross-origin",
            "vary": "accept-language",
        }
        content = b"(() => {\nconst chat = " + given.encode() + b";\n" + script + b"})();\n"
        return Response(content, media_type="text/javascript", headers=headers)

    @get("/frame", opt=PUBLIC)
    async def frame(
        self,
        session: Session,
        page: ThisPage,
        public_id: FromPath[str],
        lang: FromQuery[str] = "",
    ) -> Html:
        found = await opened(page.request, public_id)
        language = lang[:20] if LANGUAGE.fullmatch(lang[:20]) else _preferred(page.request)
        i18n.speak(language)
        answer = page(
            "chat/frame.html",
            chat=found,
            language=i18n.spoken(),
            direction=i18n.direction(i18n.spoken()),
            given=await frame_settings(session, found, language),
        )
        answer.headers["content-security-policy"] = found.policy
        answer.headers["cross-origin-resource-policy"] = "cross-origin"
        answer.headers["x-robots-tag"] = "noindex"
        return answer

    @get("/logo", opt=PUBLIC)
    async def logo(self, request: Request[Any, Any, Any], public_id: FromPath[str]) -> Response[bytes]:
        found = await opened(request, public_id)
        head, _comma, content = found.settings.logo.partition(";base64,")
        if not content:
            raise NotFound
        headers = {"cache-control": SHORT, "content-security-policy": "default-src 'none'; sandbox"}
        return Response(base64.b64decode(content), media_type=head.removeprefix("data:"), headers=headers)


async def frame_settings(session: AsyncSession, found: OpenChat, language: str) -> dict[str, Any]:
    settings, base = found.settings, f"/chat/{found.inbox.public_id}"
    keys = settings.ask_fields.split()
    asks = [each for each in await fields.load(session, Subject.ticket) if each.key in keys] if keys else []
    return {
        "base": base,
        "accent": settings.accent,
        "title": found.title,
        "greeting": settings.greeting or gettext("Hello! How can we help?"),
        "reply": settings.reply_time,
        "logo": f"{base}/logo" if settings.logo else "",
        "name": settings.ask_name,
        "email": settings.ask_email,
        "fields": [
            {
                "key": each.key,
                "name": each.name,
                "kind": each.kind.value,
                "choices": each.choices,
                "hint": each.hint,
                "required": each.required,
            }
            for each in asks
        ],
        "anonymous": settings.anonymous,
        "files": settings.files,
        "articles": settings.articles,
        "rating": settings.rating,
        "sound": settings.sound,
        "puzzle": settings.puzzle != "off",
        "proves": bool(settings.mail_through),
        "language": language,
        "words": frame_words(),
    }


def _preferred(request: Request[Any, Any, Any]) -> str:
    first = request.headers.get("accept-language", "en").split(",")[0].split(";")[0].strip()[:20]
    return first if LANGUAGE.fullmatch(first) else "en"
