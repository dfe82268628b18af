"""Active rules: which of them are asked about an event, and for which tickets their conditions hold."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.clock import now
from helpdesk.people import Agent
from helpdesk.rules.happenings import Happening, hears
from helpdesk.rules.named import troubles
from helpdesk.rules.reading import Reading, asked_of, reading
from helpdesk.rules.rows import Rule
from helpdesk.search import index
from helpdesk.statements import AnySelect
from helpdesk.tickets import Ticket

MOST_KEPT = 400
_NOBODY = Agent(name="", email="")


@dataclass(frozen=True)
class Book:
    """The active rules that can be asked, in their order."""

    rules: tuple[Reading, ...] = ()

    def hearing(self, event: Happening) -> list[Reading]:
        return [each for each in self.rules if any(hears(trigger, event) for trigger in each.triggers)]


async def book(session: AsyncSession) -> Book:
    """As it is now. What a rule names and is gone is written down as its trouble, and the rule is not in it."""
    rows = await session.scalars(select(Rule).where(Rule.active).order_by(Rule.position, Rule.id))
    found = [_read(rule) for rule in rows]
    words = await troubles(session, found)
    for each in found:
        trouble = words.get(each.rule.id, "")
        if each.rule.trouble != trouble:
            each.rule.trouble = trouble
    await session.flush()
    return Book(tuple(each for each in found if each.rule.id not in words))


_readings: dict[int, tuple[Any, Reading]] = {}
_versions = count(1)


def _read(rule: Rule) -> Reading:
    """Parsed once as long as it says the same: that costs more than asking it."""
    said = (rule.triggers, rule.condition, rule.actions)
    kept = _readings.get(rule.id)
    if kept is None or kept[0] != said:
        if len(_readings) > MOST_KEPT:
            _readings.clear()
        kept = _readings[rule.id] = (said, replace(reading(rule), version=next(_versions)))
    return replace(kept[1], rule=rule)


async def holding(
    session: AsyncSession, rules: Iterable[Reading], ticket_ids: Collection[int]
) -> dict[int, set[int]]:
    """Ticket → the rules whose condition holds for it now; one statement, and one for those that speak of time."""
    asked = list(rules)
    found: dict[int, set[int]] = {}
    if not ticket_ids:
        return found
    if any(each.asks_for_words for each in asked):
        await index.read_now(session, ticket_ids)  # what has just been said is what they are asked about
    timely = [each for each in asked if each.is_timely]
    timeless = [each for each in asked if not each.is_timely]
    for several, statement in ((timeless, _kept(timeless)), (timely, _asking(timely))):
        if several:
            for ticket_id, *answers in await session.execute(statement, {"ids": list(ticket_ids)}):
                holds = {each.rule.id for each, yes in zip(several, answers, strict=True) if yes}
                found.setdefault(ticket_id, set()).update(holds)
    return found


_statements: dict[tuple[int, ...], AnySelect] = {}


def _kept(rules: Sequence[Reading]) -> AnySelect:
    """Put together once for the same rules: with fifty of them that costs ten times what asking does."""
    key = tuple(each.version for each in rules)
    if key not in _statements:
        if len(_statements) >= MOST_KEPT:
            del _statements[next(iter(_statements))]
        _statements[key] = _asking(rules)
    return _statements[key]


def _asking(rules: Sequence[Reading]) -> AnySelect:
    holds = [holds_for(each).label(f"r{place}") for place, each in enumerate(rules)]
    return select(Ticket.id, *holds).where(Ticket.id.in_(bindparam("ids", expanding=True)))


def holds_for(rule: Reading, *, at_rest: bool = True) -> ColumnElement[bool]:
    """A condition on Ticket; see `asked_of`."""
    found: ColumnElement[bool] = conditions.compile(asked_of(rule.condition, at_rest=at_rest), _NOBODY, now())
    return found


async def wanted(session: AsyncSession, found: Book, events: Sequence[Happening]) -> list[int]:
    """Tickets, by their first event, for which some rule that hears of one of these events holds now."""
    hearing = {event.id: found.hearing(event) for event in events}
    heard = {each.rule.id: each for several in hearing.values() for each in several}
    tickets = {event.ticket_id for event in events if hearing[event.id]}
    holds = await holding(session, heard.values(), tickets)
    wanting = [
        event.ticket_id
        for event in events
        if holds.get(event.ticket_id, set()) & {each.rule.id for each in hearing[event.id]}
    ]
    return list(dict.fromkeys(wanting))
