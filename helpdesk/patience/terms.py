"""The terms on which an inbox waits: read with what holds without any, changed with an event."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.inboxes import Inbox
from helpdesk.patience import wording
from helpdesk.patience.rows import PACE, Patience

LONGEST = 365  # days
MOST = 3_600  # tickets an hour


@dataclass(frozen=True)
class Terms:
    remind_days: int | None = None
    remind_text: str = ""
    resolve_days: int | None = None
    resolve_text: str = ""
    close_days: int | None = None
    reopen_days: int | None = None
    per_hour: int = PACE
    calendar_id: int | None = None
    past_too: bool = False
    """Also tickets that have been silent, or resolved, since before something of this was first switched on."""


class BadDays(Invalid):
    message = _("Choose from 1 to 365 days, or leave it empty.")


class BadPace(Invalid):
    message = _("Choose from 1 to 3,600 tickets an hour.")


class NoSuchCalendar(Invalid):
    message = _("This calendar is not there any more. Reload the page and choose again.")


async def of(session: AsyncSession, inbox: Inbox) -> Patience:
    """As it is, or as it would be: nothing happens by itself, and every answer opens its ticket again."""
    query = select(Patience).options(joinedload(Patience.calendar)).where(Patience.inbox_id == inbox.id)
    found: Patience | None = await session.scalar(query)
    return found or Patience(inbox_id=inbox.id, remind_text="", resolve_text="", per_hour=PACE)


async def every(session: AsyncSession) -> Sequence[Patience]:
    return (await session.scalars(select(Patience).order_by(Patience.inbox_id))).all()


def checked(terms: Terms) -> Terms:
    """With texts as they are kept. Raises Invalid."""
    for days in (terms.remind_days, terms.resolve_days, terms.close_days, terms.reopen_days):
        if days is not None and not 1 <= days <= LONGEST:
            raise BadDays
    if not 1 <= terms.per_hour <= MOST:
        raise BadPace
    texts = {name: wording.checked(getattr(terms, name)) for name in ("remind_text", "resolve_text")}
    if terms.remind_days is not None and not texts["remind_text"]:
        raise wording.NothingToSay
    return Terms(**asdict(terms) | texts)


async def proposed(session: AsyncSession, inbox: Inbox, terms: Terms) -> Patience:
    """As it would be on these terms, kept by nobody: for a look ahead. Raises Invalid."""
    was = await of(session, inbox)
    found = Patience(inbox_id=inbox.id)
    _put(found, checked(terms), _since(was, terms))
    return found


async def keep(session: AsyncSession, inbox: Inbox, terms: Terms, *, by: Actor) -> Patience:
    """Raises Invalid."""
    terms = checked(terms)
    if terms.calendar_id and not await session.get(Calendar, terms.calendar_id):
        raise NoSuchCalendar
    patience = await of(session, inbox)
    since, before = _since(patience, terms), _shown(patience)
    _put(patience, terms, since)
    session.add(patience)
    await session.flush()
    await session.refresh(patience, ["calendar"])
    after = _shown(patience)
    if changed := sorted(name for name in after if before[name] != after[name]):
        told: dict[str, Any] = {
            name: after[name] for name in changed if not name.endswith("_text") and name != "since"
        }
        session.add(Event(Kind.patience_edited, by=by, about=inbox, fields=changed, **told))
    return patience


def _since(was: Patience, terms: Terms) -> datetime | None:
    """From when silences count: where nothing happened by itself before, from this moment."""
    if terms.past_too:
        return None
    return was.since if was.acts and was.since else now()


def _put(patience: Patience, terms: Terms, since: datetime | None) -> None:
    for name, value in asdict(terms).items():
        if name != "past_too":
            setattr(patience, name, value)
    patience.since = since


def _shown(patience: Patience) -> dict[str, object]:
    names = (*asdict(Terms()), "since")
    return {name: getattr(patience, name) for name in names if name != "past_too"}
