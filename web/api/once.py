"""`Idempotency-Key`: the same request twice is carried out once, and answered twice with the same answer.

The key is written first, in the transaction of the change itself. A second request with it waits at the unique index
until the first has committed or given up, so there is no moment in which both act, and none in which the change is
kept and its answer is not. What was refused is not kept: it can be tried again with the same key.

An answer is given again only to who may still see what it shows. It lies sealed, since it may hold a new secret.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from litestar import Request, Response
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.access import Action, require, visible_tickets
from helpdesk.clock import now
from helpdesk.contacts import visible_contacts
from helpdesk.database import Base
from helpdesk.errors import HelpdeskError, Invalid, NotFound
from helpdesk.i18n import _
from helpdesk.keys import Keys
from helpdesk.people import Agent, Contact
from helpdesk.tickets import Ticket
from helpdesk.tokens import ApiToken
from web.auth import permission

HEADER = "idempotency-key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
PLACE = re.compile(r"/api/v1/(tickets|contacts)/([0-9]+)")
READS = "reads"
"""In the `opt` of a POST that changes nothing: its key means nothing, and its answer is not kept."""
KEPT_FOR = timedelta(hours=24)
PATIENCE = "5s"
"""How long a second request waits for the first; then it is told that the first is still at work."""


class Answered(Base):
    """What a request with a key was answered."""

    __tablename__ = "api_answer"

    token_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("api_token.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of method, address and body: the same key with another request is a mistake."""
    status: Mapped[int | None]
    body: Mapped[bytes | None]
    """Sealed with the desk's secret."""
    headers: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(index=True)


class BadKey(Invalid):
    message = _("An Idempotency-Key has 1 to 255 visible ASCII characters; a UUID does well.")


class OtherRequest(HelpdeskError):
    status = 422
    message = _("This Idempotency-Key was used for another request. Use a new key for each request.")


class OutOfSight(NotFound):
    message = _(
        "This was done before, with this Idempotency-Key; what came of it is not yours to see any more."
    )


class Repeated(Exception):
    def __init__(self, answer: Answered, body: bytes) -> None:
        super().__init__()
        self.answer, self.body = answer, body


async def repeat(request: Request[Any, Any, Any], session: AsyncSession, token: ApiToken) -> None:
    """Raises Repeated where this was answered before; else remembers that it is being answered.

    Raises OutOfSight or Forbidden instead where the token's agent may not see what was answered any more.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or request.route_handler.opt.get(READS):
        return
    if not KEY.fullmatch(key):
        raise BadKey
    fingerprint = await _fingerprint(request)
    if await _begun(session, token.id, key, fingerprint):
        request.scope["state"]["once"] = (token.id, key)
        return
    found = await session.get_one(Answered, (token.id, key), populate_existing=True)
    if found.request != fingerprint:
        raise OtherRequest
    body = _unsealed(_keys(request), found.body)
    await _require_sight(session, token.agent, request, found, body)
    raise Repeated(found, body)


async def _require_sight(
    session: AsyncSession, agent: Agent, request: Request[Any, Any, Any], answer: Answered, body: bytes
) -> None:
    """Tickets and contacts are asked for once more: since the answer another team may have got them."""
    action = permission(request)
    for kind, number in set(PLACE.findall(request.url.path)):
        found = await _found(session, agent, kind, int(number), action)
        if isinstance(found, Ticket):
            require(agent, action, found)
    for kind, number in {*PLACE.findall(answer.headers.get("location", "")), *_tickets_in(body)}:
        await _found(session, agent, kind, int(number), Action.read_contacts)


async def _found(
    session: AsyncSession, agent: Agent, kind: str, number: int, action: Action
) -> Ticket | Contact:
    found: Ticket | Contact | None
    if kind == "tickets":
        found = await session.scalar(visible_tickets(agent).where(Ticket.number == number))
    else:
        found = await session.scalar(visible_contacts(agent, action).where(Contact.id == number))
    if found is None:
        raise OutOfSight
    return found


def _tickets_in(body: bytes) -> Iterator[tuple[str, str]]:
    """What an answer shows besides the ticket it is about: what it was merged into, what it is linked with."""
    told = msgspec.json.decode(body) if body.startswith(b"{") else {}
    for shown in [told, *told.get("items", [])]:
        if isinstance(shown, dict) and isinstance(shown.get("number"), int):
            yield "tickets", str(shown["number"])


async def _begun(session: AsyncSession, token_id: int, key: str, fingerprint: bytes) -> bool:
    """Whether this request is the first; waits for one that is at work."""
    await session.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    at = now()
    row = insert(Answered).values(token_id=token_id, key=key, request=fingerprint, created_at=at)
    anew = {"request": fingerprint, "created_at": at, "status": None, "body": None, "headers": {}}
    first = await session.scalar(
        row.on_conflict_do_update(
            index_elements=[Answered.token_id, Answered.key],
            set_=anew,
            where=Answered.created_at < at - KEPT_FOR,
        ).returning(Answered.key)
    )
    await session.execute(text("SET LOCAL lock_timeout = 0"))
    return first is not None


async def keep(request: Request[Any, Any, Any], session: AsyncSession) -> None:
    """Before the commit: the answer that was just made."""
    begun = request.scope["state"].get("once")
    given = request.scope["state"].get("answer")
    if begun is None or given is None:
        return
    token_id, key = begun
    status, body, headers = given
    await session.execute(
        update(Answered)
        .where(Answered.token_id == token_id, Answered.key == key)
        .values(status=status, body=_keys(request).seal(body), headers=headers)
        .execution_options(synchronize_session=False)
    )
    oldest = select(Answered.token_id, Answered.key).where(Answered.created_at < now() - KEPT_FOR)
    over = oldest.limit(20).with_for_update(skip_locked=True).subquery()
    await session.execute(
        delete(Answered)
        .where(Answered.token_id == over.c.token_id, Answered.key == over.c.key)
        .execution_options(synchronize_session=False)
    )


def again(_: Request[Any, Any, Any], repeated: Repeated) -> Response[bytes]:
    answer = repeated.answer
    headers = {**answer.headers, "idempotency-replayed": "true"}
    media_type = headers.pop("content-type", "application/json")
    return Response(repeated.body, status_code=answer.status or 200, headers=headers, media_type=media_type)


def _keys(request: Request[Any, Any, Any]) -> Keys:
    return cast("Keys", request.app.state.desk.keys)


def _unsealed(keys: Keys, body: bytes | None) -> bytes:
    return base64.b64decode(cast("str", keys.unseal(body))) if body else b""


async def _fingerprint(request: Request[Any, Any, Any]) -> bytes:
    body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + request.headers.get("content-type", "").encode() + b"\n" + body).digest()
