"""A week's opening times as people and programs give them, made whole: ascending, apart, none over midnight."""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext

Week = dict[str, list[list[str]]]
DAYS: tuple[Text, ...] = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
MOST = 12
"""Intervals of one day."""
OFFICE: Week = {str(day): [["09:00", "17:00"]] for day in range(5)}
ALWAYS: Week = {str(day): [["00:00", "24:00"]] for day in range(7)}
_WALL = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)", re.ASCII)
_MIDNIGHT = 24 * 60


class NeverOpens(Invalid):
    message = _("A calendar needs at least one day with working hours: nothing would ever be due.")


def whole(days: Mapping[int, Iterable[tuple[str, str]]]) -> Week:
    """From weekday (0 is Monday) → intervals; one that ends before it begins goes on the next morning.

    Midnight at the end is 24:00 or 00:00. Raises Invalid naming the day.
    """
    found: dict[int, list[tuple[int, int]]] = {day: [] for day in range(7)}
    for day, intervals in days.items():
        for opens, closes in intervals:
            _enter(found, day, _minute(day, opens), _minute(day, closes) or _MIDNIGHT)
    for day, spans in found.items():
        spans.sort()
        if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
            raise Invalid(gettext("The hours of %(day)s overlap.") % {"day": DAYS[day]})
        if len(spans) > MOST:
            words = gettext("%(day)s has more than %(most)s intervals.")
            raise Invalid(words % {"day": DAYS[day], "most": MOST})
    if not any(found.values()):
        raise NeverOpens
    return {str(day): [[_wall(a), _wall(b)] for a, b in spans] for day, spans in found.items() if spans}


def _enter(found: dict[int, list[tuple[int, int]]], day: int, opens: int, closes: int) -> None:
    if opens in (_MIDNIGHT, closes):
        words = gettext("One of the intervals of %(day)s has no length: it must end after it begins.")
        raise Invalid(words % {"day": DAYS[day]})
    if opens < closes:
        found[day].append((opens, closes))
    else:
        found[day].append((opens, _MIDNIGHT))
        found[(day + 1) % 7].append((0, closes))


def _minute(day: int, text: str) -> int:
    given = _WALL.fullmatch(text.strip())
    if given is None:
        words = gettext("“%(time)s” on %(day)s is no time of day. Write it like 09:30.")
        raise Invalid(words % {"time": text[:20], "day": DAYS[day]})
    return int(given[1]) * 60 + int(given[2]) if given[1] else _MIDNIGHT


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
