"""How a message gets in, read from top to bottom.

Two commits. `keep` stores the raw bytes; only then may a channel acknowledge, or mark a mail as seen.
`receive` turns one of them into a message of a ticket, in one transaction, once: whoever asks again gets
the same message. Attempts are counted before bytes are read, so that a mail that kills its reader is put
aside after the third time with a ticket that says so, and blocks nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    any_,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, defer, joinedload, mapped_column, relationship

from helpdesk import copying, links, routing, scheduling, sides, threads
from helpdesk.clock import now
from helpdesk.database import CHANNEL, Choice, Row
from helpdesk.desk import Desk
from helpdesk.events import DESK, Event, Kind
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.messages import Attachment, InboundMessage, Message, Sender, dedup_key
from helpdesk.patience import follow_ups
from helpdesk.people import Contact, ContactIdentity, identified, recognised
from helpdesk.reading import rows
from helpdesk.sla import Policy, matching
from helpdesk.statements import AnySelect, once
from helpdesk.texts import clean
from helpdesk.tickets import Removal, Ticket

ATTEMPTS = 3
KEPT, HANDED = "kept-", "handed-"
"""Said with an inbox's number when there is something to read, or something for its channel."""
SUBJECT = 500  # characters of a subject that are kept on the ticket; the raw bytes keep it all


class KeptState(StrEnum):
    kept = "kept"
    handed = "handed"  # for its channel, which makes of it what it is: not everything is a message
    received = "received"
    quarantined = "quarantined"
    settled = "settled"  # no message; `outcome` says what came of it


class Kept(Row):
    """The raw bytes of one inbound message, and what came of them."""

    __tablename__ = "kept"

    inbox_id: Mapped[int] = mapped_column(ForeignKey("inbox.id"))
    source: Mapped[str]
    """Where they came from, unique within the inbox: folder, UIDVALIDITY and UID of a mail."""
    raw: Mapped[bytes]
    digest: Mapped[str]
    cut_from: Mapped[int | None] = mapped_column(BigInteger)
    """How many bytes it really has, where it was too big to be taken whole; `raw` is its beginning."""
    state: Mapped[KeptState] = mapped_column(Choice(KeptState), default=KeptState.kept)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    trouble: Mapped[str | None]
    outcome: Mapped[str | None]
    """What came of it, in words, where its channel itself dealt with it."""
    message_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)

    inbox: Mapped[Inbox] = relationship(lazy="raise")

    __table_args__ = (
        UniqueConstraint("inbox_id", "source"),
        Index("ix_kept_waiting", "id", postgresql_where=text("state = 'kept'")),
        Index("ix_kept_handed", "inbox_id", "id", postgresql_where=text("state = 'handed'")),
        Index("ix_kept_put_aside", "inbox_id", "id", postgresql_where=text("state = 'quarantined'")),
    )


async def keep(
    session: AsyncSession,
    inbox_id: int,
    arrived: Sequence[tuple[bytes, str]],
    cursor: dict[str, Any] | None = None,
    cut: Mapping[str, int] = MappingProxyType({}),
    *,
    handed: bool = False,
) -> None:
    """First commit: store (raw bytes, source) pairs and move the cursor. What is known already is left alone.

    `cut`: source → the bytes that it really has, of what was too big to be taken whole. `handed`: the channel
    itself deals with it, since more arrives there than messages.
    """
    if arrived:
        rows = [
            {
                "inbox_id": inbox_id,
                "source": source,
                "raw": raw,
                "digest": sha256(raw).hexdigest(),
                "cut_from": cut.get(source),
                "state": KeptState.handed if handed else KeptState.kept,
            }
            for raw, source in arrived
        ]
        await session.execute(insert(Kept).on_conflict_do_nothing(), rows)
        await session.execute(select(func.pg_notify(CHANNEL, f"{HANDED if handed else KEPT}{inbox_id}")))
    if cursor is not None:
        await session.execute(update(Inbox).where(Inbox.id == inbox_id).values(cursor=cursor))


async def claim(session: AsyncSession, limit: int = 50, *, besides: Collection[int] = ()) -> Sequence[Kept]:
    """Kept messages to read now, their attempts counted, without `raw`; commit before reading any.

    What was tried before is claimed alone, so that one poisonous mail cannot use up its neighbours' attempts.
    `besides` are those that the caller still has in hand.
    """
    waiting = (
        select(Kept)
        .options(joinedload(Kept.inbox).joinedload(Inbox.team), defer(Kept.raw, raiseload=True))
        .where(Kept.state == KeptState.kept, Kept.id.not_in(besides))
        .order_by(Kept.attempts, Kept.id)
        .with_for_update(of=Kept, skip_locked=True)
    )
    claimed = list((await session.scalars(waiting.where(Kept.attempts == 0).limit(limit))).all())
    if not claimed:
        claimed = list((await session.scalars(waiting.limit(1))).all())
    for kept in claimed:
        kept.attempts += 1
    return claimed


async def receive(
    desk: Desk,
    session: AsyncSession,
    inbox: Inbox,
    inbound: InboundMessage,
    *,
    found: threads.Found | None = None,
) -> Message:
    """Second commit: the message in its ticket. Idempotent; `inbox.team` is loaded.

    `found` is where the channel itself knows that it belongs: whoever writes in a thread of Slack was let in there.
    """
    return (await receive_all(desk, session, [(inbox, inbound)], found=found))[0]


async def receive_all(
    desk: Desk,
    session: AsyncSession,
    arrived: Sequence[tuple[Inbox, InboundMessage]],
    *,
    found: threads.Found | None = None,
) -> list[Message]:
    """Second commit for several of which each `stands_alone`, of different senders: half the work for each.

    What one of them is made of is not written before all are, so it must not matter to another.
    """
    arrived = [(inbox, inbound.storable()) for inbox, inbound in arrived]
    together = [inbound for _, inbound in arrived]
    await _one_at_a_time(session, together)
    seen = Seen(
        await _alike(session, together),
        await identified(session, [inbound.sender for inbound in together]),
    )
    with nullcontext() if len(arrived) == 1 else session.no_autoflush:
        messages = [await _received(desk, session, inbox, inbound, seen, found) for inbox, inbound in arrived]
    await session.flush()
    return messages


def stands_alone(inbound: InboundMessage) -> bool:
    """It will open a ticket of its own and bring nobody along, unless it is known already: it touches nothing
    that others hold, so it can be received with others and nobody waits for anybody crosswise."""
    return not (inbound.tokens or inbound.thread or inbound.automatic or copying.brings_along(inbound))


@dataclass(frozen=True)
class Seen:
    """What was there before."""

    alike: Mapping[str | None, Sequence[Message]]
    """By key: the same message in any of our inboxes, oldest first."""
    identities: Mapping[tuple[str, str], ContactIdentity]
    promises: list[Sequence[Policy]] = field(default_factory=list)
    """The active policies in order, once somebody has asked for them."""


async def _received(
    desk: Desk,
    session: AsyncSession,
    inbox: Inbox,
    inbound: InboundMessage,
    seen: Seen,
    known: threads.Found | None = None,
) -> Message:
    alike = seen.alike.get(dedup_key(inbound), ())
    if twin := next((message for message in alike if message.inbox_id == inbox.id), None):
        return twin
    contact = await recognised(session, inbound.sender, seen.identities)
    found = None
    if not contact.is_blocked:  # what they write disturbs no ticket
        found = known or await threads.find(session, desk.keys, inbound, contact, alike=alike)
    over = None
    if found and not inbound.automatic:
        found, over = await follow_ups.placed(session, found, contact, at=_arrived(inbound))
    ticket = found.ticket if found else await _new_ticket(session, inbox, inbound, contact, seen, over)
    if found and found.copy_of:
        message = Message.inbound(inbound, contact, inbox=inbox, matched=found.by)
        message.copy_of_id, message.side_id = found.copy_of.id, found.copy_of.side_id
        ticket.messages.add(message)
    elif found and found.side:
        message = sides.receive(ticket, found.side, inbound, contact, inbox=inbox, matched=found.by)
    else:
        message = ticket.receive(inbound, contact, inbox=inbox, matched=found.by if found else None)
    message.origin_id = found.origin_id if found else None
    message.attachments = await stored(desk, inbound)
    if not (found and (found.copy_of or found.side)):
        if found and not inbound.automatic:
            await scheduling.hold(session, ticket.id)
        await copying.bring_along(session, ticket, inbound, contact, found.by if found else None)
    if over:
        await links.follow(session, ticket, over, by=DESK)
    return message


def cut_short(inbound: InboundMessage, size: int) -> InboundMessage:
    """What is known of a message of which only the beginning was taken: its words, and a line that says so."""
    line = gettext(
        "This message has {size} MB, more than the desk takes. Only its beginning was read, and no attachments; "
        "all of it is still where it arrived."
    ).format(size=size >> 20)
    visible = inbound.text if inbound.visible_text is None else inbound.visible_text
    return replace(
        inbound,
        text=f"{line}\n\n{inbound.text}",
        visible_text=f"{line}\n\n{visible}",
        html=None,
        attachments=(),
    )


RECEIVED = "received-"
"""Said with the number of what was kept, once it is a message, and its ticket's after an `@`: whoever sent it may be
waiting for that answer."""


async def mark_received(
    session: AsyncSession, messages: Mapping[int, Message], *, also_said: Sequence[str] = ()
) -> None:
    """In the transaction of `receive`: the bytes with these ids in `kept` are dealt with. `also_said`: names that
    whoever listens hears once that is committed."""
    done = [
        {"id": kept_id, "state": KeptState.received, "message_id": message.id, "trouble": None}
        for kept_id, message in messages.items()
    ]
    await session.execute(update(Kept), done)
    also = [(_called(), {"names": list(also_said)})] if also_said else []
    await rows(session, (_said(), {"ids": list(messages)}), *also)


@once
def _said() -> AnySelect:
    return (
        select(func.pg_notify(CHANNEL, func.concat(RECEIVED, Kept.id, "@", Ticket.number)))
        .join(Message, Message.id == Kept.message_id)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Kept.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
    )


@once
def _called() -> AnySelect:
    return select(func.pg_notify(CHANNEL, func.unnest(bindparam("names", type_=ARRAY(Text)))))


async def give_up(desk: Desk, session: AsyncSession, kept: Kept, trouble: str) -> Message:
    """Put bytes that can't be read aside, with a ticket that says so: nothing that arrives is ever invisible."""
    stub = InboundMessage(
        external_id="",
        fingerprint=kept.digest + kept.source,
        sender=Sender(address=f"unreadable@{kept.inbox.address}", name=gettext("Unreadable sender")),
        subject=gettext("A message that could not be read"),
        text=gettext(
            "A message arrived that the desk could not read. Its original is kept and can be downloaded below.\n\n"
            "What went wrong: {trouble}"
        ).format(trouble=trouble),
        received_at=kept.created_at or now(),
        automatic=True,
    )
    message = await receive(desk, session, kept.inbox, stub)
    session.add(Event(Kind.quarantined, by=DESK, message=message, ticket_id=message.ticket_id))
    await session.execute(
        update(Kept)
        .where(Kept.id == kept.id)
        .values(state=KeptState.quarantined, trouble=clean(trouble), message_id=message.id)
    )
    return message


async def _one_at_a_time(session: AsyncSession, arrived: Collection[InboundMessage]) -> None:
    """Messages of one sender are received one after the other: no contact, ticket or message is made twice.

    Those they may bring along are locked as well, all in one order, so that no two mails wait for each other.
    """
    senders = {(inbound.sender.kind, inbound.sender.address) for inbound in arrived}
    brought = {("email", other) for inbound in arrived for other in copying.brings_along(inbound)}
    names = [f"{kind}:{address}" for kind, address in sorted(senders | brought)]
    await session.execute(_locks, {"names": names})


_names = func.unnest(bindparam("names", type_=ARRAY(Text))).table_valued("name", with_ordinality="place")
_names = _names.render_derived()
_in_order = select(_names.c.name).order_by(_names.c.place).subquery()
_locks = select(func.pg_advisory_xact_lock(func.hashtextextended(_in_order.c.name, 0)))
_with_keys = (
    select(Message)
    .where(Message.dedup_key == any_(bindparam("keys", type_=ARRAY(Text))))
    .order_by(Message.id)
)


async def _alike(
    session: AsyncSession, arrived: Collection[InboundMessage]
) -> Mapping[str | None, Sequence[Message]]:
    keys = [key for inbound in arrived if (key := dedup_key(inbound))]
    found: dict[str | None, list[Message]] = {}
    for message in await session.scalars(_with_keys, {"keys": keys}) if keys else ():
        found.setdefault(message.dedup_key, []).append(message)
    return found


async def _new_ticket(
    session: AsyncSession,
    inbox: Inbox,
    inbound: InboundMessage,
    contact: Contact,
    seen: Seen,
    over: Ticket | None = None,
) -> Ticket:
    """`over` is what it goes on from, whose time to be opened again has passed."""
    handed_on = await follow_ups.handed_on(session, over, inbox) if over else {}
    unpromised = inbound.automatic or contact.is_blocked
    if not unpromised and not seen.promises:
        with session.no_autoflush:
            seen.promises.append(await matching.policies(session))
    ticket = Ticket.opened(_subject(inbound), contact=contact, inbox=inbox, at=_arrived(inbound))
    if inbound.fields:
        ticket.fields = dict(inbound.fields)
    session.add(ticket)  # no query from here on, so that all of it is one flush
    routing.route(ticket, inbox)
    for name, value in handed_on.items():
        setattr(ticket, name, value)
    team_id = ticket.team.id if ticket.team else None
    ticket.events.add(Event(Kind.ticket_created, by=contact, inbox=inbox.id, team=team_id))
    if not unpromised:
        matching.promise(ticket, seen.promises[0], inbound.received_at)
    if contact.is_blocked:
        ticket.removed, ticket.removed_at = Removal.spam, now()
        ticket.events.add(Event(Kind.removed, by=DESK, now=Removal.spam, because="blocked"))
    return ticket


def _subject(inbound: InboundMessage) -> str:
    line = " ".join((inbound.subject or "").split())
    if not line:
        line = " ".join(inbound.text[:200].split())[:80]
    return line[:SUBJECT] or gettext("(no subject)")


def _arrived(inbound: InboundMessage) -> datetime:
    return min(inbound.received_at, now())


async def stored(desk: Desk, inbound: InboundMessage) -> list[Attachment]:
    return [
        Attachment(
            name=clean(upload.name)[:255],
            content_type=clean(upload.content_type)[:127],
            size=len(upload.content),
            key=await desk.files.put(upload.content),
            content_id=upload.content_id and clean(upload.content_id),
            inline=upload.inline,
        )
        for upload in inbound.attachments
    ]
