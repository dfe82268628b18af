"""What waits for the commit: facts about tickets whose clocks nobody loaded, and tickets to match anew.

Verbs do no IO. `helpdesk/sla/matching.py` works this off before the session commits, in the same transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.orm import object_session

from helpdesk.events import Actor, Kind

if TYPE_CHECKING:
    from helpdesk.tickets.row import TicketRow as Ticket

KEY = "sla"
ANYTHING = "anything"
"""A field that every condition names: policies may have been edited while nobody reckoned with this ticket."""


@dataclass(frozen=True)
class Fact:
    kind: Kind
    at: datetime
    by: Actor
    since: datetime | None


@dataclass
class Waiting:
    """Of one ticket."""

    facts: list[Fact] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    """What changed, in the words of conditions."""
    since: datetime | None = None
    """A promise may begin, counted from here."""

    def ask(self, *fields: str, since: datetime | None = None) -> None:
        self.fields.update(fields)
        self.since = self.since or since


def postponed(ticket: "Ticket", fact: Fact) -> bool:
    """True where the fact is kept for the commit, because its ticket's clocks are not here."""
    state = inspect(ticket)
    if not state.persistent or not ({"clocks", "policy"} & state.unloaded):
        waiting = _all(ticket).get(ticket)
        if waiting is None or not waiting.facts:
            return False
    _of(ticket).facts.append(fact)
    return True


def reconsider(ticket: "Ticket", *fields: str, since: datetime | None = None) -> None:
    """Something changed that decides which policy applies; `since`: where nothing was promised, it may be now."""
    if object_session(ticket) is None or ticket.policy_fixed:
        return
    _of(ticket).ask(*fields, since=since)


def _all(ticket: "Ticket") -> dict["Ticket", Waiting]:
    session = object_session(ticket)
    return {} if session is None else session.info.get(KEY, {})


def _of(ticket: "Ticket") -> Waiting:
    session = object_session(ticket)
    if session is None:
        raise ValueError("a ticket outside a session has its clocks at hand")
    waiting: dict[Ticket, Waiting] = session.info.setdefault(KEY, {})
    return waiting.setdefault(ticket, Waiting())
