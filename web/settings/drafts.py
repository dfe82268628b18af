"""Drafts: what became of them, and how they begin and end."""

from datetime import timedelta
from typing import Annotated, Any

from babel import Locale
from litestar import Controller, Request, Response, get, post
from litestar.params import FromQuery
from msgspec import Meta
from sqlalchemy import select

from ai.courtesy import CATALOGUE, courtesy
from ai.drafting import tone
from ai.drafting.figures import figures
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from web.auth import permits
from web.dependencies import CurrentAgent, Session
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done

HOME = "/settings/drafts"
TONE = f"{HOME}/tone"
DONE |= {"tone": _("Saved. The next drafts begin and end like this.")}
PERIODS = (7, 30, 90, 365)  # days
Line = Annotated[str, Meta(max_length=4 * tone.LONGEST)]


class ToneForm(Fields):
    inbox: Annotated[str, Meta(pattern="^[0-9]{0,18}$")] = ""
    language: Annotated[str, Meta(max_length=12)] = ""
    greeting: Line = ""
    anonymous: Line = ""
    offer: Line = ""
    closing: Line = ""
    signature: Line = ""


class Drafts(Controller):
    path = HOME

    @get(opt=permits(Action.report))
    async def index(
        self, session: Session, agent: CurrentAgent, settings: ThisSettings, days: FromQuery[int] = 30
    ) -> Html:
        days = days if days in PERIODS else 30
        found = await figures(session, agent, now() - timedelta(days=days))
        return await settings("settings/drafts/index.html", found=found, days=days, periods=PERIODS)


class Tones(Controller):
    path = TONE

    @get(opt=permits(Action.manage_desk))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        settings: ThisSettings,
        inbox: FromQuery[str] = "",
        language: FromQuery[str] = "en",
    ) -> Html:
        """One inbox and one language at a time, with what stands where nothing is written."""
        inboxes = (await session.execute(select(Inbox.id, Inbox.name).order_by(Inbox.name))).all()
        chosen = inbox if inbox in {str(row.id) for row in inboxes} else ""
        language = language if language in CATALOGUE or not language else "en"
        own = await tone.tones(session)
        mine = next((t for t in own if str(t.inbox_id or "") == chosen and t.language == language), None)
        names = {row.id: row.name for row in inboxes}
        return await settings(
            "settings/drafts/tone.html",
            inboxes=[("", _("Every inbox")), *((str(row.id), row.name) for row in inboxes)],
            languages=[
                ("", _("Every language")),
                *((code, language_name(code, agent.locale)) for code in CATALOGUE),
            ],
            inbox=chosen,
            language=language,
            mine=mine,
            usual=courtesy(language or "en"),
            lines=tone.LINES,
            own=[
                (t, names.get(t.inbox_id) if t.inbox_id else None, language_name(t.language, agent.locale))
                for t in own
            ],
        )

    @post(opt=permits(Action.manage_desk))
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        form = await read(request, ToneForm)
        inbox = await session.get(Inbox, int(form.inbox)) if form.inbox else None
        if form.inbox and inbox is None:
            raise NotFound
        lines = {line: getattr(form, line) for line in tone.LINES}
        await tone.keep(session, inbox.id if inbox else None, form.language, lines, by=agent)
        return done(request, f"{TONE}?inbox={form.inbox}&language={form.language}", "tone")


def language_name(code: str, locale: str) -> str:
    """In the agent's own language."""
    names = Locale.parse(locale.replace("-", "_")).languages
    return str(names.get(code, code)) if code else ""


ROUTES: list[Any] = [Drafts, Tones]
