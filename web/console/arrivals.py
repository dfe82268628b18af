"""What came since a page was made, where that is little: most answers are said to be sent a moment after they were
written, and nothing but that word changes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.events import Event, Kind
from helpdesk.messages import Message
from helpdesk.reading import rows
from helpdesk.statements import AnySelect, once
from helpdesk.tickets import Ticket

FEW = 10


@dataclass(frozen=True)
class Seen:
    """What a page knows of a ticket: how many events, and the highest number among them.

    Never more than it shows: the count is from the statement that loaded the ticket, before all else.
    """

    happened: int
    last_event: int

    @classmethod
    def read(cls, words: str) -> "Seen | None":
        """As it was written into an address."""
        happened, _, last = words.partition("-")
        return cls(int(happened), int(last)) if _is_number(happened) and _is_number(last) else None

    def __str__(self) -> str:
        return f"{self.happened}-{self.last_event}"


@dataclass(frozen=True)
class Sent:
    seen: Seen
    messages: list[Any]


async def sent_since(session: AsyncSession, ticket: Ticket, seen: Seen) -> Sent | None:
    """The answers that were sent since; None where anything else has happened, or may have.

    An event with a lower number may have been committed after one with a higher: then the count says so.
    """
    new = (ticket.happened or 0) - seen.happened
    if not 0 < new < FEW:
        return None
    (found,) = await rows(session, (_newer(), {"ticket": ticket.id, "after": seen.last_event}))
    if len(found) != new or any(row.kind is not Kind.reply_sent or row.id is None for row in found):
        return None
    return Sent(Seen(seen.happened + new, max(row.event for row in found)), found)


def ours() -> AnySelect:
    """How many events of `ticket` this transaction has written itself."""
    mine = literal_column("event.xmin") == literal_column("pg_current_xact_id_if_assigned()::xid")
    return select(func.count()).where(Event.ticket_id == bindparam("ticket"), mine)


@once
def _newer() -> AnySelect:
    return (
        select(
            Event.id.label("event"),
            Event.kind,
            Message.id,
            Message.delivery,
            Message.send_after,
            Message.trouble,
        )
        .outerjoin(Message, Message.id == Event.message_id)
        .where(Event.ticket_id == bindparam("ticket"), Event.id > bindparam("after", type_=BigInteger))
        .order_by(Event.id)
        .limit(FEW)
    )


def _is_number(words: str) -> bool:
    return words.isascii() and words.isdigit() and len(words) < 19
