"""What an import did, counted while it runs: the progress bar, the console's page and the last word."""

from dataclasses import asdict, dataclass, field
from typing import Any

from helpdesk.i18n import Text, _

KINDS: dict[str, Text] = {
    "field": _("Custom fields"),
    "company": _("Companies"),
    "agent": _("Colleagues"),
    "contact": _("Contacts"),
    "ticket": _("Tickets"),
    "message": _("Messages"),
    "file": _("Files"),
}
MOST_TROUBLES = 500  # that are kept; the rest is counted


@dataclass
class Count:
    made: int = 0
    known: int = 0
    """There already: from an earlier run, or the same address."""
    skipped: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        return self.made + self.known + self.skipped + self.failed


@dataclass
class Report:
    counts: dict[str, Count] = field(default_factory=dict)
    troubles: list[dict[str, str]] = field(default_factory=list)
    expected: int = 0
    """Tickets, as far as that could be counted before."""

    def of(self, kind: str) -> Count:
        return self.counts.setdefault(kind, Count())

    def trouble(self, kind: str, source_id: str, why: str, *, skipped: bool = False) -> None:
        count = self.of(kind)
        if skipped:
            count.skipped += 1
        else:
            count.failed += 1
        if len(self.troubles) < MOST_TROUBLES:
            self.troubles.append({"kind": kind, "id": source_id[:100], "why": why[:300]})

    @property
    def changed(self) -> int:
        return sum(count.made for count in self.counts.values())

    @property
    def percent(self) -> int:
        return min(100, self.of("ticket").all * 100 // self.expected) if self.expected else 0

    def told(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, told: dict[str, Any]) -> "Report":
        counts = {kind: Count(**count) for kind, count in told.get("counts", {}).items()}
        return cls(counts, list(told.get("troubles", [])), told.get("expected", 0))
