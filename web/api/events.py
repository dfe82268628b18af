"""What happened: a ticket's timeline, and the audit."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Meta
from sqlalchemy import Select, or_, select

from helpdesk.access import Action, is_visible, reach
from helpdesk.desk import Desk
from helpdesk.events import ActorKind, Event, Kind
from helpdesk.people import Agent, Reach
from helpdesk.statements import literally, said
from helpdesk.tickets import Ticket
from web.api.answers import Listed
from web.api.given import PAGE, After, Limit, PathId, cursor, instant, resume
from web.api.shapes import At, Shape
from web.auth import opened, permits
from web.dependencies import CurrentAgent, CurrentDesk, CurrentTicket, Session

BATCH = 1_000
LINES = {"media_type": "application/x-ndjson"}
Kinds = Annotated[list[Kind] | None, QueryParameter(description="Only these; may be given several times.")]
Since = Annotated[
    datetime | None, QueryParameter(format="date-time", description="With a zone: 2026-01-31T09:00:00Z.")
]


class EventView(Shape):
    id: int
    kind: Kind
    at: At
    actor: ActorKind
    actor_id: int | None
    token_id: int | None
    """The API token by which an agent acted."""
    ticket: Annotated[int | None, Meta(examples=[42])]
    """The ticket's number."""
    message_id: int | None
    about: Annotated[str | None, Meta(examples=["contact"])]
    """What else it happened to: a kind of thing, with its id beside it."""
    about_id: int | None
    data: dict[str, Any]
    """What was and what is now, by id; never what people wrote."""

    @classmethod
    def of(cls, event: Event, number: int | None) -> "EventView":
        return cls(
            id=event.id,
            kind=event.kind,
            at=event.created_at,
            actor=event.actor,
            actor_id=event.actor_id,
            token_id=event.token_id,
            ticket=number,
            message_id=event.message_id,
            about=event.about,
            about_id=event.about_id,
            data=event.data,
        )


class TicketEvents(Controller):
    path = "/tickets/{number:int}/events"
    opt = {"resource": "events"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List what happened to a ticket")
    async def list(
        self, session: Session, ticket: CurrentTicket, number: PathId, limit: Limit = PAGE, after: After = ""
    ) -> Listed[EventView]:
        """Oldest first."""
        query = select(Event).where(Event.ticket_id == ticket.id)
        if found := resume(after, int):
            query = query.where(Event.id > found[0])
        rows = (await session.scalars(query.order_by(Event.id).limit(limit + 1))).all()
        last = rows[limit - 1].id if len(rows) > limit else None
        return Listed(
            items=[EventView.of(e, ticket.number) for e in rows[:limit]], next=cursor(last) if last else None
        )


class Audit(Controller):
    path = "/audit"
    opt = {"resource": "events"}  # noqa: RUF012

    @get(opt=permits(Action.read_audit), summary="List what happened on the desk")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        kind: Kinds = None,
        agent_id: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
        token_id: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
        since: Since = None,
        until: Since = None,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[EventView]:
        """Newest first, everything of every ticket included that the agent's role reaches."""
        query = _filtered(agent, kind, agent_id, token_id, since, until)
        if found := resume(after, int):
            query = query.where(Event.id < found[0])
        rows = (await session.execute(query.order_by(Event.id.desc()).limit(literally(limit + 1)))).all()
        last = rows[limit - 1][0].id if len(rows) > limit else None
        return Listed(items=[EventView.of(*row) for row in rows[:limit]], next=cursor(last) if last else None)

    @get("/export", opt=permits(Action.read_audit) | LINES, summary="Export what happened on the desk")
    async def export(
        self,
        request: Request[Any, Any, Any],
        agent: CurrentAgent,
        desk: CurrentDesk,
        since: Since = None,
        until: Since = None,
    ) -> Stream:
        """As JSON Lines, oldest first, however much it is."""
        session = opened(request)
        session.add(Event(Kind.audit_exported, by=agent))
        await session.commit()
        query = _filtered(agent, None, None, None, since, until)
        return Stream(_lines(desk, query), media_type="application/x-ndjson")


async def _lines(desk: Desk, query: Select[*tuple[Any, ...]]) -> AsyncIterator[bytes]:
    """Batch by batch, each a transaction of its own: a slow reader holds up nobody."""
    last = 0
    while True:
        async with desk.sessions() as session:
            rows = await session.execute(query.where(Event.id > last).order_by(Event.id).limit(BATCH))
            found = rows.all()
        if not found:
            return
        last = found[-1][0].id
        yield b"".join(msgspec.json.encode(EventView.of(*row)) + b"\n" for row in found)


def _filtered(
    agent: Agent,
    kinds: list[Kind] | None,
    agent_id: int | None,
    token_id: int | None,
    since: At | None,
    until: At | None,
) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(Event, Ticket.number).outerjoin(
        Ticket, Ticket.id == Event.ticket_id
    )
    if reach(agent) is not Reach.all:
        query = query.where(or_(Event.ticket_id.is_(None), is_visible(agent)))
    if kinds:
        query = query.where(Event.kind.in_([said(kind) for kind in kinds]))
    if agent_id is not None:
        query = query.where(Event.actor == said(ActorKind.agent), Event.actor_id == agent_id)
    if token_id is not None:
        query = query.where(Event.token_id == token_id)
    if since is not None:
        query = query.where(Event.created_at >= instant(since))
    if until is not None:
        query = query.where(Event.created_at < instant(until))
    return query
