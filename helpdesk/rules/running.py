"""Events that wait for rules: what nobody wants to hear of is forgotten at once, the rest is done ticket by ticket.

A ticket's events are claimed in the transaction that does what they lead to, so whoever is killed has done nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.clock import now
from helpdesk.errors import HelpdeskError
from helpdesk.events import DESK, Event, Kind
from helpdesk.rules import happenings
from helpdesk.rules.asking import Book, book, holding, wanted
from helpdesk.rules.doing import do, locked, steps_of, would
from helpdesk.rules.happenings import Happening
from helpdesk.rules.reading import Reading
from helpdesk.rules.rows import DEEPEST, RuleRun
from helpdesk.tickets import Ticket

BATCH = 200
"""Events that are looked at together."""
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 30
"""Runs that one ticket meets: what goes on and on by way of another program ends here."""


@dataclass(frozen=True)
class Batch:
    found: Book
    tickets: Sequence[int]
    """For which some rule holds, by their first event."""
    more: bool
    """Others may wait behind these."""


async def look(session: AsyncSession) -> Batch:
    """The oldest events that wait. A handful of statements, however many rules and events there are."""
    events = await happenings.waiting(session, BATCH)
    if not events:
        return Batch(Book(), (), more=False)
    found = await book(session)
    tickets = await wanted(session, found, events)
    await happenings.forget(session, [event.id for event in events if event.ticket_id not in tickets])
    return Batch(found, tickets, more=len(events) == BATCH)


async def work(session: AsyncSession, found: Book, ticket_id: int, *, skip: bool = False) -> bool:
    """All that waits about one ticket, event after event. `skip`: False where somebody else holds the ticket now."""
    ticket = await locked(session, ticket_id, skip=skip)
    if ticket is None and skip:
        return False
    events = await happenings.claimed(session, ticket_id)
    if ticket is None or not events:
        return True
    chains = await _chains(session, events)
    budget = await Budget.of(session, ticket)
    for event in events:
        await _ask(session, found, ticket, event, chains.get(event.run_id or 0, ()), budget)
    return True


async def give_up(session: AsyncSession, ticket_id: int) -> None:
    """Something goes wrong with this ticket again and again: its events wait no more, and it says so."""
    events = await happenings.claimed(session, ticket_id)
    if events:
        session.add(Event(Kind.rule_stopped, by=DESK, ticket_id=ticket_id, because="failed"))


async def _ask(
    session: AsyncSession,
    found: Book,
    ticket: Ticket,
    event: Happening,
    chain: tuple[int, ...],
    budget: "Budget",
) -> None:
    own = chain[-1] if chain else None  # no rule is asked about its own doing
    rules = [each for each in found.hearing(event) if each.rule.id != own]
    holds: set[int] | None = None
    for place, rule in enumerate(rules):
        if holds is None:  # an earlier one changed the ticket
            holds = (await holding(session, rules[place:], [ticket.id])).get(ticket.id, set())
        if rule.rule.id not in holds:
            continue
        if why := _cut(rule, chain, budget):
            await _stopped(session, rule, ticket, chain, why)
            continue
        run = await do(session, rule, ticket, once=f"event-{event.id}", cause_id=event.id, chain=chain)
        if run is not None:
            budget.spent += 1
            holds = None
        if rule.rule.stops:
            break


def _cut(rule: Reading, chain: tuple[int, ...], budget: "Budget") -> str:
    """Why it does not run, though it would."""
    if rule.rule.id in chain:
        return "again"
    if len(chain) >= DEEPEST:
        return "deep"
    return "often" if budget.is_spent else ""


async def _stopped(
    session: AsyncSession, rule: Reading, ticket: Ticket, chain: tuple[int, ...], why: str
) -> None:
    """On record where it would have made a difference; of the same rule on the same ticket once an hour."""
    try:
        if not would(await steps_of(session, rule), ticket):
            return
    except HelpdeskError:
        return
    lately = select(Event.id).where(
        Event.ticket_id == ticket.id,
        Event.kind == Kind.rule_stopped,
        Event.actor_id == rule.rule.id,
        Event.created_at > now() - HOUR,
    )
    if await session.scalar(lately.limit(1)) is None:
        told: dict[str, Any] = {
            "rule": rule.rule.id,
            "name": rule.rule.name,
            "because": why,
            "chain": list(chain),
        }
        ticket.events.add(Event(Kind.rule_stopped, by=rule.rule, **told))
        await session.flush()


async def _chains(session: AsyncSession, events: Sequence[Happening]) -> dict[int, tuple[int, ...]]:
    """Run → the rules that led to what it did, itself last."""
    runs = {event.run_id for event in events if event.run_id}
    if not runs:
        return {}
    rows = await session.execute(
        select(RuleRun.id, RuleRun.chain, RuleRun.rule_id).where(RuleRun.id.in_(runs))
    )
    return {number: (*chain, rule_id) for number, chain, rule_id in rows}


@dataclass
class Budget:
    """How many runs a ticket has met within the hour."""

    spent: int

    @classmethod
    async def of(cls, session: AsyncSession, ticket: Ticket) -> "Budget":
        query = select(func.count()).where(RuleRun.ticket_id == ticket.id, RuleRun.created_at > now() - HOUR)
        return cls(await session.scalar(query) or 0)

    @property
    def is_spent(self) -> bool:
        return self.spent >= MOST_AN_HOUR
