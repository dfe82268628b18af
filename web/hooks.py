"""Where other programs call in: `/hooks/<inbox>`. Each request brings its own proof; the channel asks for it."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, QueryParameter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from channels import registry
from channels.contract import Interprets, Source, TakesWebhooks, WebhookReply, WebhookRequest
from helpdesk import intake
from helpdesk.access import Action
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.errors import Conflict, HelpdeskError, NotFound
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.intake import RECEIVED, Kept
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.tickets import Ticket
from web.addresses import counted_as
from web.api.rates import Rates, TooMany
from web.auth import WAY_IN, permits
from web.bodies import Bodies, Endless, TooSlow
from web.bodies import TooBig as TooBig
from web.dependencies import CurrentDesk
from web.failures import refused
from web.live import Live

LARGEST = 40 * 1024**2  # bytes; a channel may take less
PATIENCE = 5.0  # seconds that an answer waits for the ticket's number
HINTED = 1.0  # seconds until it is looked for although nobody has said that it is there
FIRST_LOOK = 0.02  # seconds between the first two looks where nobody would say it
OFTEN, SELDOM = 0.5, 2.0  # seconds between two later ones at most; the latter where somebody would
GROWS = 1.5  # times as long each time
WRONG = 30  # requests of one address a minute that bring no right proof


class SameId(Conflict):
    message = _("There is a message with this id already, and it says something else.")


async def own_proof(request: Request[Any, Any, Any], action: Action) -> None:
    """No cookie counts here, so nothing could be forged with one; the channel asks for a key or a signature."""


def hung_up(request: Request[Any, Any, Any], error: HelpdeskError) -> Response[Any]:
    """What else it sends is not waited for."""
    answer = refused(request, error)
    answer.headers["connection"] = "close"
    return answer


OPEN = permits(Action.public) | {WAY_IN: own_proof}


class Hooks(Controller):
    path = "/hooks/{public_id:str}"
    exception_handlers = {Endless: hung_up, TooSlow: hung_up}  # noqa: RUF012 - Litestar's own declaration

    @post(opt=OPEN, request_max_body_size=LARGEST)
    async def take(
        self, request: Request[Any, Any, Any], desk: CurrentDesk, public_id: FromPath[str]
    ) -> Response[Any]:
        """Answered once everything is stored, with the ticket's number as soon as there is one."""
        inbox, channel = await _called(desk, public_id)
        headers = {name.lower(): value for name, value in request.headers.items()}
        _limit(request, inbox, channel)
        with _Counted(request, inbox):
            proven = channel.admits(headers)
            bodies: Bodies = request.app.state.bodies
            body = await bodies.read(request, largest=channel.largest, proven=proven)
            reply = await channel.webhook(WebhookRequest(headers, body), _keep(desk, inbox, channel))
        content = dict(reply.content)
        if reply.kept:
            content |= await _came_of(desk, inbox, reply, body)
        return Response(content or b"", status_code=reply.status)

    @get("/replies", opt=OPEN)
    async def replies(
        self,
        request: Request[Any, Any, Any],
        desk: CurrentDesk,
        public_id: FromPath[str],
        after: Annotated[int, QueryParameter(ge=0, le=2**63 - 1)] = 0,
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 50,
    ) -> dict[str, Any]:
        """Answers that have been written, oldest first; `next` is what to ask for `after`."""
        inbox, channel = await _called(desk, public_id)
        _limit(request, inbox, channel)
        with _Counted(request, inbox):
            channel.admits({"authorization": request.headers.get("authorization", "")})
        async with desk.sessions() as session:
            found = await _replies(session, inbox, after, limit)
        shown = [_shown(message, number) for message, number in found]
        return {"replies": shown, "next": found[-1][0].id if found else after}


async def _called(desk: Desk, public_id: str) -> tuple[Inbox, TakesWebhooks]:
    async with desk.sessions() as session:
        inbox = await session.scalar(select(Inbox).where(Inbox.public_id == public_id, Inbox.active))
    if inbox is None:
        raise NotFound
    settings: Any = desk.keys.unseal(inbox.sealed_settings)
    channel = registry.opened(inbox.channel, settings, inbox.address)
    if not isinstance(channel, TakesWebhooks):
        raise NotFound
    return inbox, channel


def _limit(request: Request[Any, Any, Any], inbox: Inbox, channel: TakesWebhooks) -> None:
    rates: Rates = request.app.state.rates
    if rates.is_over(_stranger(request), WRONG) or rates.is_over(_own(inbox), channel.often):
        raise TooMany


class _Counted:
    """What brings no right proof counts against the address it came from, and everything else against the inbox:
    nobody else uses up what it may be sent."""

    def __init__(self, request: Request[Any, Any, Any], inbox: Inbox) -> None:
        self.request, self.inbox = request, inbox

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        refused = isinstance(error, HelpdeskError) and error.status == 401
        self.request.app.state.rates.take(_stranger(self.request) if refused else _own(self.inbox), WRONG)


def _own(inbox: Inbox) -> str:
    return f"hook {inbox.id}"


def _stranger(request: Request[Any, Any, Any]) -> str:
    return f"hook address {counted_as(request)}"


def _keep(desk: Desk, inbox: Inbox, channel: TakesWebhooks) -> Any:
    handed = isinstance(channel, Interprets)

    async def keep(batch: Sequence[tuple[bytes, Source]]) -> None:
        async with committed(desk.sessions) as session:
            arrived = [(raw, source.key) for raw, source in batch]
            await intake.keep(session, inbox.id, arrived, handed=handed)

    return keep


async def _came_of(desk: Desk, inbox: Inbox, reply: WebhookReply, body: bytes) -> dict[str, Any]:
    """Raises SameId where the id was used for something else before."""
    kept_id, digest, arrived = await kept_as(desk, inbox, reply.kept or "")
    if digest != sha256(body).hexdigest():
        raise SameId
    return {
        "id": f"{inbox.public_id}-{kept_id}",
        "ticket": await ticket_of(desk, kept_id, PATIENCE),
        "received_at": arrived.isoformat(),
    }


async def kept_as(desk: Desk, inbox: Inbox, source: str) -> tuple[int, str, datetime]:
    async with desk.sessions() as session:
        query = select(Kept.id, Kept.digest, Kept.created_at).where(
            Kept.inbox_id == inbox.id, Kept.source == source
        )
        row = (await session.execute(query)).one()
    return row.id, row.digest, row.created_at


async def ticket_of(desk: Desk, kept_id: int, within: float, live: Live | None = None) -> int | None:
    """The number of the ticket that it became; None where that takes longer. With `live`, for what was kept just now,
    it is told when it is there, and looked for seldom: a desk that is late has enough to do."""
    query = (
        select(Ticket.number)
        .join(Message, Message.ticket_id == Ticket.id)
        .join(Kept, Kept.message_id == Message.id)
        .where(Kept.id == kept_id)
    )
    clock = asyncio.get_running_loop().time
    end, pause, longest = clock() + within, FIRST_LOOK, OFTEN
    with live.awaited(f"{RECEIVED}{kept_id}") if live else nullcontext(asyncio.Future[str]()) as told:
        if live:
            longest = SELDOM
            await asyncio.wait({told}, timeout=min(HINTED, within))
            pause = min(HINTED * GROWS, longest)
        while not told.done():
            async with desk.reading() as session:
                number = await session.scalar(query)
            if number is not None or clock() + pause > end:
                return number
            await asyncio.wait({told}, timeout=pause)
            pause = min(pause * GROWS, longest)
        return int(told.result())


async def _replies(session: AsyncSession, inbox: Inbox, after: int, limit: int) -> list[tuple[Message, int]]:
    """Up to the first that has not left yet, so that none is passed over that leaves later."""
    waiting = (
        select(func.min(Message.id))
        .where(Message.inbox_id == inbox.id, Message.delivery.in_([Delivery.queued, Delivery.sending]))
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Message, Ticket.number)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(
            Message.id > after,
            Message.id < func.coalesce(waiting, 2**63 - 1),
            Message.inbox_id == inbox.id,
            Message.direction == Direction.outbound,
            Message.delivery == Delivery.sent,
            Message.side_id.is_(None),
        )
        .order_by(Message.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def _shown(message: Message, number: int) -> dict[str, Any]:
    return {
        "id": message.id,
        "ticket": number,
        "to": [to.rpartition("/")[0] or to for to in message.recipients],
        "text": message.text,
        "sent_at": message.sent_at.isoformat(),
    }
