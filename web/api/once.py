"""`Idempotency-Key`: the same request twice is carried out once, and answered twice with the same answer.

The key is written first, in the transaction of the change itself. A second request with it waits at the unique index
until the first has committed or given up, so there is no moment in which both act, and none in which the change is
kept and its answer is not. What was refused is not kept: it can be tried again with the same key.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Base
from helpdesk.errors import HelpdeskError, Invalid
from helpdesk.i18n import _
from helpdesk.tokens import ApiToken

HEADER = "idempotency-key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
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
    headers: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    created_at: Mapped[datetime] = mapped_column(index=True)


class BadKey(Invalid):
    message = _("An Idempotency-Key has 1 to 255 visible ASCII characters; a UUID does well.")


class OtherRequest(HelpdeskError):
    status = 422
    message = _("This Idempotency-Key was used for another request. Use a new key for each request.")


class Repeated(Exception):
    def __init__(self, answer: Answered) -> None:
        super().__init__()
        self.answer = answer


async def repeat(request: Request[Any, Any, Any], session: AsyncSession, token: ApiToken) -> None:
    """Raises Repeated where this was answered before; else remembers that it is being answered."""
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
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
    raise Repeated(found)


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
        .values(status=status, body=body, headers=headers)
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
    return Response(
        answer.body or b"", status_code=answer.status or 200, headers=headers, media_type=media_type
    )


async def _fingerprint(request: Request[Any, Any, Any]) -> bytes:
    body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + request.headers.get("content-type", "").encode() + b"\n" + body).digest()
