"""What happened, line by line, for the model; and what may happen next."""

from collections import Counter
from datetime import datetime
from typing import Any

from helpdesk.clock import now
from tests.bench.day.model import Entry


class Diary:
    """In the order of time. One ticket has one thing happen to it at a moment: it is locked in the desk as well."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, Entry]] = []
        self.happened: Counter[str] = Counter()
        self._touched: dict[int, datetime] = {}
        self._merged: dict[int, int] = {}

    def may_touch(self, *tickets: int) -> bool:
        """Nothing has happened to them at this moment; if so, it is the caller's."""
        if any(self._touched.get(ticket) == now() for ticket in tickets):
            return False
        self._touched |= dict.fromkeys(tickets, now())
        return True

    def fact(self, ticket_id: int, what: str, **told: Any) -> None:
        """`ticket_id` 0: the whole desk."""
        self._touched[ticket_id] = now()
        self.happened[what] += 1
        self.lines.append((ticket_id, Entry(now(), what, told)))

    def merged(self, source: int, target: int) -> None:
        self.fact(target, "merge", source=source)
        self._merged[source] = target

    def root(self, ticket_id: int) -> int:
        while ticket_id in self._merged:
            ticket_id = self._merged[ticket_id]
        return ticket_id
