"""Replies that leave at a chosen time: changed, discarded, or sent after all."""

from typing import Annotated

from litestar import Controller, delete, patch, post
from msgspec import UNSET, Meta, UnsetType

from helpdesk import scheduling
from helpdesk.access import Action
from helpdesk.messages import Direction
from web.api.given import Given, Patch, PathId
from web.api.message_views import MessageView
from web.api.messages import Text, one, shown
from web.api.shapes import At
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentTicket, Session

REPLIES = permits(Action.reply)


class SchedulePatch(Patch):
    text: Text | UnsetType = UNSET
    send_at: Annotated[At, Meta(examples=["2030-01-31T09:00:00Z"])] | UnsetType = UNSET


class Schedules(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/schedule"
    opt = {"resource": "messages"}  # noqa: RUF012

    @patch(opt=REPLIES, summary="Change a reply for later")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        ticket: CurrentTicket,
        number: PathId,
        reply_id: PathId,
        given: Given[SchedulePatch],
    ) -> MessageView:
        """Other words, another time, or both; one that is held is scheduled again by a new time."""
        values = given.given()
        message = await one(session, ticket, reply_id, Direction.outbound)
        scheduling.reschedule(ticket, message, by=agent, at=values.get("send_at"), body=values.get("text"))
        return await shown(session, ticket, reply_id)

    @delete(opt=REPLIES, summary="Discard a reply for later", status_code=200)
    async def discard(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId, reply_id: PathId
    ) -> MessageView:
        message = await one(session, ticket, reply_id, Direction.outbound)
        scheduling.discard(ticket, message, by=agent)
        return await shown(session, ticket, reply_id)


class Releases(Controller):
    path = "/tickets/{number:int}/replies/{reply_id:int}/release"
    opt = {"resource": "messages"}  # noqa: RUF012

    @post(opt=REPLIES, summary="Send a reply for later now", status_code=200)
    async def create(
        self, session: Session, agent: CurrentAgent, ticket: CurrentTicket, number: PathId, reply_id: PathId
    ) -> MessageView:
        """Whatever the customer said since it was written."""
        message = await one(session, ticket, reply_id, Direction.outbound)
        scheduling.send_now(ticket, message, by=agent)
        return await shown(session, ticket, reply_id)
