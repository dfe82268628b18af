"""The bell: what an agent should hear of, newest first, and what of it is new."""

from datetime import timedelta
from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from helpdesk import notifications
from helpdesk.access import Action, is_visible
from helpdesk.clock import now
from helpdesk.events import ActorKind, Event
from helpdesk.i18n import gettext
from helpdesk.notifications import Notification, Reason, Way
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from web.auth import current_session, permits
from web.console.shell import Shell
from web.dependencies import CurrentAgent, Session, ThisPage
from web.pages import Html, Page

SHOWN = 40
MOST_NEWS = 5
LATELY = timedelta(minutes=5)
"""What is older than this was slept through: the bell has it."""


class Notices(Controller):
    path = "/notices"

    @get(opt=permits(Action.signed_in))
    async def index(
        self,
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        before: FromQuery[int | None] = None,
    ) -> Html:
        """Only what they may still see: a ticket that went to another team takes its notices along."""
        query = _told(agent).where(Notification.in_app).order_by(Notification.id.desc()).limit(SHOWN + 1)
        if before is not None:
            query = query.where(Notification.id < before)
        found: list[dict[str, Any]] = [
            {
                "row": row,
                "words": notifications.told(
                    row.reason, colleague or contact or gettext("The desk"), row.event
                ),
            }
            for row, colleague, contact in await session.execute(query)
        ]
        more = found[SHOWN - 1]["row"].id if len(found) > SHOWN else None
        name = "notices/_list.html" if page.asks_for("notices") else "notices/index.html"
        return page(name, notices=found[:SHOWN], more=more, shell=await Shell.load(session, agent))

    @get("/bell", opt=permits(Action.signed_in))
    async def bell(self, page: ThisPage) -> Html:
        return page("console/_bell.html", here="")

    @get("/news", opt=permits(Action.signed_in))
    async def news(
        self, session: Session, agent: CurrentAgent, page: ThisPage, after: FromQuery[int | None] = None
    ) -> dict[str, Any]:
        """What a browser shows on the desktop or lets be heard: lately, not seen yet, and not told before.

        Without `after` only how far it goes, so that a browser that is new here begins with what comes.
        """
        upto = await session.scalar(
            select(func.coalesce(func.max(Notification.id), 0)).where(Notification.agent_id == agent.id)
        )
        query = (
            _told(agent)
            .where(
                Notification.id > (after or 0),
                Notification.read_at.is_(None),
                Notification.created_at > now() - LATELY,
                or_(Notification.reason != Reason.chat, Ticket.assignee_id.is_(None)),
            )
            .order_by(Notification.id)
            .limit(MOST_NEWS)
        )
        found = [] if after is None else (await session.execute(query)).all()
        news = [_news(page, agent, row, colleague or contact) for row, colleague, contact in found]
        return {"upto": upto, "news": [each for each in news if each["desktop"] or each["sound"]]}

    @post("/read", opt=permits(Action.signed_in))
    async def read_all(
        self, request: Request[Any, Any, Any], session: Session, agent: CurrentAgent
    ) -> Response[Any]:
        await notifications.mark_read(session, agent)
        return _back(request)

    @post("/{notice_id:int}/open", opt=permits(Action.signed_in))
    async def follow(self, notice_id: FromPath[int], session: Session, agent: CurrentAgent) -> Response[Any]:
        """To the ticket; the notice is read with it."""
        number = await session.scalar(
            select(Ticket.number)
            .join(Notification, Notification.ticket_id == Ticket.id)
            .where(Notification.id == notice_id, Notification.agent_id == agent.id)
        )
        await notifications.mark_read(session, agent, ids=[notice_id])
        return Redirect(f"/tickets/{number}" if number else "/notices", status_code=303)


def _told(agent: Agent) -> Select[Notification, str, str]:
    """With the names of whoever did it: an agent, or a contact."""
    return (
        select(Notification, Agent.name, Contact.name)
        .join(Ticket, Ticket.id == Notification.ticket_id)
        .join(Event, Event.id == Notification.event_id)
        .outerjoin(Agent, (Event.actor == ActorKind.agent) & (Agent.id == Event.actor_id))
        .outerjoin(Contact, (Event.actor == ActorKind.contact) & (Contact.id == Event.actor_id))
        .where(Notification.agent_id == agent.id, is_visible(agent))
        .options(joinedload(Notification.ticket), joinedload(Notification.event))
    )


def _news(page: Page, agent: Agent, row: Notification, who: str | None) -> dict[str, Any]:
    by = notifications.wanted(agent, row.reason)
    subject = row.ticket.subject or gettext("No subject")
    return {
        "number": row.ticket.number,
        "title": notifications.told(row.reason, who or gettext("The desk"), row.event),
        "body": f"{page.ticket_number(row.ticket.number)} {subject}",
        "desktop": Way.desktop in by,
        "sound": Way.sound in by,
    }


def _back(request: Request[Any, Any, Any]) -> Response[Any]:
    """To the list; htmx goes there by itself."""
    found = current_session(request)
    if found and "hx-request" in request.headers:
        return Response("", status_code=204, headers={"hx-redirect": "/notices"})
    return Redirect("/notices", status_code=303)
