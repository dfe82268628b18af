"""The demo's own SMTP server, spoken to as any mail program would."""

import asyncio
import smtplib
import socket

import pytest

from channels.email.reading import read
from channels.email.submission import submission
from helpdesk.errors import Misconfigured
from tests.channels.email.mails import raw


def hand_in(port: int, mail: bytes, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.sendmail("ada@example.com", to or ("support@desk.test",), mail)


async def test_a_mail_is_answered_once_it_is_kept() -> None:
    kept: list[tuple[bytes, tuple[str, ...]]] = []
    let_go = asyncio.Event()

    async def keep(mail: bytes, recipients: tuple[str, ...]) -> None:
        await let_go.wait()
        kept.append((mail, recipients))

    async with submission(keep, port=0) as port:
        handing_in = asyncio.create_task(
            asyncio.to_thread(hand_in, port, raw("question"), "Support@desk.test")
        )
        await asyncio.sleep(0.2)
        assert not handing_in.done()
        let_go.set()
        await handing_in
    [(mail, recipients)] = kept
    assert recipients == ("support@desk.test",)
    assert mail.endswith(raw("question"))
    parsed = read(mail)
    assert parsed.headers.get("return-path") == "<ada@example.com>"
    assert parsed.received_at


async def test_what_cannot_be_kept_is_not_taken() -> None:
    async def keep(mail: bytes, recipients: tuple[str, ...]) -> None:
        raise ConnectionError("the database is away")

    async with submission(keep, port=0) as port:
        with pytest.raises(smtplib.SMTPDataError) as refusal:
            await asyncio.to_thread(hand_in, port, raw("question"))
        assert refusal.value.smtp_code == 451


async def test_a_mail_that_is_too_big_is_refused() -> None:
    async def keep(mail: bytes, recipients: tuple[str, ...]) -> None:
        raise AssertionError

    async with submission(keep, port=0, size_limit=1_000) as port:
        with pytest.raises(smtplib.SMTPResponseException) as refusal:
            await asyncio.to_thread(hand_in, port, b"Subject: big\r\n\r\n" + b"x" * 70 + b"\r\n" * 2_000)
        assert refusal.value.smtp_code == 552


async def test_a_port_that_is_taken_is_named() -> None:
    async def keep(mail: bytes, recipients: tuple[str, ...]) -> None: ...

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Misconfigured, match=f"port {port}"):
            async with submission(keep, port=port):
                pass
