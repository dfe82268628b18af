"""One change to many tickets: what it would be about, doing it, how far it is, and taking it back."""

import re
from typing import Any

from litestar import Controller, Request, Response, delete, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import bulk
from helpdesk.access import Action
from helpdesk.bulk import BulkChange, Verb
from helpdesk.clock import now
from helpdesk.errors import Invalid, NotFound
from helpdesk.i18n import _
from helpdesk.people import Agent
from helpdesk.snoozing import chosen
from helpdesk.tickets import NEXT_REPLY, Ticket
from helpdesk.views import Listing
from web.auth import permits
from web.console import bulk_words
from web.console.shell import Directory, Shell
from web.dependencies import CurrentAgent, Session, ThisListing, ThisPage
from web.forms import Fields, read
from web.pages import Html, Page
from web.words import zone

MOST = 1000  # ids of one selection; more is a whole view
DIGITS = re.compile(r"\d{1,18}")


class BulkForm(Fields):
    verb: Verb
    ids: str = ""
    """Tickets that were ticked, parted by spaces."""
    scope: str = "selection"
    """`view`: all of the list that the address names."""
    value: str = ""
    sure: bool = False
    """The numbers were seen."""


class NothingTicked(Invalid):
    message = _("Tick at least one ticket first; x does so for the one that is marked.")


class BulkChanges(Controller):
    path = "/bulk"

    @get(opt=permits(Action.bulk))
    async def index(self, session: Session, agent: CurrentAgent, page: ThisPage) -> Html:
        return page(
            "console/bulk/index.html",
            shell=await Shell.load(session, agent),
            directory=await Directory.load(session),
            changes=await bulk.recent(session, agent),
            words=bulk_words.told,
        )

    @get("/choices", opt=permits(Action.bulk))
    async def choices(self, session: Session, page: ThisPage) -> Html:
        """What can be done to tickets that are ticked; asked for when the first one is."""
        return page("console/bulk/_verbs.html", directory=await Directory.load(session))

    @post(opt=permits(Action.bulk), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        listing: ThisListing,
    ) -> Response[Any]:
        """Asks first where it is about a whole view, or leaves some out, or puts tickets together."""
        form = await read(request, BulkForm)
        where = _where(form, listing, agent)
        seen = await bulk.foresee(session, agent, form.verb, where=where)
        ask = form.scope == "view" or seen.changeable < seen.chosen or form.verb is Verb.merge
        if ask and not form.sure and page.is_partial and seen.changeable:
            return page("console/bulk/_ask.html", form=form, seen=seen, query=request.url.query)
        made = await bulk.begin(session, agent, form.verb, _given(form, agent, page), where=where)
        return await _told(session, page, made)

    @get("/{bulk_id:int}", opt=permits(Action.bulk))
    async def show(
        self, session: Session, agent: CurrentAgent, page: ThisPage, bulk_id: FromPath[int]
    ) -> Html:
        return page("console/bulk/_progress.html", change=await _own(session, agent, bulk_id))

    @delete("/{bulk_id:int}", opt=permits(Action.bulk), status_code=200)
    async def undo(
        self, session: Session, agent: CurrentAgent, page: ThisPage, bulk_id: FromPath[int]
    ) -> Response[Any]:
        return await _told(session, page, await bulk.undo(session, bulk_id, by=agent))


async def _told(session: AsyncSession, page: Page, made: BulkChange) -> Response[Any]:
    await session.flush()
    if not page.is_partial:
        return Redirect("/bulk", status_code=303)
    return page("console/bulk/_progress.html", change=made)


async def _own(session: AsyncSession, agent: Agent, bulk_id: int) -> BulkChange:
    made = await session.get(BulkChange, bulk_id)
    if made is None or made.agent_id != agent.id:
        raise NotFound
    return made


def _where(form: BulkForm, listing: Listing, agent: Agent) -> ColumnElement[bool]:
    if form.scope == "view":
        return listing.condition(agent)
    ids = [int(digits) for digits in DIGITS.findall(form.ids)]
    if not ids or len(ids) > MOST:
        raise NothingTicked
    return Ticket.id.in_(ids)


def _given(form: BulkForm, agent: Agent, page: Page) -> dict[str, Any]:
    """What the verb needs, of what was pressed."""
    number = (
        int(form.value) if form.value.isascii() and form.value.isdigit() and len(form.value) < 19 else None
    )
    match form.verb:
        case Verb.assign:
            return {"agent": agent.id if form.value == "me" else number}
        case Verb.team | Verb.status | Verb.type:
            return {form.verb.value: number}
        case Verb.priority:
            return {"priority": form.value}
        case Verb.tag | Verb.untag:
            return {"tags": [name.strip() for name in form.value.split(",") if name.strip()]}
        case Verb.snooze:
            until = chosen(form.value, now(), zone(agent.time_zone))
            return {"until": None if until == NEXT_REPLY else until.isoformat()}
        case Verb.merge:
            return {"into": page.typed_number(form.value) or 0}
    return {}
