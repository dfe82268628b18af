"""Two tickets that are one matter, one ticket that is two, and how that is taken back."""

from datetime import datetime

from litestar import Controller, delete, get, post

from helpdesk import merging
from helpdesk.access import Action, visible_tickets
from helpdesk.errors import NotFound
from helpdesk.merging import MergeKind
from helpdesk.tickets import Ticket
from web.api.answers import Listed
from web.api.given import Given, Id, Line, PathId, Sent
from web.api.partaking import Number
from web.api.shapes import Shape
from web.api.ticket_views import TicketView, view
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session


class NewMerge(Sent):
    into: Number
    copy_requester: bool = False
    """This ticket's requester is in copy of the other's answers from now on."""


class MergeView(Shape):
    id: int
    kind: MergeKind
    source: Number
    target: Number
    created_at: datetime


class NewSplit(Sent):
    message: Id
    subject: Line = ""


class Merges(Controller):
    path = "/tickets/{number:int}/merges"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @get(opt=permits(Action.read), summary="List what was merged into a ticket")
    async def list(self, session: Session, ticket: CurrentTicket, number: PathId) -> Listed[MergeView]:
        """And what was split off it: everything that can be undone."""
        rows = await merging.standing_merges(session, ticket)
        made = [
            MergeView(
                id=row.id,
                kind=row.kind,
                source=row.source_number,
                target=row.target_number,
                created_at=row.created_at,
            )
            for row in rows
        ]
        return Listed(items=made)

    @post(opt=permits(Action.merge), summary="Merge a ticket into another", status_code=200)
    async def create(
        self, session: Session, agent: CurrentAgent, number: PathId, given: Given[NewMerge]
    ) -> TicketView:
        """Its messages go to the other, with their times and authors. Answers the other."""
        made = await merging.merge(session, number, given.into, by=agent, copy_requester=given.copy_requester)
        return await view(session, await session.get_one(Ticket, made.target_id))

    @delete("/{merge_id:int}", opt=permits(Action.merge), summary="Undo a merge or a split", status_code=200)
    async def undo(
        self, session: Session, agent: CurrentAgent, number: PathId, merge_id: PathId
    ) -> TicketView:
        """Both are as they were. Answers the ticket that is alive again, or the one that has its message back."""
        done = await session.get(merging.TicketMerge, merge_id)
        seen = visible_tickets(agent).where(Ticket.number == number)
        ticket = await session.scalar(seen)
        if done is None or ticket is None or ticket.id not in {done.source_id, done.target_id}:
            raise NotFound
        undo = merging.unmerge if done.kind is MergeKind.merge else merging.unsplit
        await undo(session, merge_id, by=agent)
        return await view(session, await session.get_one(Ticket, done.source_id))


class Splits(Controller):
    path = "/tickets/{number:int}/splits"
    opt = {"resource": "tickets"}  # noqa: RUF012

    @post(opt=permits(Action.merge), summary="Make a message a ticket of its own")
    async def create(
        self, session: Session, agent: CurrentAgent, number: PathId, given: Given[NewSplit]
    ) -> TicketView:
        made = await merging.split(session, number, given.message, by=agent, subject=given.subject)
        return await view(session, await session.get_one(Ticket, made.target_id))
