"""Webhooks: where the desk tells other programs of what happens, and what came of it."""

from typing import Annotated, Any

from litestar import Controller, delete, get, patch, post
from litestar.params import FromQuery
from msgspec import UNSET, Meta, UnsetType, field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import webhooks
from helpdesk.access import Action
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import gettext
from helpdesk.webhooks import EVENTS, INCLUDES, Delivery, State, Webhook
from helpdesk.webhooks.endpoints import TooManyWebhooks
from web.api.answers import Listed
from web.api.given import PAGE, After, Given, Limit, Patch, PathId, Sent, cursor, resume
from web.api.shapes import At, Shape
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session
from web.settings.webhooks import try_out

MAY = permits(Action.manage_webhooks)
HookName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Shop"])]
Url = Annotated[str, Meta(min_length=1, max_length=2_000, examples=["https://shop.example.com/hooks"])]
Events = Annotated[
    list[Annotated[str, Meta(max_length=60, extra_json_schema={"enum": list(EVENTS)})]],
    Meta(min_length=1, max_length=100, examples=[["ticket.created"]]),
]
Includes = Annotated[
    list[Annotated[str, Meta(max_length=60, extra_json_schema={"enum": list(INCLUDES)})]],
    Meta(max_length=20, examples=[["subject"]]),
]


class WebhookView(Shape):
    id: int
    name: HookName
    url: Url
    events: list[str]
    includes: list[str]
    """Which personal text goes along."""
    active: bool
    trouble: str
    off_because: str
    failing_since: At | None
    last_delivered_at: At | None
    created_at: At

    @classmethod
    def of(cls, found: Webhook) -> "WebhookView":
        return cls(**{name: getattr(found, name) for name in cls.__struct_fields__})


class WebhookSecret(Shape):
    webhook: WebhookView
    secret: Annotated[str, Meta(examples=["whsec_…"])]
    """Signs every delivery, as standardwebhooks has it; shown this once."""


class DeliveryView(Shape):
    id: int
    type: str
    state: State
    attempts: int
    status: int | None
    trouble: str
    since: At
    delivered_at: At | None

    @classmethod
    def of(cls, found: Delivery) -> "DeliveryView":
        return cls(**{name: getattr(found, name) for name in cls.__struct_fields__})


class NewWebhook(Sent):
    name: HookName
    url: Url
    events: Events
    includes: Includes = field(default_factory=list)


class WebhookPatch(Patch):
    name: HookName | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    includes: Includes | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Replay(Sent):
    since: At


class Replayed(Shape):
    deliveries: int


class Webhooks(Controller):
    path = "/webhooks"
    opt = {"resource": "webhooks"}  # noqa: RUF012

    @get(opt=MAY, summary="List webhooks")
    async def list(self, session: Session) -> Listed[WebhookView]:
        """At most 50; never their secrets."""
        rows = await session.scalars(select(Webhook).order_by(Webhook.id))
        return Listed(items=[WebhookView.of(row) for row in rows])

    @post(opt=MAY, summary="Make a webhook")
    async def create(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, given: Given[NewWebhook]
    ) -> WebhookSecret:
        """Its address has to be public; the secret is shown this once."""
        values = _checked(desk, {name: getattr(given, name) for name in given.__struct_fields__})
        if (await session.scalar(select(func.count()).select_from(Webhook)) or 0) >= webhooks.MOST:
            raise TooManyWebhooks
        webhook, secret = webhooks.made(desk.keys, **values, by=agent)
        session.add(webhook)
        await session.flush()
        session.add(Event(Kind.webhook_created, by=agent, about=webhook))
        return WebhookSecret(webhook=WebhookView.of(webhook), secret=secret)

    @get("/{webhook_id:int}", opt=MAY, summary="Show a webhook")
    async def show(self, session: Session, webhook_id: PathId) -> WebhookView:
        return WebhookView.of(await _one(session, webhook_id))

    @patch("/{webhook_id:int}", opt=MAY, summary="Change a webhook")
    async def change(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        webhook_id: PathId,
        given: Given[WebhookPatch],
    ) -> WebhookView:
        """`active` switches it off and on; what waited for one that is switched off is given up."""
        webhook = await _one(session, webhook_id)
        values = given.given()
        active = values.pop("active", webhook.active)
        values = _checked(desk, values)
        if values.get("url", webhook.url) != webhook.url:
            webhook.forgive()
        for name, value in values.items():
            setattr(webhook, name, value)
        if values:
            session.add(Event(Kind.webhook_changed, by=agent, about=webhook, fields=sorted(values)))
        if active != webhook.active:
            session.add(webhook.switch_on(by=agent) if active else webhook.switch_off(by=agent))
            if not active:
                await webhooks.waiting_as_dead(session, webhook)
        await webhooks.deliveries.ring(session)
        return WebhookView.of(webhook)

    @post("/{webhook_id:int}/secret", opt=MAY, summary="Change a webhook's secret", status_code=200)
    async def rotate(
        self, session: Session, agent: CurrentAgent, desk: CurrentDesk, webhook_id: PathId
    ) -> WebhookSecret:
        """The one before signs along for a day."""
        webhook = await _one(session, webhook_id)
        secret, happened = webhook.rotate(desk.keys, by=agent)
        session.add(happened)
        return WebhookSecret(webhook=WebhookView.of(webhook), secret=secret)

    @post("/{webhook_id:int}/tests", opt=MAY, summary="Try a webhook out", status_code=200)
    async def test(self, session: Session, desk: CurrentDesk, webhook_id: PathId) -> DeliveryView:
        """A test is sent now; `state` and `trouble` say what came of it."""
        delivery, _outcome = await try_out(session, desk, webhook_id)
        return DeliveryView.of(delivery)

    @post("/{webhook_id:int}/replays", opt=MAY, summary="Send everything since a time again", status_code=200)
    async def replay_since(
        self, session: Session, agent: CurrentAgent, webhook_id: PathId, given: Given[Replay]
    ) -> Replayed:
        """Delivered or not; at most 10,000, and never what happened before the webhook was made."""
        webhook = await _running(session, webhook_id)
        return Replayed(deliveries=await webhooks.replay_since(session, webhook, given.since, by=agent))

    @delete("/{webhook_id:int}", opt=MAY, summary="Remove a webhook")
    async def remove(self, session: Session, agent: CurrentAgent, webhook_id: PathId) -> None:
        webhook = await _one(session, webhook_id)
        session.add(Event(Kind.webhook_removed, by=agent, about=webhook))
        await session.flush()
        await session.delete(webhook)


class Deliveries(Controller):
    path = "/webhooks/{webhook_id:int}/deliveries"
    opt = {"resource": "webhooks"}  # noqa: RUF012

    @get(opt=MAY, summary="List what was sent to a webhook")
    async def list(
        self,
        session: Session,
        webhook_id: PathId,
        only: FromQuery[State | None] = None,
        limit: Limit = PAGE,
        after: After = "",
    ) -> Listed[DeliveryView]:
        """Newest first; kept for 30 days."""
        webhook = await _one(session, webhook_id)
        query = select(Delivery).where(Delivery.webhook_id == webhook.id)
        if only:
            query = query.where(Delivery.state == only)
        if found := resume(after, int):
            query = query.where(Delivery.id < found[0])
        rows = (await session.scalars(query.order_by(Delivery.id.desc()).limit(limit + 1))).all()
        last = rows[limit - 1].id if len(rows) > limit else None
        return Listed(
            items=[DeliveryView.of(row) for row in rows[:limit]], next=cursor(last) if last else None
        )

    @post("/{delivery_id:int}/replay", opt=MAY, summary="Send a delivery again", status_code=200)
    async def replay(
        self, session: Session, agent: CurrentAgent, webhook_id: PathId, delivery_id: PathId
    ) -> DeliveryView:
        """With the same id and the same body."""
        webhook = await _running(session, webhook_id)
        query = select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook.id)
        if (found := await session.scalar(query)) is None:
            raise NotFound
        await webhooks.replay(session, webhook, found, by=agent)
        await session.flush()
        return DeliveryView.of(found)


def _checked(desk: Desk, values: dict[str, Any]) -> dict[str, Any]:
    """Raises Invalid: an unknown event, an address that the desk may not call."""
    for name, known in (("events", EVENTS), ("includes", INCLUDES)):
        if unknown := [each for each in values.get(name, []) if each not in known]:
            raise Invalid(gettext("There is no “%(name)s”.") % {"name": unknown[0]})
    if "name" in values and not (named := " ".join(values["name"].replace("\x00", "").split())):
        raise Invalid(gettext("Give it a name, so that colleagues know what it is for."))
    if "name" in values:
        values["name"] = named
    if "url" in values:
        values["url"] = values["url"].strip()
        desk.outbound.policy.check(values["url"])
    return values


async def _running(session: AsyncSession, webhook_id: int) -> Webhook:
    webhook = await _one(session, webhook_id)
    if not webhook.active:
        raise Conflict(gettext("This webhook is switched off. Switch it on first."))
    return webhook


async def _one(session: AsyncSession, webhook_id: int) -> Webhook:
    query = select(Webhook).where(Webhook.id == webhook_id).with_for_update(of=Webhook)
    if (found := await session.scalar(query)) is None:
        raise NotFound
    return found
