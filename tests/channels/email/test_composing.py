"""What goes out, read back with the standard library and with our own eyes."""

import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from channels.contract import Rejected
from channels.email.composing import compose
from channels.email.reading import read
from helpdesk.messages import OutboundMessage, Upload

ADDRESS = "support@desk.test"
TOKEN = "a" * 39


def composed(**changes: object) -> bytes:
    given: dict[str, object] = {
        "message_id": 42,
        "external_id": f"m42.{TOKEN}@desk.test",
        "to": ("ada@example.com",),
        "subject": "Re: Drucker fängt Feuer",
        "text": "Grüße, und ein Satz.\n\nFrom here on\n.",
        "from_name": "Grace",
        "reply_token": TOKEN,
        "in_reply_to": "question-1@example.com",
        "references": ("first@example.com", "question-1@example.com"),
        "written_at": datetime(2025, 1, 6, 9, tzinfo=UTC),
    }
    return compose(OutboundMessage(**{**given, **changes}), address=ADDRESS)  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    made = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(made, EmailMessage)
    return made


def test_an_answer_carries_its_thread_and_its_reply_address() -> None:
    mail = parsed(composed())
    assert b'\r\nFrom: "Grace via support" <support@desk.test>\r\n' in b"\r\n" + composed()
    assert mail["To"] == "ada@example.com"
    assert mail["Reply-To"] == f"support+{TOKEN}@desk.test"
    assert mail["Subject"] == "Re: Drucker fängt Feuer"
    assert mail["Message-ID"] == f"<m42.{TOKEN}@desk.test>"
    assert mail["In-Reply-To"] == "<question-1@example.com>"
    assert mail["References"] == "<first@example.com> <question-1@example.com>"
    assert mail["Date"] == "Mon, 06 Jan 2025 09:00:00 +0000"
    assert mail["MIME-Version"] == "1.0"
    assert mail["Auto-Submitted"] is None
    assert mail.get_content().replace("\r\n", "\n").strip() == "Grüße, und ein Satz.\n\nFrom here on\n."


def test_what_the_desk_writes_itself_says_so() -> None:
    assert parsed(composed(automatic=True))["Auto-Submitted"] == "auto-replied"


def test_only_seven_bits_and_short_lines_leave() -> None:
    raw = composed(text="ü" * 5_000, html="<p>" + "é" * 5_000, from_name="Gräfin Grüße", subject="ß" * 300)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_long_ids_are_never_encoded() -> None:
    """The modern policy of `email` makes encoded words of them, and the thread is lost."""
    long = "x" * 120 + "@prod.outlook.example.com"
    raw = composed(in_reply_to=long, references=(long, long))
    assert raw.count(b"<" + long.encode() + b">") == 3


def test_html_and_files_nest_as_mail_programs_expect() -> None:
    picture = Upload(
        name="a.png", content_type="image/png", content=b"\x89PNG", content_id="pic@desk", inline=True
    )
    report = Upload(name="Prüfung \u202e.pdf", content_type="application/pdf", content=b"%PDF\r\n\x00")
    raw = composed(html='<p>Grüße</p><img src="cid:pic@desk">', attachments=(picture, report))
    assert [part.get_content_type() for part in parsed(raw).walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/pdf",
    ]  # fmt: skip
    back = read(raw)
    assert back.html == '<p>Grüße</p><img src="cid:pic@desk">'
    assert [file.content for file in back.attachments] == [b"\x89PNG", b"%PDF\r\n\x00"]
    assert back.attachments[1].name == "Prüfung .pdf"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "x\r\nBcc: victim@example.com"},
        {"from_name": "Grace\r\nBcc: victim@example.com"},
        {"external_id": "a\r\nBcc: victim@example.com"},
        {"in_reply_to": "a\nBcc: victim@example.com"},
        {"references": ("a\r\n\r\nBcc: victim@example.com",)},
        {
            "attachments": (
                Upload(name="a\r\nBcc: victim@example.com", content_type="a/b\r\nBcc: x", content=b""),
            )
        },
    ],
)
def test_no_value_begins_another_header(changes: dict[str, object]) -> None:
    mail = parsed(composed(**changes))
    assert mail["Bcc"] is None
    assert all(part["Bcc"] is None for part in mail.walk())


@pytest.mark.parametrize(
    "address", ["ada@example.com\r\nBcc: x@example.com", "a@b.c, d@e.f", "<a@b.c>", "", "nobody"]
)
def test_an_address_that_is_none_is_rejected(address: str) -> None:
    with pytest.raises(Rejected):
        composed(to=(address,))


def test_an_international_address_stays_readable() -> None:
    assert "To: grüße@example.com\r\n".encode() in composed(to=("grüße@example.com",))


def test_what_we_write_can_be_answered() -> None:
    """A reply to our own mail leads back by its address; a machine's also by its references alone."""
    ours = read(composed())
    reply = (
        f"From: Ada <ada@example.com>\r\nTo: {ours.reply_to[0].address}\r\nIn-Reply-To: <{ours.message_id}>\r\n"
        "\r\nThanks\r\n"
    )
    assert read(reply.encode()).tokens == (TOKEN,)
    by_id_alone = reply.replace(f"support+{TOKEN}", "support")
    assert read(by_id_alone.encode()).tokens == ()
    assert read(f"Auto-Submitted: auto-replied\r\n{by_id_alone}".encode()).tokens == (TOKEN,)
