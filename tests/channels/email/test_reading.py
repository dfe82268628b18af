"""What the desk is told of a mail."""

import time
from datetime import UTC, datetime

import pytest

from channels.contract import Unreadable
from channels.email.reading import read
from helpdesk.messages import Proof
from tests.channels.email.mails import TOKEN, mail, message, raw, written


def test_an_ordinary_mail() -> None:
    question = message("question")
    assert question.sender.address == "ada@example.com"
    assert question.sender.name == "Ada Lövelace"
    assert question.sender.proof is Proof.authenticated
    assert question.subject == "Drucker fängt Feuer"
    assert question.text.startswith("Guten Tag,\n\nunser Drucker fängt Feuer.")
    assert question.visible_text == "Guten Tag,\n\nunser Drucker fängt Feuer. Was tun?"
    assert question.external_id == "question-1@example.com"
    assert question.recipients == ("ben@example.com", "cleo@example.com")
    assert question.reply_to == ("office@example.com",)
    assert question.received_at == datetime(2025, 1, 6, 9, 0, 5, tzinfo=UTC)
    assert not question.automatic


def test_an_answer_to_ours_carries_its_token_and_its_thread() -> None:
    answer = message("answer-to-ours")
    assert answer.tokens == (TOKEN,)
    assert answer.thread == (f"m42.{TOKEN}@desk.test", f"m41.{'b' * 39}@desk.test", "question-1@example.com")
    assert answer.visible_text == "It works now, thank you!"
    assert "Have you tried water?" in answer.text
    assert answer.recipients == ()


def test_html_alone_is_read_as_text_with_the_quote_folded() -> None:
    html = message("outlook-html-only")
    assert html.visible_text == "Die Summe stimmt nicht, siehe Bild.\n\nGrüße\nAda"
    assert "Anbei Ihre Rechnung." in html.text
    assert "\ufdd0" not in html.text
    assert html.sender.name == "Lovelace, Ada"
    [picture] = html.attachments
    assert (picture.name, picture.content_id, picture.inline) == ("image001.png", "image001.png@01DB", True)
    assert picture.content == b"\x89PNG\r\n\x1a\n"


def test_raw_eight_bit_headers_are_read_in_the_charset_of_the_body() -> None:
    latin = message("raw-latin1")
    assert (latin.sender.name, latin.subject) == ("Jürgen Müller", "Grüße aus Köln")
    assert latin.text.strip() == "Schöne Grüße"


def test_files_keep_their_bytes_and_lose_their_paths() -> None:
    files = mail("forwarded-and-files")
    assert files.text == "First part.\nSecond part."
    pdf, boot, forwarded = files.attachments
    assert (pdf.name, pdf.content) == ("Grüße.pdf", b"%PDF-1.4")
    assert (boot.name, boot.content) == ("boot.ini", b"boot")
    assert forwarded.name == "The original=20.eml"
    assert forwarded.content.endswith(b"kept   byte for byte\t\r\n")


@pytest.mark.parametrize("name", ["bounce-dsn", "bounce-qmail"])
def test_a_bounce_leads_to_the_mail_that_did_not_arrive(name: str) -> None:
    bounce = mail(name).facts.bounce
    assert bounce
    assert bounce.permanent
    assert bounce.dead_address
    assert bounce.recipients[0].startswith("gone@example.")
    assert bounce.statuses == ("5.1.1",)
    told = message(name)
    assert told.automatic
    assert told.thread[0] == f"m42.{TOKEN}@desk.test"
    assert TOKEN in told.tokens


def test_an_absence_note_is_automatic_and_no_bounce() -> None:
    away = mail("vacation")
    assert away.facts.out_of_office
    assert away.facts.bounce is None
    assert message("vacation").automatic


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Auto-Submitted": "auto-generated; type=x"},
        {"X-Auto-Response-Suppress": "OOF, AutoReply"},
        {"X-Autoreply": "yes"},
        {"X-Loop": "support@desk.test"},
        {"Feedback-ID": "1:2:3"},
        {"Precedence": "bulk"},
        {"List-Id": "<news.example.com>"},
        {"Return-Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"From": "no-reply@example.com"},
        {"From": "support@desk.test"},
        {"Subject": "Out of office"},
        {"Subject": "Undeliverable: Re: [#1]"},
        {"X-MS-Exchange-Inbox-Rules-Loop": "x"},
        {"X-Mailer": "Vacation 2.1"},
        {"Content-Type": "multipart/report; report-type=feedback-report"},
    ],
)
def test_machines_are_recognised(headers: dict[str, str]) -> None:
    assert message(written(**headers)).automatic


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto-Submitted": "no"},
        {"Auto-Submitted": "auto-forwarded"},
        {"X-Auto-Response-Suppress": "None"},
    ],
)
def test_people_are_recognised(headers: dict[str, str]) -> None:
    """ "Auto-Submitted: no" is a person, and so is whoever wrote what a rule forwarded."""
    assert not message(written(**headers)).automatic


@pytest.mark.parametrize(
    ("results", "proof"),
    [
        ("mx.desk.test; dmarc=pass header.from=example.com", Proof.authenticated),
        (
            "mx.desk.test 1; spf=pass; dmarc=pass (p=none dis=none) header.from=example.com",
            Proof.authenticated,
        ),
        ("mx.desk.test; dmarc=fail header.from=example.com", Proof.failed),
        ("mx.desk.test; dmarc=none header.from=example.com", Proof.none),
        ("mx.desk.test; dkim=pass header.d=example.com; spf=pass", Proof.none),
        ("mx.desk.test; dmarc=pass header.from=evil.test", Proof.none),
        ("mx.desk.test (comment; dmarc=pass); dmarc=bestguesspass", Proof.none),
        ("mx.evil.test; dmarc=pass header.from=example.com", Proof.none),
        ("mx.desk.test.evil.test; dmarc=pass header.from=example.com", Proof.none),
        (
            "mx.desk.test; dmarc=pass header.from=example.com; dmarc=fail header.from=example.com",
            Proof.failed,
        ),
        ("", Proof.none),
    ],
)
def test_only_our_own_server_vouches_for_a_sender(results: str, proof: Proof) -> None:
    assert message(written(Authentication_Results=results)).sender.proof is proof


def test_a_result_that_came_with_the_mail_is_worth_nothing() -> None:
    """Ours stands on top; what is below it was there before."""
    forged = b"Authentication-Results: mx.desk.test; dmarc=pass header.from=example.com\r\n"
    ours = b"Authentication-Results: mx.desk.test; dmarc=fail header.from=example.com\r\n"
    assert message(ours + forged + written()).sender.proof is Proof.failed
    other = b"Authentication-Results: relay.test; dmarc=pass\r\n"
    assert message(other + forged + written()).sender.proof is Proof.none


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "ada@example.com, ben@example.com"},
        {"From": "Ada <ada@example.com>\r\nFrom: Ben <ben@example.com>"},
        {"From": ""},
    ],
)
def test_a_mail_with_no_or_two_senders_is_believed_of_nobody(headers: dict[str, str]) -> None:
    with pytest.raises(Unreadable):
        message(written(**headers))


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ('"ben@example.com" <ada@example.com>', "ada@example.com", "ben@example.com"),
        ("Lovelace, Ada <ada@example.com>", "ada@example.com", "Lovelace, Ada"),
        ("ada@example.com (Ada)", "ada@example.com", "Ada"),
        ("=?utf-8?q?Ada=2C_Ben_=3Cx=40y=2Ez=3E?= <ada@example.com>", "ada@example.com", "Ada, Ben <x@y.z>"),
        ("ADA@Example.COM", "ada@example.com", ""),
    ],
)
def test_a_display_name_is_never_taken_for_the_address(value: str, address: str, name: str) -> None:
    sender = message(written(From=value)).sender
    assert (sender.address, sender.name) == (address, name)


def test_our_own_header_names_mean_nothing_from_outside() -> None:
    forged = message(written(X_Helpdesk_Ticket="1", X_Helpdesk_Token=TOKEN, X_Helpdesk_Agent="Grace"))
    plain = message(written())
    assert (forged.tokens, forged.fingerprint, forged.sender) == ((), plain.fingerprint, plain.sender)


def test_the_fingerprint_survives_another_way_and_another_encoding() -> None:
    here = written("Grüße")
    there = (
        b"Received: from elsewhere\r\nX-Spam-Score: 1\r\nDelivered-To: x@desk.test\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        + written("Gr=C3=BC=C3=9Fe")
    )
    assert message(here).fingerprint == message(there).fingerprint
    assert message(here).fingerprint != message(written("Other words")).fingerprint


def test_no_character_is_left_that_the_database_refuses() -> None:
    nasty = message(written("a\0b\x0bc", Subject="x\0y \x08z"))
    assert (nasty.text.strip(), nasty.subject) == ("abc", "xy z")
    lone = message(b"From: a@b.c\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-x")
    lone.text.encode()


def bomb(name: str) -> bytes:
    head = b"From: a@b.c\r\nSubject: x\r\n"
    if name == "depth":
        levels = [
            b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1000)
        ]
        return head + b"".join(levels)
    if name == "parts":
        return head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 50_000
    if name == "recipients":
        return head + b"To: " + b",\r\n ".join(b"u%d@example.com" % n for n in range(3_000)) + b"\r\n\r\nx"
    if name == "headers":
        return head + b"X-A: b\r\n" * 2_000 + b"\r\nx"
    if name == "header":
        return head + b"X-A: " + b"b" * 10_000_000 + b"\r\n\r\nx"
    return head + b"\r\n" + b"x" * (51 * 1024 * 1024)


@pytest.mark.parametrize("name", ["depth", "parts", "recipients", "headers", "header", "size"])
def test_a_bomb_is_refused_at_once(name: str) -> None:
    made = bomb(name)
    started = time.process_time()
    with pytest.raises(Unreadable):
        read(made)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "body",
    [
        "> " * 50_000, ">" * 100_000, "On " * 50_000, "From: x\n" * 20_000, "-" * 100_000, "wrote:\n" * 20_000,
        "begin 644 x\n" * 10_000, "<" * 100_000, "a@b.c <" * 20_000, "_" * 50_000 + "\n" + " " * 50_000,
        "On Mon, 1 Jan 2024 x <\n" * 10_000, "5.1.1 user unknown " * 5_000, "Sent from my " * 10_000,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_no_text_takes_long(body: str, kind: str) -> None:
    made = written(body, Content_Type=f"text/{kind}", From="MAILER-DAEMON@example.com")
    started = time.process_time()
    assert read(made).reply
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "value",
    [
        "=?" * 20_000,
        "(" * 30_000,
        "<" * 30_000,
        '"' * 30_000,
        "a@b.c," * 400,
        "=?utf-8?q?=" * 5_000,
        ";x*0*=" * 5_000,
    ],
)
@pytest.mark.parametrize(
    "name", ["From", "Subject", "Content-Type", "References", "Date", "Authentication-Results"]
)
def test_no_header_takes_long(name: str, value: str) -> None:
    made = written(**{name: value})
    started = time.process_time()
    read(made)
    assert time.process_time() - started < 1


def test_reading_is_cheap_enough_for_a_hundred_mails_a_second() -> None:
    """A 2 KB mail is read in well under the 10 ms that this leaves to everything."""
    made = raw("question") + b"Some more words in a line of an ordinary length.\r\n" * 30
    started = time.process_time()
    for _ in range(50):
        message(made)
    assert (time.process_time() - started) / 50 < 0.005


@pytest.mark.parametrize(
    "sender", [f"<{'漢' * 400}@evil.example>", f"{'a' * 400}@evil.example", f"<a@{'b' * 400}>"]
)
def test_what_is_longer_than_any_address_is_none(sender: str) -> None:
    with pytest.raises(Unreadable, match="does not say who sent it"):
        message(written(From=sender))


def test_an_address_holds_nothing_that_is_not_seen() -> None:
    """Neither ends of lines out of an encoded word nor characters that turn the rest around."""
    author = message(written(From="=?utf-8?Q?<ada=0D=0A=E2=80=AE=00@example.com>?=")).sender
    assert author.address.isprintable()
    assert author.name.isprintable()


def test_two_precedences_are_both_read() -> None:
    raw = written(Precedence="first-class").replace(b"To:", b"Precedence: bulk\r\nTo:", 1)
    assert message(raw).automatic
