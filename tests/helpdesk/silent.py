"""Customers who fall silent in tests: an inbox that waits for them, tickets that were answered, a worker's round."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from helpdesk import patience
from helpdesk.database import committed
from helpdesk.events import Event, Kind
from helpdesk.inboxes import Inbox
from helpdesk.messages import Delivery, Message
from helpdesk.patience import Done, Outlook, Patience, Terms
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail

DAY = timedelta(days=1)
TERMS = Terms(remind_days=3, remind_text="Hello {{contact.first_name|there}}?", resolve_days=7, close_days=30)


async def waits(scene: Scene, terms: Terms = TERMS, *, past: bool = True, **other: Any) -> Patience:
    """The inbox's terms; all that waits counts, unless the test says otherwise."""
    values = {name: getattr(terms, name) for name in terms.__dataclass_fields__}
    async with committed(scene.desk.sessions) as session:
        inbox = await session.get_one(Inbox, scene.inbox.id)
        given = Terms(**{**values, "past_too": past, "per_hour": 3600} | other)
        return await patience.keep(session, inbox, given, by=scene.agents["Ada"])


async def answered(scene: Scene, **rest: Any) -> Ticket:
    """A customer has asked and was answered; what was said has left."""
    ticket = await scene.receives(mail(**rest))
    await scene.replies(ticket)
    await delivered(scene)
    return await scene.ticket(ticket.id)


async def delivered(scene: Scene, state: Delivery = Delivery.sent) -> None:
    async with committed(scene.desk.sessions) as session:
        await session.execute(
            update(Message).where(Message.delivery == Delivery.queued).values(delivery=state)
        )


async def passes(scene: Scene) -> Done:
    """What a worker does in one round of this inbox."""
    async with committed(scene.desk.sessions) as session:
        if scene.inbox.id not in await patience.due_inboxes(session):
            return Done()
    async with committed(scene.desk.sessions) as session:
        return await patience.act(session, scene.inbox.id)


async def ahead(scene: Scene, ticket: Ticket) -> Outlook | None:
    async with scene.desk.sessions() as session:
        return await patience.look_ahead(session, await scene.ticket(ticket.id, session))


async def told(scene: Scene, ticket: Ticket, kind: Kind) -> list[dict[str, Any]]:
    async with scene.desk.sessions() as session:
        query = select(Event.data).where(Event.ticket_id == ticket.id, Event.kind == kind).order_by(Event.id)
        return list(await session.scalars(query))
