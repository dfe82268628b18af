"""Who of several gets a ticket, and why. Pure: what is known comes in, a decision with its reasons goes out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from helpdesk.routing.rows import Method

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Needs:
    """What a ticket asks for."""

    channel: str
    language: str | None = None
    skills: frozenset[str] = frozenset()
    relaxed: bool = False
    """It has waited long enough for somebody who has all of it."""


@dataclass
class Candidate:
    """A colleague who is there and may answer this ticket."""

    agent_id: int
    cap: int
    open: int = 0
    by_channel: dict[str, int] = field(default_factory=dict)
    channel_caps: dict[str, int] = field(default_factory=dict)
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    given_at: datetime | None = None

    def has_room(self, channel: str) -> bool:
        most = self.channel_caps.get(channel)
        return self.open < self.cap and (most is None or self.by_channel.get(channel, 0) < most)

    def takes(self, channel: str, at: datetime) -> None:
        self.open += 1
        self.by_channel[channel] = self.by_channel.get(channel, 0) + 1
        self.given_at = at


@dataclass(frozen=True)
class Choice:
    agent_id: int
    reasons: dict[str, object]
    """What it was decided on, for the event: method, open, cap, of (how many could have taken it), skills, …"""


def choose(method: Method, needs: Needs, candidates: Sequence[Candidate]) -> Choice | None:
    """None: nobody who could take it has room, or who is wanted for it is not free yet."""
    able = [one for one in candidates if one.has_room(needs.channel)]
    reasons: dict[str, object] = {"method": method.value}
    if needs.skills:
        skilled = [one for one in able if needs.skills <= one.skills]
        if not skilled and not needs.relaxed:
            return None
        able = skilled or able
        reasons["skills" if skilled else "without"] = sorted(needs.skills)
    if needs.language:
        speaking = [one for one in able if needs.language in one.languages]
        if speaking:
            able, reasons["language"] = speaking, needs.language
    if not able:
        return None
    chosen = min(able, key=lambda one: _rank(method, one))
    reasons |= {"open": chosen.open, "cap": chosen.cap, "of": len(able)}
    if (most := chosen.channel_caps.get(needs.channel)) is not None:
        reasons |= {"channel": needs.channel, "here": chosen.by_channel.get(needs.channel, 0), "most": most}
    return Choice(chosen.agent_id, reasons)


def _rank(method: Method, one: Candidate) -> tuple[object, ...]:
    """The smallest is chosen; the number at the end makes it the same one each time."""
    last = one.given_at or NEVER
    match method:
        case Method.fewest_open:
            return (one.open / one.cap, last, one.agent_id)
        case Method.longest_free:
            return (one.open > 0, last, one.agent_id)
    return (last, one.agent_id)
