"""What customers answer: by a link that only they were given, or by way of a program that took it."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.keys import Keys
from helpdesk.people import Contact
from helpdesk.ratings import Rating, RatingRefusal, Survey
from helpdesk.satisfaction import asking
from helpdesk.texts import written
from helpdesk.tickets import Ticket

OPEN_FOR = timedelta(days=60)
"""How long a question can be answered."""
CHANGE_FOR = timedelta(days=14)
"""How long an answer can be changed."""
LONGEST_COMMENT = 4_000
SIGNED = 22  # characters of base64: 132 bits
PURPOSE = "rating"


class BadScore(Invalid):
    message = _(
        "The score is a whole number from 1 to 5, or from 0 to 10 where a recommendation was asked for."
    )


class TooLong(Invalid):
    message = _("A comment has at most 4,000 characters.")


class Over(Conflict):
    message = _("This answer cannot be changed any more.")


def token(keys: Keys, rating: Rating) -> str:
    """What stands in the link: which question, and that it was us who asked."""
    return rating.public_id + _signature(keys, rating.public_id)


def link(url: str, keys: Keys, rating: Rating) -> str:
    """The page's address; with `/4` behind it, four was chosen."""
    return f"{url}/rate/{token(keys, rating)}"


async def found(session: AsyncSession, keys: Keys, given: str, *, lock: bool = False) -> "Asked":
    """Raises NotFound for whatever isn't a link of ours, at the same cost whether such a question exists or not."""
    public_id, signature = given[:-SIGNED], given[-SIGNED:]
    if not hmac.compare_digest(signature.encode(), _signature(keys, public_id).encode()):
        raise NotFound
    query = select(Rating).where(Rating.public_id == public_id)
    rating = await session.scalar(query.with_for_update() if lock else query)
    if rating is None:
        raise NotFound
    ticket = await session.get_one(Ticket, rating.ticket_id, options=[joinedload(Ticket.inbox)])
    contact = await session.get(Contact, rating.contact_id) if rating.contact_id else None
    return Asked(rating, ticket, contact)


@dataclass(frozen=True)
class Asked:
    """A question with whom it was put to."""

    rating: Rating
    ticket: Ticket
    contact: Contact | None

    @property
    def closes_at(self) -> datetime:
        rating = self.rating
        if rating.answered_at:
            return rating.answered_at + CHANGE_FOR
        return (rating.asked_at or rating.created_at) + OPEN_FOR

    @property
    def is_open(self) -> bool:
        erased = self.ticket.erased_at or self.contact is None or self.contact.erased_at
        return not erased and now() < self.closes_at


def answer(asked: Asked, score: int, comment: str | None = None, *, by: Actor, channel: str) -> None:
    """Take it down, or change it; twice the same changes nothing. None leaves the comment as it is.

    The rating is locked. What was written stays out of events.
    """
    rating = asked.rating
    if not asked.is_open:
        raise Over
    _check(rating.kind, score)
    text = rating.comment if comment is None else written(comment)
    if len(text) > LONGEST_COMMENT:
        raise TooLong
    was, had = rating.score, rating.comment
    if (was, had) == (score, text):
        return
    rating.score, rating.comment, rating.changed_at = score, text, now()
    rating.channel = channel
    rating.answered_at = rating.answered_at or rating.changed_at
    if score != was or (text and not had):
        given: dict[str, Any] = {
            "was": was,
            "now": score,
            "survey": rating.kind.value,
            "commented": bool(text),
        }
        given["assignee"] = rating.assignee_id  # whose work it was, whoever has the ticket now
        asked.ticket.events.add(Event(Kind.rated, by=by, **given))


async def take(
    session: AsyncSession,
    ticket: Ticket,
    score: int,
    comment: str | None = None,
    *,
    by: Actor,
    channel: str,
) -> Rating:
    """A rating of this ticket that came by another way than our link; whether anybody had asked doesn't matter."""
    _check(Survey.csat, score)
    await session.execute(select(asking.one_at_a_time(ticket.contact_id)))
    rating = await asking.begun(session, ticket, Survey.csat)
    session.add(rating)
    await session.flush()
    contact = await session.get(Contact, rating.contact_id) if rating.contact_id else None
    answer(Asked(rating, ticket, contact), score, comment, by=by, channel=channel)
    await session.flush()
    return rating


async def decline(session: AsyncSession, asked: Asked) -> None:
    """They do not want to be asked any more."""
    if asked.contact and not await session.scalar(select(asking.has_declined(asked.contact.id))):
        session.add(RatingRefusal(contact_id=asked.contact.id))
        session.add(Event(Kind.ratings_declined, by=asked.contact, about=asked.contact))


async def declines(session: AsyncSession, contact: Contact) -> bool:
    return bool(await session.scalar(select(asking.has_declined(contact.id))))


async def welcome(session: AsyncSession, contact: Contact, *, by: Actor) -> None:
    """They may be asked again: they said so, to us or on the page."""
    gone = await session.execute(
        delete(RatingRefusal).where(RatingRefusal.contact_id == contact.id).returning(RatingRefusal.id)
    )
    if gone.all():
        session.add(Event(Kind.ratings_welcome, by=by, about=contact))


def _check(kind: Survey, score: int) -> None:
    if isinstance(score, bool) or score not in kind.scale:
        raise BadScore


def _signature(keys: Keys, public_id: str) -> str:
    return keys.link_token(PURPOSE, public_id.encode())[:SIGNED]
