"""What a customer writes who is signed in: received as any message is, from an address that they have proved."""

import base64
import hashlib
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from channels.api import reading
from helpdesk import intake
from helpdesk.clock import now
from helpdesk.desk import Desk
from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import InboundMessage, Proof, Sender, Upload
from helpdesk.portal import Customer
from helpdesk.texts import says_something
from helpdesk.texts import written as tidied
from helpdesk.tickets import Ticket
from web.portal.place import Place
from web.public_forms import LONGEST_TEXT, OpenForm, Written
from web.public_questions import Answers

LONGEST_NAME = 255
ONCE = 32  # characters of the number that a form has for its one message


class NothingWritten(Invalid):
    message = _("There is nothing to send: write something first.")


async def asked(
    session: AsyncSession, desk: Desk, place: Place, form: OpenForm, written: Written, besides: Answers
) -> int:
    """A new ticket of the brand's form; its number. Sent twice it is one."""
    customer = _signed_in(place)
    agreed = (
        "\n\n" + gettext("Agreed to: {words}").format(words=form.settings.form_consent)
        if form.settings.form_consent
        else ""
    )
    files = [
        Upload(name=each.name, content_type=each.content_type, content=base64.b64decode(each.content))
        for each in besides.files
    ]
    inbound = _inbound(
        customer,
        tidied(written.text) + agreed,
        once=written.stamp.split(".")[1],
        files=files,
        subject=" ".join(written.subject.split()) or None,
        fields=tuple(besides.values.items()),
    )
    message = await intake.receive(desk, session, form.inbox, inbound)
    await session.flush()
    number = await session.scalar(select(Ticket.number).where(Ticket.id == message.ticket_id))
    return number or 0


async def answered(
    session: AsyncSession,
    desk: Desk,
    place: Place,
    ticket: Ticket,
    text: str,
    files: Sequence[Upload],
    once: str,
) -> int:
    """An answer in a ticket that was found by `helpdesk.portal.tickets`; the number of the ticket it landed in, which
    is another one where this was resolved too long ago."""
    customer = _signed_in(place)
    body = tidied(text) if says_something(text) else ""
    if not body and not files:
        raise NothingWritten
    if len(body) > LONGEST_TEXT:
        words = gettext("This is longer than {most} characters.")
        raise Invalid(words.format(most=LONGEST_TEXT))
    if len(files) > reading.MOST_FILES:
        words = gettext("These are more than {most} files. Send fewer, or put them into one.")
        raise Invalid(words.format(most=reading.MOST_FILES))
    inbox = await session.get_one(Inbox, ticket.inbox_id, options=[joinedload(Inbox.team)])
    token = desk.keys.reply_token(ticket.reply_key, customer.address)
    body = body or gettext("(files only)")
    inbound = _inbound(customer, body, once=once, files=files, tokens=(token,), subject=ticket.subject)
    message = await intake.receive(desk, session, inbox, inbound)
    await session.flush()
    number = await session.scalar(select(Ticket.number).where(Ticket.id == message.ticket_id))
    return number or ticket.number


def fresh() -> str:
    """A number for the one message of a form."""
    return secrets.token_hex(ONCE // 2)


def _inbound(
    customer: Customer,
    text: str,
    *,
    once: str,
    files: Sequence[Upload],
    subject: str | None,
    tokens: tuple[str, ...] = (),
    fields: tuple[tuple[str, object], ...] = (),
) -> InboundMessage:
    content = hashlib.sha256(text.encode("utf-8", "replace"))
    for file in files:
        content.update(hashlib.sha256(file.content).digest() + file.name.encode("utf-8", "replace"))
    return InboundMessage(
        external_id=f"{once[:ONCE]}.{customer.contact.id}.portal",
        sender=Sender(address=customer.address, name=customer.contact.name, proof=Proof.authenticated),
        text=text,
        subject=subject,
        received_at=now(),
        tokens=tokens,
        attachments=tuple(
            Upload(
                name=file.name.replace("\\", "/").rpartition("/")[2][-LONGEST_NAME:] or gettext("File"),
                content_type=file.content_type[:127],
                content=file.content,
            )
            for file in files
        ),
        fields=fields,
        fingerprint=content.hexdigest(),
    )


def _signed_in(place: Place) -> Customer:
    if place.customer is None:
        raise LookupError("Only who is signed in writes here.")
    return place.customer
