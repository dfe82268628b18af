"""A ticket's panes: everything that stands around its thread, and the answer to whoever changed it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from litestar import Request, Response
from litestar.response import Redirect
from sqlalchemy import Row, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action, is_visible, may
from helpdesk.events import Event
from helpdesk.patience import outlook
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.search.values import WORDS
from helpdesk.statements import AnySelect, as_list, once
from helpdesk.tickets import Priority, Ticket, TicketRead
from web.assistant import beside as assistant
from web.console import arrivals, beside, panel, proposals, readings, thread, timeline, visitors
from web.console.patience_words import ahead
from web.console.shell import Named
from web.console.thread import AnyRow
from web.console.timeline import Known, Line
from web.pages import Page
from web.words import priority_name

PAST = 4


@dataclass(frozen=True)
class Draft:
    """What the composer starts with."""

    text: str = ""
    note: str = ""
    mode: str = "reply"
    suggestion_id: int | None = None
    news: list[Any] = field(default_factory=list)
    """Said by others since the author looked; set when sending was refused for it."""
    seen: int | None = None
    focus: bool = False


@dataclass(frozen=True)
class Undo:
    """What takes back the change that was just made, offered for ten seconds."""

    words: str
    icon: str
    path: str
    """Below the ticket's own address."""
    method: str = "delete"
    values: dict[str, str] = field(default_factory=dict)


async def work(
    session: AsyncSession, agent: Agent, ticket: Ticket, *, draft: Draft | None = None, whole: bool = False
) -> dict[str, Any]:
    """Everything that a ticket's panes show."""
    about = {"ticket": ticket.id, "contact": ticket.contact_id, "reader": agent.id}
    said, happened, (around,) = await rows(
        session, *thread.asked(ticket, timeline.LINES, whole=whole), (_around(agent), about)
    )
    found = await thread.read(session, ticket, said, happened, whole=whole)
    joined = beside.Joined(around.merges, around.sides)
    return {
        "ticket": ticket,
        "known": arrivals.Seen((ticket.happened or 0) + around.ours, around.last_event or 0),
        "visit": await visitors.line(session, ticket, found.last_outbound) if is_chat(ticket) else None,
        "thread": found,
        "told": _told,
        "can": lambda action: may(agent, Action(action), ticket),
        "panel": panel.read(around, agent),
        "joined": joined,
        "sides": await beside.sides(session, ticket, joined),
        "past": _past(around),
        "ahead": next((ahead(outlook.read(ticket, facts)) for facts in around.silence), None),
        "proposals": proposals.read(around, ticket, found),
        "assisted": assistant.read(around, ticket, found.last_inbound.id if found.last_inbound else None),
        "readings": readings.read(around, ticket, found),
        "read_words": WORDS,
        "priorities": [Named(priority, priority_name(priority)) for priority in Priority],
        "draft": draft or Draft(),
        "whole": whole,
        "read_until": around.read_until,
    }


def is_chat(ticket: Ticket) -> bool:
    return ticket.inbox.channel == "chat"


@pass_context
def _told(context: Context, event: AnyRow) -> Line:
    known = Known(
        context["directory"],
        context["registers"],
        {inbox.id: inbox.name for inbox in context["inboxes"]},
        context["ticket"].contact.name,
        context["ticket_prefix"],
    )
    return timeline.told(event, known)


@once
def _around(agent: Agent) -> AnySelect:
    """All that stands beside a thread in one statement: what is needed of it is small, and asking costs more."""
    read = select(TicketRead.seen_at).where(
        TicketRead.ticket_id == bindparam("ticket"), TicketRead.agent_id == bindparam("reader")
    )
    last = select(func.max(Event.id)).where(Event.ticket_id == bindparam("ticket"))
    return select(
        arrivals.ours().scalar_subquery().label("ours"),
        last.scalar_subquery().label("last_event"),
        *panel.lists(agent),
        *beside.lists(agent),
        *proposals.lists(),
        *assistant.lists(),
        *readings.lists(),
        as_list(_others(agent)).label("past"),
        as_list(outlook.facts(bindparam("ticket"))).label("silence"),
        read.scalar_subquery().label("read_until"),
    )


def _others(agent: Agent) -> AnySelect:
    """The same person's other tickets, newest first, as far as this agent may know of them."""
    return (
        select(Ticket.number, Ticket.subject, Ticket.category, Ticket.last_message_at)
        .where(
            is_visible(agent),
            Ticket.contact_id == bindparam("contact"),
            Ticket.id != bindparam("ticket"),
            Ticket.removed.is_(None),
        )
        .order_by(Ticket.last_message_at.desc())
        .limit(PAST)
    )


def _past(around: Row[Any]) -> list[dict[str, Any]]:
    return [{**row, "last_message_at": datetime.fromisoformat(row["last_message_at"])} for row in around.past]


async def changed(
    request: Request[Any, Any, Any],
    page: Page,
    session: AsyncSession,
    agent: Agent,
    ticket: Ticket,
    **given: Any,
) -> Response[Any]:
    """The answer to whoever changed a ticket: its panes as they are now, or the page itself for a plain form.

    `toast`: words; `undoing`: an `Undo` beside them.
    """
    if not page.is_partial:
        return Redirect(f"/tickets/{ticket.number}", status_code=303)
    await session.flush()
    draft = given.pop("draft", None)
    return page("console/tickets/_work.html", **await work(session, agent, ticket, draft=draft), **given)
