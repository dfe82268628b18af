"""How much one caller may ask in a minute, counted by this process.

Counting in the database would cost each request a write. A desk runs one process that serves; where it runs several
behind a balancer, each counts for itself.
"""

from collections import Counter
from dataclasses import dataclass
from time import monotonic

from helpdesk.errors import HelpdeskError
from helpdesk.i18n import _

WINDOW = 60  # seconds
FREE_OF_STRANGERS = 60
"""Requests a minute with a token that is none, from one address."""


class TooMany(HelpdeskError):
    status = 429
    message = _("That were too many requests in this minute. Wait as long as Retry-After says.")


@dataclass(frozen=True)
class Rate:
    limit: int
    remaining: int
    reset: int
    """Seconds until it starts anew."""

    @property
    def headers(self) -> dict[str, str]:
        """As in draft-ietf-httpapi-ratelimit-headers, in the form that clients know."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
        }


class Rates:
    """Windows begin for all callers at once, so that forgetting the last one is forgetting everything."""

    def __init__(self) -> None:
        self._begun = monotonic()
        self._taken: Counter[str] = Counter()

    def take(self, key: str, limit: int) -> tuple[Rate, bool]:
        """What is left, and whether this one still fits."""
        left = self._left()
        self._taken[key] += 1
        return Rate(limit, max(0, limit - self._taken[key]), left), self._taken[key] <= limit

    def is_over(self, key: str, limit: int) -> bool:
        self._left()
        return self._taken[key] >= limit if key in self._taken else False

    def _left(self) -> int:
        passed = monotonic() - self._begun
        if passed >= WINDOW:
            self._begun += passed - passed % WINDOW
            self._taken.clear()
            passed %= WINDOW
        return max(1, round(WINDOW - passed))
