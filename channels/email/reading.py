"""From raw bytes to what a mail says, and from there to what the desk is told of it."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from channels.contract import Unreadable
from channels.email import identity, mime
from channels.email.addresses import Address, addresses, sender
from channels.email.bodies import bodies
from channels.email.dates import date
from channels.email.facts import MailFacts, facts
from channels.email.headers import Headers
from channels.email.markup import to_plain
from channels.email.quotes import CUT, Reply, reply
from channels.email.tokens import tokens
from helpdesk import clock
from helpdesk.messages import InboundMessage, Sender, Upload

ID = re.compile(r"<([^<>]+)>")
DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to")
MOST_REFERENCES = 50


@dataclass(frozen=True, kw_only=True)
class ParsedMail:
    headers: Headers
    senders: tuple[Address, ...]  # one, in any mail that is not up to something
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    delivered_to: tuple[Address, ...]
    subject: str
    date: datetime | None  # as the sender says
    received_at: datetime | None  # as the last server on the way says
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]  # oldest first
    plain: str | None
    html: str | None
    attachments: tuple[Upload, ...]
    facts: MailFacts = field(default_factory=MailFacts)

    @cached_property
    def _words(self) -> str:
        return (self.plain or to_plain(self.html or "")).replace("\r\n", "\n")

    @property
    def text(self) -> str:
        """All words, quotes included; read out of the HTML where there is no plain part."""
        return self._words.replace(f"{CUT}\n", "").replace(CUT, "")

    @cached_property
    def reply(self) -> Reply:
        return reply(self._words)

    @property
    def thread(self) -> tuple[str, ...]:
        """Ids this mail answers, nearest first; a delivery report answers the mail it is about."""
        returned = self.facts.bounce.original_ids if self.facts.bounce else ()
        nearest = [*returned, *self.in_reply_to, *reversed(self.references)]
        return tuple(dict.fromkeys(nearest))[:MOST_REFERENCES]

    @property
    def tokens(self) -> tuple[str, ...]:
        """Those in ids count for machines only: a delivery report has nothing else, and anybody to whom a mail
        was forwarded knows its id."""
        went_to = [entry.address for entry in (*self.to, *self.cc, *self.delivered_to)]
        return tokens(went_to, self.thread if self.facts.automatic else ())

    @property
    def fingerprint(self) -> str:
        """The same for one mail however often and over whichever servers it comes."""
        parts = [
            *(entry.compared for entry in (*self.senders, *self.to, *self.cc)),
            *(self.subject, self.date.isoformat() if self.date else "", self.message_id),
            *(" ".join((text or "").split()) for text in (self.plain, self.html)),
            *(f"{file.name} {hashlib.sha256(file.content).hexdigest()}" for file in self.attachments),
        ]
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def read(raw: bytes) -> ParsedMail:
    """Everything that can be got out of a mail. Raises Unreadable only where it is over a limit."""
    mail = mime.read(raw)
    _share_charset(mail)
    headers = mail.headers
    found = bodies(mail)
    subject = re.sub(r"\s+", " ", headers.text("subject")).strip()
    senders = _senders(headers)
    parsed = ParsedMail(
        headers=headers,
        senders=senders,
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        reply_to=_addresses(headers, "reply-to"),
        delivered_to=tuple(entry for name in DELIVERED for entry in _addresses(headers, name)),
        subject=subject,
        date=date(headers.get("date")),
        received_at=date(headers.get("received").rpartition(";")[2]),
        message_id=next(_ids(headers.get("message-id")), ""),
        in_reply_to=tuple(_ids(headers.get("in-reply-to"))),
        references=tuple(_ids(headers.get("references"))),
        plain=found.text,
        html=found.markup,
        attachments=tuple(found.files),
    )
    author = senders[0].address if senders else ""
    return replace(parsed, facts=facts(mail, subject, author, parsed.text))


def _share_charset(mail: mime.Part) -> None:
    """Raw 8-bit headers are in the charset of the body, if in any that is named."""
    named = next((part.charset for part in mail.walk() if part.charset), "")
    for part in mail.walk():
        part.headers.charset = named


def _senders(headers: Headers) -> tuple[Address, ...]:
    found: list[Address] = []
    for value in headers.all("from"):
        several = addresses(value, headers.charset)
        one = sender(value, headers.charset)
        found += several if len(several) > 1 else [one] if one else []
    if not found:  # then whoever the servers were told it came from; none of it is proof anyway
        found += next(filter(None, (_addresses(headers, name) for name in ("sender", "return-path"))), ())
    return tuple(found)


def _addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    return tuple(entry for value in headers.all(name) for entry in addresses(value, headers.charset))


def _ids(value: str) -> Iterator[str]:
    found = ID.findall(value) or value.split()
    return (re.sub(r"\s+", "", given).strip("<>") for given in found)


def message(mail: ParsedMail, *, address: str, authserv_id: str = "") -> InboundMessage:
    """What the desk needs to know. Raises Unreadable where nobody, or more than one, claims to have written it."""
    author = _author(mail)
    ours = address.lower()
    machine = mail.facts.automatic or author.compared == ours
    return InboundMessage(
        external_id=mail.message_id[:900],
        sender=Sender(
            address=author.compared,
            name=author.name,
            proof=identity.proof(mail.headers, author.compared, authserv_id),
        ),
        text=mail.text,
        visible_text=mail.reply.visible or mail.reply.written,
        html=mail.html,
        subject=mail.subject or None,
        received_at=_received(mail),
        thread=mail.thread,
        tokens=mail.tokens,
        recipients=tuple(
            dict.fromkeys(
                entry.compared for entry in (*mail.to, *mail.cc) if _mailbox(entry.compared) != _mailbox(ours)
            )
        ),
        reply_to=tuple(dict.fromkeys(entry.compared for entry in mail.reply_to)),
        attachments=mail.attachments,
        automatic=machine,
        fingerprint=mail.fingerprint,
    )


def _author(mail: ParsedMail) -> Address:
    if not mail.senders:
        raise Unreadable("This mail does not say who sent it: it has no From.")
    if len(mail.senders) > 1:
        named = ", ".join(entry.address for entry in mail.senders[:5])
        raise Unreadable(f"This mail names more than one sender ({named}), so none of them can be believed.")
    return mail.senders[0]


def _mailbox(address: str) -> str:
    """Without what stands behind a plus: reply addresses are ours as well."""
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _received(mail: ParsedMail) -> datetime:
    """Our own server's time stamp before the sender's, and never in the future."""
    now = clock.now()
    return min(mail.received_at or mail.date or now, now)
