"""What tests of webhooks look at: what was delivered, and what stands in the log."""

from sqlalchemy import select

from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event, Kind
from helpdesk.webhooks import Delivery, State, Webhook
from tests.workers.receivers import Receiver
from workers.dispatch import dispatch_batch

BOTH = ("ticket.created", "message.received")


async def dispatched(desk: Desk) -> None:
    async with committed(desk.sessions) as session:
        while await dispatch_batch(session):
            pass


async def deliveries(desk: Desk, webhook: Webhook) -> list[Delivery]:
    async with desk.sessions() as session:
        query = select(Delivery).where(Delivery.webhook_id == webhook.id).order_by(Delivery.id)
        return list(await session.scalars(query))


async def fresh(desk: Desk, webhook: Webhook) -> Webhook:
    async with desk.sessions() as session:
        return await session.get_one(Webhook, webhook.id)


async def all_taken(desk: Desk, webhook: Webhook, number: int) -> bool:
    return [d.state for d in await deliveries(desk, webhook)] == [State.delivered] * number


async def counted(there: Receiver, number: int) -> bool:
    return len(there.received) >= number


async def kinds_about(desk: Desk, webhook: Webhook) -> list[Kind]:
    async with desk.sessions() as session:
        query = select(Event.kind).where(Event.about == "webhook", Event.about_id == webhook.id)
        return list(await session.scalars(query.order_by(Event.id)))
