"""Waiting customers: how long an inbox waits, what it tells them, and how late an answer belongs to its ticket."""

from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields, options, patience
from helpdesk.access import Action
from helpdesk.calendars import Calendar
from helpdesk.errors import Invalid, NotFound
from helpdesk.fields import Subject
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.macros import placeholders
from helpdesk.patience import Foretold, Patience, Terms, wording
from helpdesk.patience.terms import BadDays
from web.auth import permits
from web.dependencies import CurrentAgent, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, done
from web.words import span

DONE |= {
    "waiting": _("Saved. A worker looks every few seconds."),
    "waiting-off": _("Saved. Nothing happens by itself in this inbox."),
}
MAY = permits(Action.manage_inboxes)
Days = Annotated[str, Meta(max_length=6)]
"""Empty: it does not happen."""
Words = Annotated[str, Meta(max_length=20_000)]


class WaitingForm(Fields):
    remind_days: Days = ""
    remind_text: Words = ""
    resolve_days: Days = ""
    resolve_text: Words = ""
    close_days: Days = ""
    reopen_days: Days = ""
    per_hour: Annotated[int, Meta(ge=1, le=3_600)] = patience.PACE
    calendar: Annotated[str, Meta(max_length=19)] = ""
    whom: Literal["new", "all"] = "new"

    def terms(self) -> Terms:
        """Raises Invalid."""
        return Terms(
            remind_days=_days(self.remind_days),
            remind_text=self.remind_text,
            resolve_days=_days(self.resolve_days),
            resolve_text=self.resolve_text,
            close_days=_days(self.close_days),
            reopen_days=_days(self.reopen_days),
            per_hour=self.per_hour,
            calendar_id=_number(self.calendar),
            past_too=self.whom == "all",
        )


class Waiting(Controller):
    path = "/settings/inboxes/{inbox_id:int}/waiting"

    @get(opt=MAY)
    async def show(self, session: Session, settings: ThisSettings, inbox_id: FromPath[int]) -> Html:
        inbox = await _inbox(session, inbox_id)
        terms = await patience.of(session, inbox)
        calendars = await session.execute(select(Calendar.id, Calendar.name).order_by(Calendar.name))
        named = [
            (f"{subject.value}.fields.{field.key}", field.name)
            for subject in Subject
            for field in await fields.load(session, subject)
        ]
        return await settings(
            "settings/inboxes/waiting.html",
            inbox=inbox,
            terms=terms,
            proposed={"remind": wording.proposed_reminder(), "resolve": wording.proposed_ending()},
            **(_seen(await patience.foretell(session, terms), terms) if terms.acts else {"seen": None}),
            calendars=[("", _("At any time")), *((str(row.id), row.name) for row in calendars)],
            placeholders=placeholders.offered(named),
        )

    @post(opt=MAY)
    async def save(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent, inbox_id: FromPath[int]
    ) -> Response[Any]:
        inbox = await _inbox(session, inbox_id)
        kept = await patience.keep(session, inbox, (await read(request, WaitingForm)).terms(), by=agent)
        said = "waiting" if kept.acts else "waiting-off"
        return done(request, f"/settings/inboxes/{inbox.id}/waiting", said)

    @post("/preview", opt=MAY, status_code=200)
    async def preview(
        self, request: Request[Any, Any, Any], session: Session, page: ThisPage, inbox_id: FromPath[int]
    ) -> Html:
        """What would happen on the terms in the form, and how its texts read; nothing is kept."""
        inbox = await _inbox(session, inbox_id)
        try:
            terms = (await read(request, WaitingForm)).terms()
            with session.no_autoflush:
                proposed = await patience.proposed(session, inbox, terms)
                seen = await patience.foretell(session, proposed)
        except Invalid as error:
            return page("settings/inboxes/_waiting_preview.html", problem=str(error), seen=None)
        desk = (await options.load(session)).desk_name
        texts = [
            wording.example(text, inbox=inbox.name, desk=desk).text if days and text else ""
            for days, text in (
                (proposed.remind_days, proposed.remind_text),
                (proposed.resolve_days, proposed.resolve_text),
            )
        ]
        return page("settings/inboxes/_waiting_preview.html", **_seen(seen, proposed), texts=texts)


def _seen(found: Foretold, terms: Patience) -> dict[str, Any]:
    hours = found.paced / terms.per_hour
    return {
        "seen": found,
        "pace": terms.per_hour,
        "takes": span(hours * 3600) if hours > 1 else "",
        "problem": "",
    }


async def _inbox(session: AsyncSession, number: int) -> Inbox:
    if (found := await session.get(Inbox, number)) is None:
        raise NotFound
    return found


def _days(given: str) -> int | None:
    if not (given := given.strip()):
        return None
    if not (given.isascii() and given.isdigit()):
        raise BadDays
    return int(given)


def _number(given: str) -> int | None:
    if not given.strip():
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise patience.NoSuchCalendar
    return int(given)
