"""Every way in which handing over a mail can end."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from channels.contract import ChannelError, Rejected, Unavailable, Uncertain
from channels.email import EmailChannel, listening, sending
from channels.email.settings import EmailSettings
from helpdesk.messages import OutboundMessage, Receipt
from helpdesk.outbound import Outbound, Policy
from helpdesk.outbound.addresses import Resolve
from tests.channels.email.dovecot import make_certificate, ours, reaching
from tests.channels.email.smtp import PASSWORD, USER, Sink, plain, scripted, smtp_sink

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the sink is TLS from the first byte


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    home = tmp_path_factory.mktemp("tls")
    return make_certificate(home), home / "cert.pem"


@pytest.fixture
async def server(certificate: tuple[ssl.SSLContext, Path]) -> AsyncIterator[tuple[Sink, EmailSettings]]:
    async with smtp_sink(certificate[0]) as (sink, port):
        yield sink, _settings(port, certificate[1])


def _settings(port: int, ca_file: Path, **changes: object) -> EmailSettings:
    given: dict[str, object] = {"smtp_host": "localhost", "smtp_security": "tls", "ca_file": str(ca_file)}
    return plain(port, **{**given, **changes})


def answer(*to: str, **changes: object) -> OutboundMessage:
    given: dict[str, object] = {
        "message_id": 7,
        "external_id": "m7.abc@example.test",
        "to": to or ("ada@example.com",),
        "subject": "Re: Printer",
        "text": "Have you tried paper?\n.\n.. a line with dots",
        "from_name": "Grace",
    }
    return OutboundMessage(**{**given, **changes})  # type: ignore[arg-type]


async def send(settings: EmailSettings, message: OutboundMessage) -> Receipt:
    return await reaching(settings).send(message)


async def test_a_mail_is_handed_over_by_tls(server: tuple[Sink, EmailSettings]) -> None:
    sink, settings = server
    receipt = await send(settings, answer("ada@example.com", cc=("ben@example.com",)))
    assert receipt == Receipt(external_id="m7.abc@example.test", answer="250 2.0.0 Ok: queued as 4XyZ")
    [mail] = sink.mails
    assert mail.mail_from == USER
    assert mail.rcpt_tos == ["ada@example.com", "ben@example.com"]
    assert isinstance(mail.content, bytes)
    assert b"\r\n.\r\n.. a line with dots" in mail.content


async def test_starttls_is_taken_where_it_is_asked_for(certificate: tuple[ssl.SSLContext, Path]) -> None:
    async with smtp_sink(certificate[0], starttls=True) as (sink, port):
        await send(_settings(port, certificate[1], smtp_security="starttls"), answer())
        assert len(sink.mails) == 1


async def test_no_starttls_is_no_reason_to_go_on_in_the_clear() -> None:
    async with scripted("220 hi", "250 nothing to offer", "221 bye") as (heard, port):
        with pytest.raises(Unavailable):
            await send(plain(port, smtp_security="starttls"), answer())
        assert not any(line.startswith((b"AUTH", b"MAIL")) for line in heard)


async def test_a_recipient_that_is_refused_is_named(server: tuple[Sink, EmailSettings]) -> None:
    sink, settings = server
    sink.refuse["RCPT"] = {"gone@example.com": "550 5.1.1 Nobody here"}
    receipt = await send(settings, answer("ada@example.com", "gone@example.com"))
    assert receipt.refused == {"gone@example.com": "550 5.1.1 Nobody here"}
    assert sink.mails[0].rcpt_tos == ["ada@example.com"]


@pytest.mark.parametrize(
    ("where", "what", "expected"),
    [
        ("MAIL", "550 5.7.1 Not from here", Rejected),
        ("MAIL", "451 4.3.0 Try later", Unavailable),
        ("RCPT", {"ada@example.com": "550 5.1.1 Nobody here"}, Rejected),
        ("RCPT", {"ada@example.com": "450 4.2.0 Greylisted"}, Unavailable),
        ("RCPT", {"ada@example.com": "421 4.3.2 Shutting down"}, Unavailable),
        ("DATA", "554 5.7.1 Looks like spam", Rejected),
        ("DATA", "552 5.3.4 Too big", Rejected),
        ("DATA", "452 4.3.1 Disk full", Unavailable),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    server: tuple[Sink, EmailSettings], where: str, what: object, expected: type[ChannelError]
) -> None:
    sink, settings = server
    sink.refuse[where] = what
    with pytest.raises(expected) as refusal:
        await send(settings, answer())
    words = next(iter(what.values())) if isinstance(what, dict) else what
    assert str(words) in str(refusal.value)
    if isinstance(refusal.value, Unavailable):
        assert refusal.value.retry_after >= timedelta(minutes=1)
    assert not sink.mails


async def test_one_greylisted_recipient_of_two_refused_means_try_again(
    server: tuple[Sink, EmailSettings],
) -> None:
    sink, settings = server
    sink.refuse["RCPT"] = {"a@example.com": "550 no", "b@example.com": "450 later"}
    with pytest.raises(Unavailable):
        await send(settings, answer("a@example.com", "b@example.com"))


HELLO = ("220 hi", "250 localhost", "250 sender ok", "250 recipient ok", "354 go on")


def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_a_line_that_breaks_after_the_final_dot_is_uncertain() -> None:
    async with scripted(*HELLO, hang_up) as (heard, port):
        with pytest.raises(Uncertain):
            await send(plain(port), answer())
        assert heard[-1].endswith(b"\r\n.\r\n")


async def test_an_end_of_file_after_the_final_dot_is_uncertain() -> None:
    async with scripted(*HELLO, lambda writer: writer.close()) as (_, port):
        with pytest.raises(Uncertain):
            await send(plain(port), answer())


async def test_silence_after_the_final_dot_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TAKES_OVER_WITHIN", 0.1)
    async with scripted(*HELLO) as (_, port):
        with pytest.raises(Uncertain):
            await send(plain(port), answer())


@pytest.mark.parametrize("verbs", range(5))
async def test_a_line_that_breaks_earlier_is_tried_again(verbs: int) -> None:
    async with scripted(*HELLO[:verbs], hang_up) as (_, port):
        with pytest.raises(Unavailable):
            await send(plain(port), answer())


async def test_a_busy_server_is_tried_again() -> None:
    async with scripted("421 4.3.2 too many connections") as (_, port):
        with pytest.raises(Unavailable, match="too many connections"):
            await send(plain(port), answer())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"imap_password": "wrong"}, "refuses the login of support@example.test"),
        ({"smtp_user": "other", "smtp_password": PASSWORD}, "refuses the login of other"),
        ({"ca_file": ""}, "The certificate of localhost is not trusted"),
        ({"smtp_host": "127.0.0.1"}, "The certificate of 127.0.0.1 is not trusted"),
        ({"smtp_host": "nowhere.invalid"}, "There is no server named nowhere.invalid"),
        ({"smtp_port": 1}, "refuses connections on port 1"),
    ],
)
async def test_wrong_settings_are_explained(
    server: tuple[Sink, EmailSettings], changes: dict[str, object], words: str
) -> None:
    settings = msgspec.structs.replace(server[1], **changes)
    with pytest.raises(ChannelError) as trouble:
        await sending.check(settings, USER, ours(settings))
    assert words in str(trouble.value)


async def test_right_settings_pass_the_check(server: tuple[Sink, EmailSettings]) -> None:
    await sending.check(server[1], USER, ours(server[1]))
    assert not server[0].mails


async def test_an_international_address_needs_a_server_that_knows_them(
    server: tuple[Sink, EmailSettings], certificate: tuple[ssl.SSLContext, Path]
) -> None:
    await send(server[1], answer("grüße@example.com"))
    assert server[0].mails[0].rcpt_tos == ["grüße@example.com"]
    async with smtp_sink(certificate[0], utf8=False) as (_, port):
        with pytest.raises(Rejected, match=r"grüße@example\.com"):
            await send(_settings(port, certificate[1]), answer("grüße@example.com"))


@pytest.mark.parametrize(
    "name", ["127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1", "127.1", "rebound.example"]
)
async def test_a_private_server_is_not_called_unless_the_operator_named_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nothing is even dialled; a name that means a public address while it is checked is looked up once."""
    async with scripted("220 never reached") as (heard, port):
        settings = plain(port, smtp_host=name)
        channel = EmailChannel(settings, address=USER)
        if name == "rebound.example":
            channel.outbound = Outbound(Policy(resolve=rebinding("127.0.0.1")))
        with pytest.raises(Unavailable, match="HELPDESK_ALLOW_HOSTS"):
            await channel.send(answer())
        with pytest.raises(ChannelError, match="HELPDESK_ALLOW_HOSTS"):
            await listening.check(plain(port, imap_host=name, imap_port=port), channel.outbound.policy)
    assert not heard


@pytest.mark.parametrize(
    "place", ["169.254.169.254", "fe80::1%1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe"]
)
async def test_where_machines_answer_for_themselves_nobody_is_sent(place: str) -> None:
    """Not even where the operator has named the host: its name may mean another address by now."""
    settings = plain(25, smtp_host="mail.internal")
    channel = EmailChannel(settings, address=USER)
    channel.outbound = Outbound(Policy(frozenset({("mail.internal", 25)}), rebinding(place)))
    with pytest.raises(Unavailable, match="answers for itself"):
        await channel.send(answer())


async def test_the_checked_address_is_called_by_its_name(server: tuple[Sink, EmailSettings]) -> None:
    """Looked up once, and TLS still asks for the certificate of the name."""
    sink, settings = server
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.9"]

    channel = reaching(settings)
    channel.outbound = Outbound(Policy(channel.outbound.policy.allowed, resolve))
    await channel.send(answer())
    assert asked == ["localhost"]
    assert len(sink.mails) == 1


def rebinding(place: str) -> Resolve:
    async def resolve(host: str, port: int) -> list[str]:
        return [place]

    return resolve
