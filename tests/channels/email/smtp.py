"""Real SMTP peers on loopback: one that takes mail, one that follows a script."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from channels.email.settings import EmailSettings

USER, PASSWORD = "support@example.test", "secret"


class Sink:
    """Takes everything, or answers as told: `refuse["RCPT"] = {"ben@example.com": "550 5.1.1 Nobody"}`."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.refuse: dict[str, Any] = {}

    async def handle_MAIL(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.refuse.get("MAIL"):
            return str(answer)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self.refuse.get("RCPT", {}).get(address):
            return str(answer)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:
        if answer := self.refuse.get("DATA"):
            return str(answer)
        self.mails.append(envelope)
        return "250 2.0.0 Ok: queued as 4XyZ"


def authenticate(server: SMTP, session: Any, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    right = isinstance(given, LoginPassword) and (given.login, given.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def smtp_sink(
    tls: ssl.SSLContext, *, starttls: bool = False, utf8: bool = True
) -> AsyncIterator[tuple[Sink, int]]:
    sink = Sink()

    def connection() -> SMTP:
        return SMTP(
            sink,
            enable_SMTPUTF8=utf8,
            hostname="localhost",
            authenticator=authenticate,
            auth_required=True,
            auth_require_tls=starttls,
            tls_context=tls if starttls else None,
            require_starttls=starttls,
        )

    server = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, ssl=None if starttls else tls
    )
    async with server:
        yield sink, server.sockets[0].getsockname()[1]


@asynccontextmanager
async def scripted(
    *answers: str | Callable[[asyncio.StreamWriter], None],
) -> AsyncIterator[tuple[list[bytes], int]]:
    """Answers one line after another; a callable may break the line instead. Yields what the client said."""
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _follow(answers, heard, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield heard, server.sockets[0].getsockname()[1]


async def _follow(
    answers: Sequence[str | Callable[[asyncio.StreamWriter], None]],
    heard: list[bytes],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    in_data = False
    for place, answer in enumerate(answers):
        if place:
            said = await reader.readuntil(b"\r\n.\r\n" if in_data else b"\r\n")
            heard.append(said)
        if callable(answer):
            answer(writer)
            return
        in_data = answer.startswith("354")
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
    await reader.read()


def plain(port: int, **changes: Any) -> EmailSettings:
    given = {
        "imap_host": "localhost",
        "imap_user": USER,
        "imap_password": PASSWORD,
        "smtp_host": "127.0.0.1",
        "smtp_port": port,
        "smtp_security": "none",
    }
    return EmailSettings(**{**given, **changes})
