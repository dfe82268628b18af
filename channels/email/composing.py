"""From an answer to the bytes that go out (RFC 5322, 2045, 3834).

The legacy policy of `email` folds headers at white space only: the modern one rewrites long Message-IDs
as encoded words, and no mail program finds its thread again.
"""

import re
from email import charset, generator
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import format_datetime
from io import BytesIO

from channels.contract import Rejected
from channels.email.tokens import address_with
from helpdesk import clock
from helpdesk.i18n import gettext
from helpdesk.messages import OutboundMessage, Upload

UTF8 = charset.Charset("utf-8")
UTF8.body_encoding = charset.QP  # readable on the way, and 7 bits for servers without 8BITMIME
UTF8.header_encoding = charset.SHORTEST
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
NOT_IN_ID = re.compile(r"[\x00-\x20\x7f<>]|[^\x00-\x7f]")
ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+")


def compose(message: OutboundMessage, *, address: str, from_name: str = "{agent} via {inbox}") -> bytes:
    """The whole mail with CRLF line ends. Raises Rejected where an address is none."""
    mail = _body(message)
    name = from_name.replace("{agent}", message.from_name).replace("{inbox}", address.partition("@")[0])
    mail["From"] = mailbox(address, name if message.from_name else "")
    mail["To"] = _addresses(message.to)
    if message.cc:
        mail["Cc"] = _addresses(message.cc)
    if message.reply_token:
        mail["Reply-To"] = mailbox(address_with(message.reply_token, address), "")
    mail["Subject"] = Header(one_line(message.subject), charset=UTF8, header_name="Subject").encode()
    mail["Date"] = format_datetime(message.written_at or clock.now())
    mail["Message-ID"] = _id(message.external_id)
    if message.in_reply_to:
        mail["In-Reply-To"] = _id(message.in_reply_to)
    if message.references:
        mail["References"] = " ".join(_id(external_id) for external_id in message.references[-20:])
    if message.automatic:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"  # Exchange does not know RFC 3834
    mail["MIME-Version"] = "1.0"
    return _bytes(mail)


def mailbox(address: str, name: str) -> str:
    """`"Ada via support" <support@example.com>`, encoded where it must be."""
    if not ADDRESS.fullmatch(address):
        raise Rejected(gettext("{address} is no e-mail address.").format(address=one_line(address)))
    if not address.isascii():  # RFC 6532: as UTF-8, never as an encoded word
        address = address.encode().decode("ascii", "surrogateescape")
    if not (name := one_line(name)):
        return address
    if not name.isascii():
        return f"{Header(name, charset=UTF8, maxlinelen=60).encode(linesep='')} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'


def one_line(value: str) -> str:
    """No header value may begin another header."""
    return CONTROL.sub(" ", value).strip()


def _addresses(given: tuple[str, ...]) -> str:
    return ", ".join(mailbox(one_line(address), "") for address in given)


def _id(external_id: str) -> str:
    return "<" + NOT_IN_ID.sub("", external_id) + ">"


def _body(message: OutboundMessage) -> Message:
    body: Message = _text(message.text, "plain")
    pictures = [file for file in message.attachments if file.inline and file.content_id and message.html]
    if message.html:
        rich: Message = _text(message.html, "html")
        if pictures:
            rich = _multipart("related", rich, *map(_file, pictures))
        body = _multipart("alternative", body, rich)
    files = [file for file in message.attachments if file not in pictures]
    return _multipart("mixed", body, *map(_file, files)) if files else body


def _multipart(subtype: str, *parts: Message) -> Message:
    whole = MIMEMultipart(subtype)
    del whole["MIME-Version"]
    for part in parts:
        whole.attach(part)
    return whole


def _text(words: str, subtype: str) -> Message:
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    del part["MIME-Version"]
    part.set_payload(words.replace("\r\n", "\n").replace("\r", "\n"), UTF8)
    return part


def _file(file: Upload) -> Message:
    main, _, sub = file.content_type.partition("/")
    if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", file.content_type) or main in {"multipart", "message"}:
        main, sub = "application", "octet-stream"
    part = MIMEBase(main, sub)
    del part["MIME-Version"]
    part.set_payload(file.content)
    encode_base64(part)
    name = one_line(file.name) or "file"
    part.add_header(
        "Content-Disposition",
        "inline" if file.inline else "attachment",
        filename=name if name.isascii() else ("utf-8", "", name),
    )
    if file.content_id:
        part["Content-ID"] = _id(file.content_id)
    return part


def _bytes(mail: Message) -> bytes:
    out = BytesIO()
    generator.BytesGenerator(out, mangle_from_=False, policy=mail.policy.clone(linesep="\r\n")).flatten(mail)
    return out.getvalue()
