"""Webhooks: which programs are told of what, whether they take it, and sending again what they missed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk import webhooks
from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Event, Kind
from helpdesk.i18n import Text, _, gettext
from helpdesk.webhooks import EVENTS, GROUPS, INCLUDES, Delivery, Secrets, State, Webhook
from helpdesk.webhooks.endpoints import TooManyWebhooks
from web.auth import permits
from web.dependencies import CurrentAgent, CurrentDesk, Session, ThisPage
from web.forms import Fields, read
from web.pages import Html
from web.settings.frame import DONE, ThisSettings, confirmed, done

HOME = "/settings/webhooks"
MAY = permits(Action.manage_webhooks)
SHOWN = 50  # deliveries of the log on one page
DONE |= {
    "webhook-on": _("It is switched on. What happens from now on is sent."),
    "webhook-off": _("It is switched off. Nothing is sent to it."),
    "webhook-again": _("It is being sent again."),
    "webhook-taken": _("The test was taken."),
}
SINCE: dict[str, tuple[Text, timedelta]] = {
    "1": (_("the last hour"), timedelta(hours=1)),
    "24": (_("the last day"), timedelta(days=1)),
    "72": (_("the last 3 days"), timedelta(days=3)),
    "168": (_("the last week"), timedelta(days=7)),
    "720": (_("the last 30 days"), timedelta(days=30)),
}


class WebhookForm(Fields):
    name: Annotated[str, Meta(max_length=80)]
    url: Annotated[str, Meta(max_length=2_000)]


class ReplayForm(Fields):
    since: str = "24"


class RemovalForm(Fields):
    confirmation: str = ""


class TestFailed(Conflict):
    """A test that was not taken: the words say why."""


class Webhooks(Controller):
    path = HOME

    @get(opt=MAY)
    async def index(self, session: Session, settings: ThisSettings) -> Html:
        waiting = dict(
            (
                await session.execute(
                    select(Delivery.webhook_id, func.count())
                    .where(Delivery.state == State.queued)
                    .group_by(Delivery.webhook_id)
                )
            )
            .tuples()
            .all()
        )
        found = (await session.scalars(select(Webhook).order_by(Webhook.name, Webhook.id))).all()
        return await settings("settings/webhooks/index.html", webhooks=found, waiting=waiting)

    @get("/new", opt=MAY)
    async def new(self, settings: ThisSettings) -> Html:
        return await settings(
            "settings/webhooks/new.html", **_choices(("ticket.created", "message.received"))
        )

    @post(opt=MAY, status_code=200)
    async def create(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        settings: ThisSettings,
    ) -> Html:
        given = await _given(request, desk)
        if (await session.scalar(select(func.count()).select_from(Webhook)) or 0) >= webhooks.MOST:
            raise TooManyWebhooks
        webhook, secret = webhooks.made(desk.keys, **given, by=agent)
        session.add(webhook)
        await session.flush()
        session.add(Event(Kind.webhook_created, by=agent, about=webhook))
        return await _secret(page, settings, webhook, secret)


class OneWebhook(Controller):
    path = f"{HOME}/{{webhook_id:int}}"

    @get(opt=MAY)
    async def show(
        self,
        session: Session,
        desk: CurrentDesk,
        settings: ThisSettings,
        webhook_id: FromPath[int],
        only: FromQuery[State | None] = None,
        before: Annotated[int, QueryParameter(ge=0, le=2**63 - 1)] = 0,
    ) -> Html:
        webhook = await _loaded(session, webhook_id)
        log = await _log(session, webhook, only, before)
        return await settings(
            "settings/webhooks/show.html",
            webhook=webhook,
            secrets=Secrets.unsealed(desk.keys, webhook.sealed_secrets),
            log=log[:SHOWN],
            more=log[SHOWN - 1].id if len(log) > SHOWN else None,
            only=only,
            since=[(key, words) for key, (words, _time) in SINCE.items()],
            **_choices(webhook.events, webhook.includes),
        )

    @post(opt=MAY)
    async def save(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        webhook_id: FromPath[int],
    ) -> Response[Any]:
        """A new address starts anew: what was wrong with the old one says nothing of it."""
        webhook = await _loaded(session, webhook_id, lock=True)
        given = await _given(request, desk)
        if given["url"] != webhook.url:
            webhook.forgive()
        changed = [field for field, value in given.items() if getattr(webhook, field) != value]
        for field, value in given.items():
            setattr(webhook, field, value)
        session.add(Event(Kind.webhook_changed, by=agent, about=webhook, fields=changed))
        await webhooks.deliveries.ring(session)
        return done(request, f"{HOME}/{webhook_id}")

    @post("/secret", opt=MAY, status_code=200)
    async def rotate(
        self,
        session: Session,
        agent: CurrentAgent,
        desk: CurrentDesk,
        page: ThisPage,
        settings: ThisSettings,
        webhook_id: FromPath[int],
    ) -> Html:
        webhook = await _loaded(session, webhook_id, lock=True)
        secret, happened = webhook.rotate(desk.keys, by=agent)
        session.add(happened)
        return await _secret(page, settings, webhook, secret)

    @post("/state", opt=MAY)
    async def switch(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        webhook_id: FromPath[int],
    ) -> Response[Any]:
        """On where it was off, off where it was on."""
        webhook = await _loaded(session, webhook_id, lock=True)
        was_active = webhook.active
        session.add(webhook.switch_off(by=agent) if was_active else webhook.switch_on(by=agent))
        if was_active:
            await webhooks.waiting_as_dead(session, webhook)
        request.app.state.signboard.forget()
        return done(request, f"{HOME}/{webhook_id}", "webhook-off" if was_active else "webhook-on")

    @post("/tests", opt=MAY)
    async def test(
        self, request: Request[Any, Any, Any], session: Session, desk: CurrentDesk, webhook_id: FromPath[int]
    ) -> Response[Any]:
        """Sent now, whatever waits; nothing is locked while the other side thinks."""
        _delivery, outcome = await try_out(session, desk, webhook_id)
        if not outcome.taken:
            raise TestFailed(gettext("The test was not taken. {why}").format(why=outcome.words))
        return done(request, f"{HOME}/{webhook_id}", "webhook-taken")

    @post("/replays", opt=MAY)
    async def replay_since(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        webhook_id: FromPath[int],
    ) -> Response[Any]:
        given = await read(request, ReplayForm)
        if given.since not in SINCE:
            raise Invalid
        webhook = await _running(session, webhook_id)
        await webhooks.replay_since(session, webhook, now() - SINCE[given.since][1], by=agent)
        return done(request, f"{HOME}/{webhook_id}", "webhook-again")

    @post("/removal", opt=MAY)
    async def remove(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        webhook_id: FromPath[int],
    ) -> Response[Any]:
        webhook = await _loaded(session, webhook_id, lock=True)
        confirmed((await read(request, RemovalForm)).confirmation, webhook.name)
        session.add(Event(Kind.webhook_removed, by=agent, about=webhook))
        await session.flush()
        await session.delete(webhook)
        request.app.state.signboard.forget()
        return done(request, HOME, "removed")

    @get("/deliveries/{delivery_id:int}", opt=MAY)
    async def delivery(
        self, session: Session, settings: ThisSettings, webhook_id: FromPath[int], delivery_id: FromPath[int]
    ) -> Html:
        webhook = await _loaded(session, webhook_id)
        found = await _delivery(session, webhook, delivery_id)
        return await settings(
            "settings/webhooks/delivery.html",
            webhook=webhook,
            delivery=found,
            tries=[one | {"at": datetime.fromisoformat(one["at"])} for one in reversed(found.tries)],
            body=msgspec.json.format((found.body or "").encode(), indent=2).decode() if found.body else "",
        )

    @post("/deliveries/{delivery_id:int}/replay", opt=MAY)
    async def replay(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        agent: CurrentAgent,
        webhook_id: FromPath[int],
        delivery_id: FromPath[int],
    ) -> Response[Any]:
        webhook = await _running(session, webhook_id)
        found = await _delivery(session, webhook, delivery_id)
        await webhooks.replay(session, webhook, found, by=agent)
        return done(request, f"{HOME}/{webhook_id}/deliveries/{delivery_id}", "webhook-again")


def _choices(chosen: Sequence[str], included: Sequence[str] = ()) -> dict[str, Any]:
    """What the form offers, and what is ticked."""
    groups = [
        (words, [(name, subject.words) for name, subject in EVENTS.items() if name.startswith(f"{group}.")])
        for group, words in GROUPS.items()
    ]
    return {
        "groups": groups,
        "includes": list(INCLUDES.items()),
        "chosen": set(chosen),
        "included": set(included),
    }


async def _given(request: Request[Any, Any, Any], desk: Desk) -> dict[str, Any]:
    """Each event and each kind of text that is ticked comes as a field of its name."""
    given = await read(request, WebhookForm, besides=(*EVENTS, *(f"with-{name}" for name in INCLUDES)))
    ticked = set(await request.form())
    name, url = " ".join(given.name.split()), given.url.strip()
    events = [event for event in EVENTS if event in ticked]
    if not name:
        raise Invalid(gettext("Give it a name, so that colleagues know what it is for."))
    if not events:
        raise Invalid(gettext("Choose at least one event that it is told of."))
    desk.outbound.policy.check(url)
    return {
        "name": name,
        "url": url,
        "events": events,
        "includes": [each for each in INCLUDES if f"with-{each}" in ticked],
    }


async def _secret(page: Any, settings: Any, webhook: Webhook, secret: str) -> Html:
    """Shown this once: in place of the form where a script asked, as a page of its own where none did."""
    if page.is_partial:
        return page("settings/webhooks/_secret.html", webhook=webhook, secret=secret)  # type: ignore[no-any-return]
    return await settings("settings/webhooks/secret.html", webhook=webhook, secret=secret)  # type: ignore[no-any-return]


async def _loaded(session: AsyncSession, webhook_id: int, *, lock: bool = False) -> Webhook:
    query = select(Webhook).where(Webhook.id == webhook_id).options(joinedload(Webhook.made_by))
    if lock:
        query = query.with_for_update(of=Webhook).execution_options(populate_existing=True)
    if (found := await session.scalar(query)) is None:
        raise NotFound
    return found


async def _running(session: AsyncSession, webhook_id: int) -> Webhook:
    webhook = await _loaded(session, webhook_id, lock=True)
    if not webhook.active:
        raise Conflict(gettext("This webhook is switched off. Switch it on first."))
    return webhook


async def _delivery(session: AsyncSession, webhook: Webhook, delivery_id: int) -> Delivery:
    found = await session.scalar(
        select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook.id)
    )
    if found is None:
        raise NotFound
    return found


async def _log(
    session: AsyncSession, webhook: Webhook, state: State | None, before: int
) -> Sequence[Delivery]:
    """Newest first, one more than is shown."""
    query = select(Delivery).where(Delivery.webhook_id == webhook.id).order_by(Delivery.id.desc())
    if state:
        query = query.where(Delivery.state == state)
    if before:
        query = query.where(Delivery.id < before)
    return (await session.scalars(query.limit(SHOWN + 1))).all()


async def try_out(session: AsyncSession, desk: Desk, webhook_id: int) -> tuple[Delivery, webhooks.Outcome]:
    """Sent now, whatever waits; nothing is locked while the other side thinks, so it commits before and after."""
    webhook = await _loaded(session, webhook_id)
    keys = Secrets.unsealed(desk.keys, webhook.sealed_secrets).valid(now())
    delivery = await _tested(session, desk, webhook)
    body, message_id = (delivery.body or "").encode(), delivery.message_id
    await session.commit()
    outcome = await webhooks.post(desk.outbound, webhook.url, keys, message_id, body)
    webhook = await _loaded(session, webhook_id, lock=True)
    if outcome.taken:
        webhook.forgive()
        await webhooks.deliveries.ring(session)
    delivery.note_attempt(outcome, now())
    await session.commit()
    return delivery, outcome


async def _tested(session: AsyncSession, desk: Desk, webhook: Webhook) -> Delivery:
    """Dead until it is taken, so that no worker sends it as well."""
    delivery = Delivery(
        webhook_id=webhook.id,
        type=webhooks.TEST,
        state=State.dead,
        since=now(),
        next_at=now(),
        attempts=0,
        tries=[],
    )
    session.add(delivery)
    await session.flush()
    delivery.body = (await webhooks.bodies(session, webhook, [delivery], desk_url=desk.settings.url))[
        delivery.id
    ]
    return delivery


ROUTES: list[Any] = [Webhooks, OneWebhook]
