"""An SMTP server of our own, for the demo: whatever is sent to it is kept like any other mail."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.utils import format_datetime
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.email.mime import MAX_SIZE
from helpdesk import clock
from helpdesk.errors import Misconfigured

KeepMail = Callable[[bytes, tuple[str, ...]], Awaitable[None]]
"""Gets the bytes and whom they are for; returns once they are committed."""

log = structlog.get_logger()


@asynccontextmanager
async def submission(
    keep: KeepMail, *, port: int, host: str = "127.0.0.1", size_limit: int = MAX_SIZE
) -> AsyncIterator[int]:
    """Takes mail as long as it is open, in this event loop; yields the port, which helps where 0 was asked for."""

    def connection() -> SMTP:
        return _LongLines(
            _Handler(keep),
            data_size_limit=size_limit,
            enable_SMTPUTF8=True,
            ident="helpdesk",
            hostname="localhost",
        )

    try:
        server = await asyncio.get_running_loop().create_server(connection, host, port)
    except OSError as error:
        raise Misconfigured(
            f"The desk cannot take mail on {host}, port {port}: {error.strerror}. "
            "Choose another port with HELPDESK_DEMO_SMTP_PORT."
        ) from None
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class _LongLines(SMTP):  # type: ignore[misc]
    """Programs write lines of more than RFC 5321's 998 characters, and every server takes them."""

    line_length_limit = 1 << 20


class _Handler:
    def __init__(self, keep: KeepMail) -> None:
        self.keep = keep

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        recipients = tuple(recipient.lower() for recipient in envelope.rcpt_tos)
        try:
            await self.keep(_traced(raw, envelope, session), recipients)
        except Exception:
            log.exception("a mail could not be kept")
            return "451 4.3.0 The mail could not be stored; try again later"
        return "250 2.0.0 Kept"

    async def handle_exception(self, error: Exception) -> str:
        log.warning("mail submission failed", reason=str(error))
        return "451 4.3.0 Something went wrong; try again later"


def _traced(raw: bytes, envelope: Envelope, session: Any) -> bytes:
    """Return path, recipients and time of arrival, as any mail server writes them on top."""
    path = (envelope.mail_from or "").replace("\r", "").replace("\n", "")
    delivered = "".join(f"Delivered-To: {recipient}\r\n" for recipient in envelope.rcpt_tos[:50])
    trace = (
        f"Return-Path: <{path}>\r\n{delivered}"
        f"Received: from {session.host_name or 'unknown'} by localhost with SMTP id {secrets.token_hex(6)};\r\n"
        f" {format_datetime(clock.now())}\r\n"
    )
    return trace.encode("utf-8", "replace") + raw
