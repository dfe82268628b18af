"""What the token's agent should hear of, as the bell of the console shows it."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import QueryParameter
from msgspec import Meta
from sqlalchemy import select

from helpdesk import notifications
from helpdesk.access import Action, is_visible
from helpdesk.notifications import Notification, Reason
from helpdesk.tickets import Ticket
from web.api.answers import Listed
from web.api.given import PAGE, After, Given, Id, Limit, Sent, cursor, resume
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, Session

MINE = permits(Action.signed_in)


class NotificationView(Shape):
    id: int
    reason: Reason
    ticket: Annotated[int, Meta(examples=[42])]
    subject: str
    created_at: At
    read_at: At | None


class Seen(Sent):
    ids: Annotated[list[Id], Meta(max_length=1_000, examples=[[7]])] | None = None
    """Left out: all of them."""


class SeenView(Shape):
    marked: int
    unread: int


class Notifications(Controller):
    path = "/me/notifications"
    opt = {"resource": "agents"}  # noqa: RUF012

    @get(opt=MINE, summary="List one's notifications")
    async def list(
        self,
        session: Session,
        agent: CurrentAgent,
        unread: Annotated[bool, QueryParameter(description="Only new ones.")] = False,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[NotificationView]:
        """Newest first; of tickets that the agent may still see."""
        query = (
            select(Notification, Ticket.number, Ticket.subject)
            .join(Ticket, Ticket.id == Notification.ticket_id)
            .where(Notification.agent_id == agent.id, Notification.in_app, is_visible(agent))
            .order_by(Notification.id.desc())
            .limit(limit + 1)
        )
        if unread:
            query = query.where(Notification.read_at.is_(None))
        if found := resume(after, int):
            query = query.where(Notification.id < found[0])
        rows = (await session.execute(query)).all()
        items = [
            NotificationView(
                id=row.id,
                reason=row.reason,
                ticket=number,
                subject=subject,
                created_at=row.created_at,
                read_at=row.read_at,
            )
            for row, number, subject in rows[:limit]
        ]
        return Listed(items=items, next=cursor(items[-1].id) if len(rows) > limit else None)

    @post("/read", opt=MINE, summary="Mark notifications as read", status_code=200)
    async def read(self, session: Session, agent: CurrentAgent, given: Given[Seen]) -> SeenView:
        """Those that are named, or all; ids of others' are left alone."""
        marked = await notifications.mark_read(session, agent, ids=given.ids)
        return SeenView(marked=marked, unread=await notifications.unread(session, agent))
