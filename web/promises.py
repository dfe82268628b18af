"""How promises are called, and how long they take in the words of people: `1h 30m`."""

import re

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext
from helpdesk.sla import Metric

METRIC_NAMES: dict[Metric, Text] = {
    Metric.first_response: _("First response"),
    Metric.next_response: _("Next response"),
    Metric.update: _("Update"),
    Metric.resolution: _("Resolution"),
}
PROMISED: dict[Metric, Text] = {
    Metric.first_response: _("First response due"),
    Metric.next_response: _("Next response due"),
    Metric.update: _("Update due"),
    Metric.resolution: _("Resolution due"),
}
SIZES = {"d": 1440, "h": 60, "m": 1}
LONGEST = 366 * 1440  # minutes
_PART = re.compile(r"(\d{1,6})\s*(d|h|m)(?:ays?|ours?|r|in(?:utes?)?)?", re.IGNORECASE)


def metric_name(metric: str) -> str:
    return str(METRIC_NAMES[Metric(metric)])


def promised(metric: str) -> str:
    return str(PROMISED[Metric(metric)])


def duration(minutes: int | None) -> str:
    """`1h 30m`; hours are the largest unit, since a day of business hours has no fixed length."""
    if minutes is None:
        return ""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours}h" if hours else "", f"{rest}m" if rest or not hours else "") if part
    )


def minutes_of(words: str) -> int | None:
    """What somebody typed: `1h 30m`, `90m`, `1:30`, `2d` (of 24 hours); None for nothing. Raises Invalid."""
    text = words.strip()
    if not text:
        return None
    if clock := re.fullmatch(r"(\d{1,4}):([0-5]\d)", text):
        found = int(clock[1]) * 60 + int(clock[2])
    else:
        if _PART.sub("", text).strip(" ,"):
            raise Invalid(_wrong(text))
        found = sum(int(size) * SIZES[unit.lower()] for size, unit in _PART.findall(text))
    if not 0 < found <= LONGEST:
        raise Invalid(_wrong(text))
    return found


def _wrong(text: str) -> str:
    return gettext("“%(text)s” is no time. Write it like 30m, 4h or 1h 30m.") % {"text": text[:40]}
