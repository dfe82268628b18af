"""Sends what webhooks are to be told: each endpoint by a task of its own, in order, at least once.

Whoever sends to an endpoint holds it for a while (`busy_until`), so that one at a time does, in however many
processes. Who dies leaves it held and undelivered: when that time is over somebody sends again, with the same id.
"""

import asyncio
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import ColumnElement, and_, delete, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import webhooks
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.i18n import gettext
from helpdesk.webhooks import Delivery, Secrets, State, Webhook
from workers.wakeup import Bell

LOOK = 2.0  # seconds between looks for what is due again
HOLD = timedelta(seconds=30)  # longer than AT_WORK and one attempt
AT_WORK = 15.0  # seconds after which no further attempt is begun before holding it anew
BATCH = 20
TIDY = 3_600.0  # seconds
TIDIED = 5_000  # rows at once

log = structlog.get_logger(__name__)


class Posting:
    """Everything of one process."""

    def __init__(self, desk: Desk, bell: Bell) -> None:
        self.desk, self.bell = desk, bell
        self._at_work: dict[int, asyncio.Task[None]] = {}
        self._tidied_at = 0.0

    async def run(self) -> None:
        """Until it is cancelled; what is being sent then is sent again by whoever comes next."""
        try:
            while True:
                for webhook_id in await self._due():
                    if webhook_id not in self._at_work:
                        self._start(webhook_id)
                await self._tidy()
                await self.bell.wait(LOOK)
        finally:
            for task in self._at_work.values():
                task.cancel()
            if self._at_work:
                await asyncio.wait(self._at_work.values())

    def _start(self, webhook_id: int) -> None:
        task = asyncio.create_task(serve(self.desk, webhook_id))
        self._at_work[webhook_id] = task
        task.add_done_callback(lambda done: self._done(webhook_id, done))

    def _done(self, webhook_id: int, task: asyncio.Task[None]) -> None:
        del self._at_work[webhook_id]
        if not task.cancelled() and (error := task.exception()):
            log.error("webhook not served", webhook=webhook_id, exc_info=error)
        else:
            self.bell.ring()  # more may have come in while it ended

    async def _due(self) -> list[int]:
        async with self.desk.sessions() as session:
            return list(await session.scalars(select(Webhook.id).where(_is_due(), _is_free())))

    async def _tidy(self) -> None:
        """The log goes back a month."""
        if self._tidied_at and monotonic() - self._tidied_at < TIDY:
            return
        self._tidied_at = monotonic()
        async with committed(self.desk.sessions) as session:
            await tidy(session)


def _is_due() -> ColumnElement[bool]:
    waits = exists().where(
        Delivery.webhook_id == Webhook.id, Delivery.state == State.queued, Delivery.next_at <= now()
    )
    return and_(Webhook.active, or_(Webhook.retry_at.is_(None), Webhook.retry_at <= now()), waits)


def _is_free() -> ColumnElement[bool]:
    return or_(Webhook.busy_until.is_(None), Webhook.busy_until <= now())


async def serve(desk: Desk, webhook_id: int) -> None:
    """Send to one endpoint until nothing is due, or it fails."""
    while held := await _held(desk, webhook_id):
        batch, until = held
        began = monotonic()
        for delivery_id in batch:
            if monotonic() - began > AT_WORK or not await attempt(desk, webhook_id, delivery_id):
                break
        await _let_go(desk, webhook_id, until)


async def _held(desk: Desk, webhook_id: int) -> tuple[list[int], datetime] | None:
    """Hold the endpoint, and make the bodies of what is due, the oldest first. None where nothing is to be done."""
    async with committed(desk.sessions) as session:
        webhook = await session.scalar(
            select(Webhook)
            .where(Webhook.id == webhook_id, _is_due(), _is_free())
            .with_for_update(skip_locked=True)
        )
        if webhook is None:
            return None
        due = list(
            await session.scalars(
                select(Delivery)
                .where(
                    Delivery.webhook_id == webhook_id,
                    Delivery.state == State.queued,
                    Delivery.next_at <= now(),
                )
                .order_by(Delivery.id)
                .limit(BATCH)
            )
        )
        await _write(desk, session, webhook, [delivery for delivery in due if delivery.body is None])
        webhook.busy_until = until = now() + HOLD
        return [delivery.id for delivery in due], until


async def _write(desk: Desk, session: AsyncSession, webhook: Webhook, unwritten: list[Delivery]) -> None:
    if unwritten:
        written = await webhooks.bodies(session, webhook, unwritten, desk_url=desk.settings.url)
        for delivery in unwritten:
            delivery.body = written.get(delivery.id)
            if delivery.body is None:
                delivery.state, delivery.trouble = State.dead, gettext("What this was about was erased.")


async def attempt(desk: Desk, webhook_id: int, delivery_id: int) -> bool:
    """Send one delivery and write down what came of it; whether the endpoint can be sent more."""
    async with desk.sessions() as session:
        webhook = await session.get(Webhook, webhook_id)
        delivery = await session.get(Delivery, delivery_id)
    if webhook is None or delivery is None or not webhook.active or delivery.state is not State.queued:
        return webhook is not None and webhook.active
    keys = Secrets.unsealed(desk.keys, webhook.sealed_secrets).valid(now())
    body = (delivery.body or "").encode()
    outcome = await webhooks.post(desk.outbound, webhook.url, keys, delivery.message_id, body)
    return await record(desk, webhook_id, delivery_id, delivery.attempts, outcome)


async def record(
    desk: Desk, webhook_id: int, delivery_id: int, attempts: int, outcome: webhooks.Outcome
) -> bool:
    """Only while nobody else has attempted it since: `attempts` is what there were before."""
    async with committed(desk.sessions) as session:
        webhook = await session.scalar(select(Webhook).where(Webhook.id == webhook_id).with_for_update())
        delivery = await session.get(Delivery, delivery_id)
        if webhook is None or delivery is None or delivery.attempts != attempts:
            return False
        if happened := webhook.record(delivery, outcome):
            session.add(happened)
            await session.flush()
            await webhooks.waiting_as_dead(session, webhook)
        level = log.info if outcome.taken else log.warning
        level("webhook attempted", webhook=webhook_id, delivery=delivery_id, status=outcome.status)
        waits = webhook.retry_at is not None and webhook.retry_at > now()
        return webhook.active and not waits


async def _let_go(desk: Desk, webhook_id: int, until: datetime) -> None:
    """Unless it took so long that somebody else holds it now."""
    async with committed(desk.sessions) as session:
        await session.execute(
            update(Webhook)
            .where(Webhook.id == webhook_id, Webhook.busy_until == until)
            .values(busy_until=None)
        )


async def tidy(session: AsyncSession) -> None:
    old = (
        select(Delivery.id)
        .where(Delivery.created_at < now() - webhooks.KEPT_FOR, Delivery.state != State.queued)
        .order_by(Delivery.id)
        .limit(TIDIED)
    )
    await session.execute(
        delete(Delivery).where(Delivery.id.in_(old)).execution_options(synchronize_session=False)
    )
