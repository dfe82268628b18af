"""Whether a condition held for tickets at moments of the past.

What events tell of is asked of the ticket as it was; every other statement as it is now, by one query for all
tickets, and said so (`Judge.by_today`).
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import conditions
from helpdesk.clock import now
from helpdesk.conditions import All, Condition, Either, Not, Operator, Where
from helpdesk.people import Agent
from helpdesk.rules.past import FIELDS, State
from helpdesk.tickets import Ticket

O = Operator  # noqa: E741 - as in helpdesk/conditions
CONSTANT = frozenset({"number", "inbox", "channel", "to", "requester", "requester_name", "requester_address",
                      "requester_called", "company", "company_name"})  # fmt: skip
"""What seldom changes: asked now, and not worth a remark."""


class Judge:
    """`await judge.load(ids)` first; then `holds` costs nothing."""

    def __init__(self, session: AsyncSession, condition: Condition) -> None:
        self._session, self._condition = session, condition
        leaves = {repr(each): each for each in conditions.statements(condition)}
        self._present = [each for each in leaves.values() if not _is_past(each)]
        self._hold: dict[str, frozenset[int]] = {}

    @property
    def by_today(self) -> list[Where]:
        """Statements that were judged by what tickets are now, though they may have been otherwise."""
        return [each for each in self._present if each.field not in CONSTANT]

    async def load(self, ticket_ids: Collection[int]) -> None:
        nobody = Agent(name="", email="")
        for leaf in self._present:
            holds = await conditions.compiled(self._session, leaf, nobody, now())
            found = await self._session.scalars(select(Ticket.id).where(Ticket.id.in_(ticket_ids), holds))
            self._hold[repr(leaf)] = frozenset(found)

    def holds(self, ticket_id: int, then: State) -> bool:
        return self._is(self._condition, ticket_id, then)

    def _is(self, condition: Condition, ticket_id: int, then: State) -> bool:
        match condition:
            case Where():
                if _is_past(condition):
                    return was(condition, then)
                return ticket_id in self._hold[repr(condition)]
            case Not(of):
                return not self._is(of, ticket_id, then)
            case All(of):
                return all(self._is(each, ticket_id, then) for each in of)
            case Either(of):
                return any(self._is(each, ticket_id, then) for each in of)


def _is_past(where: Where) -> bool:
    return where.field in FIELDS


def was(where: Where, then: State) -> bool:
    """One statement about what events tell of, by the operators that such fields have."""
    value: Any = then[where.field]
    wanted = where.value if isinstance(where.value, list) else [where.value]
    has = set(value) if isinstance(value, frozenset) else {value}
    match where.operator:
        case O.is_ if isinstance(value, bool):
            return value is bool(where.value)
        case O.is_ | O.any_of:
            return bool(has & set(wanted))
        case O.is_not | O.none_of:
            return not has & set(wanted)
        case O.all_of:
            return set(wanted) <= has
        case O.is_empty:
            return not value
        case _:
            return bool(value)
