"""When a mail says it was written (RFC 5322 section 3.3, and what else is found there)."""

import re
from datetime import UTC, datetime, timedelta, timezone

MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6,
         "pst": -8, "pdt": -7, "cet": 1, "cest": 2, "met": 1, "mest": 2, "bst": 1, "jst": 9}  # fmt: skip
DATE = re.compile(
    r"(?P<day>\d{1,2})[\s./-]+(?P<month>[a-z]{3})[a-z]*[\s.,/-]+(?P<year>\d{2,4})"
    r"(?:[\s,T]+(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2}))?(?P<pm>\s*[ap]m)?)?"
    r"\s*(?P<zone>[+-]\s?\d{1,2}:?\d{2}|[a-z]{1,5})?",
    re.IGNORECASE,
)
UNIX = re.compile(
    r"(?P<month>[a-z]{3})[a-z]*\s+(?P<day>\d{1,2}),?\s+(?:(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
    r"(?P<pm>\s*[ap]m)?\s+)?(?P<zone>[+-]\d{4}|[a-z]{3,4})?\s*(?P<year>\d{4})",
    re.IGNORECASE,
)
COMMENT = re.compile(r"\([^()]*\)")


def date(value: str) -> datetime | None:
    """An instant in UTC or with the offset given; no zone counts as UTC. None where it is no date."""
    value = COMMENT.sub(" ", value)[:200]
    found = DATE.search(value) or UNIX.search(value)
    if not found:
        return _iso(value.strip())
    month = MONTHS.get(found["month"].lower())
    year = int(found["year"])
    if year < 100:
        year += 2000 if year < 50 else 1900
    elif year < 1000:
        year += 1900  # RFC 2822 section 4.3: 103 is 2003
    hour = int(found["hour"] or 0)
    if (half := (found["pm"] or "").strip().lower()) and hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return datetime(
            year, month or 0, int(found["day"]), hour, int(found["minute"] or 0), min(int(found["second"] or 0), 59),
            tzinfo=_zone(found["zone"] or ""),
        )  # fmt: skip
    except (ValueError, OverflowError):
        return None


def _zone(given: str) -> timezone:
    given = given.replace(":", "").replace(" ", "").lower()
    if given[:1] in "+-" and given[1:].isdigit():
        digits = given[1:].zfill(4)
        offset = timedelta(hours=int(digits[:-2]), minutes=int(digits[-2:]))
        if offset < timedelta(hours=24):
            return timezone(-offset if given[0] == "-" else offset)
        return UTC
    return timezone(timedelta(hours=ZONES.get(given, 0)))


def _iso(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
