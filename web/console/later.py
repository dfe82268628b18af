"""Replies that leave at a chosen time: changing, discarding, and sending them after all."""

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, delete, post
from litestar.params import FromPath
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import macros, scheduling
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import NotFound
from helpdesk.i18n import gettext
from helpdesk.messages import Message
from helpdesk.people import Agent
from helpdesk.snoozing import Preset, offers
from helpdesk.tickets import Ticket
from web.auth import permits
from web.console.workplace import Draft, changed
from web.dependencies import CurrentAgent, CurrentTicket, Session, ThisPage
from web.forms import Fields, read
from web.words import zone


class LaterForm(Fields):
    later: str = ""
    """A preset's name."""
    at: str = ""
    """A local time; counts where no preset was pressed."""
    body: str | None = None


def chosen_time(agent: Agent, preset: str, at: str) -> datetime:
    """The instant that a press on a preset, or a local time in the agent's own zone, means; raises BadTime."""
    here = zone(agent.time_zone)
    for offer in offers(now(), here):
        if offer.preset == preset and offer.preset is not Preset.next_reply:
            return offer.until
    try:
        local = datetime.fromisoformat(at)
    except ValueError:
        raise scheduling.BadTime from None
    return local if local.tzinfo else local.replace(tzinfo=here)


class Schedules(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/schedule"

    @post(opt=permits(Action.reply), status_code=200)
    async def change(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        reply_id: FromPath[int],
    ) -> Response[Any]:
        """Other words, another time, or both."""
        form = await read(request, LaterForm)
        message = await _reply(session, ticket, reply_id)
        at = chosen_time(agent, form.later, form.at) if form.later or form.at else None
        scheduling.reschedule(ticket, message, by=agent, at=at, body=form.body)
        return await changed(request, page, session, agent, ticket, toast=gettext("Changed."))

    @delete(opt=permits(Action.reply), status_code=200)
    async def discard(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        reply_id: FromPath[int],
    ) -> Response[Any]:
        """Its words go back into the composer."""
        message = await _reply(session, ticket, reply_id)
        scheduling.discard(ticket, message, by=agent)
        draft = Draft(text=message.text, focus=True)
        return await changed(request, page, session, agent, ticket, draft=draft)


class Releases(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/release"

    @post(opt=permits(Action.reply), status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        page: ThisPage,
        ticket: CurrentTicket,
        reply_id: FromPath[int],
    ) -> Response[Any]:
        """Now, whatever was said in between."""
        message = await _reply(session, ticket, reply_id)
        scheduling.send_now(ticket, message, by=agent)
        await macros.apply_waiting(session, ticket, message, by=agent)
        return await changed(request, page, session, agent, ticket, toast=gettext("It is on its way."))


async def _reply(session: AsyncSession, ticket: Ticket, reply_id: int) -> Message:
    """Locked: whoever lets it go must not do so at the same moment."""
    query = select(Message).where(Message.id == reply_id, Message.ticket_id == ticket.id)
    message = await session.scalar(query.with_for_update())
    if message is None:
        raise NotFound
    return message
