from pathlib import Path

from channels.email import EmailChannel
from channels.email.reading import ParsedMail, read
from channels.email.settings import EmailSettings
from helpdesk.messages import InboundMessage

FIXTURES = Path(__file__).parent / "fixtures"
ADDRESS = "support@desk.test"
SETTINGS = EmailSettings(
    imap_host="localhost", imap_user="u", imap_password="p", smtp_host="localhost", authserv_id="mx.desk.test"
)
TOKEN = "a" * 39


def raw(name: str) -> bytes:
    return (FIXTURES / f"{name}.eml").read_bytes()


def mail(name: str) -> ParsedMail:
    return read(raw(name))


def message(of: str | bytes) -> InboundMessage:
    return EmailChannel(SETTINGS, address=ADDRESS).parse(raw(of) if isinstance(of, str) else of)


def written(body: str = "Hello", **headers: str) -> bytes:
    """A mail from Ada with these headers instead of hers: `written(Subject="…", X_Loop="…")`."""
    given = {
        "From": "Ada <ada@example.com>",
        "To": ADDRESS,
        "Subject": "Printer",
        "Message-ID": "<1@example.com>",
    }
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        "".join(f"{name}: {value}\r\n" for name, value in given.items() if value) + f"\r\n{body}\r\n"
    ).encode()
