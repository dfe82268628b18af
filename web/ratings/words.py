"""Results in words: never a figure without how many answered and how sure it is.

`82 % (n = 40, 95 % sure between 68 and 91 %)`
"""

from collections.abc import Callable
from typing import Any

from helpdesk.i18n import Text, _, gettext, ngettext
from helpdesk.satisfaction import BAD, DETRACTOR, GOOD, NAMES, PROMOTER, WORDS, Survey, WhyNot
from helpdesk.satisfaction.intervals import Interval

FEW = 10
"""Fewer answers than these are said to be few."""


def share(found: Interval | None) -> str:
    """`82 %`"""
    return gettext("%(value)s %%") % {"value": _percent(found.value)} if found else "–"


def share_sure(found: Interval | None) -> str:
    if found is None:
        return nobody()
    ends = {"n": found.n, "low": _percent(found.low), "high": _percent(found.high)}
    return gettext("n = %(n)s, 95 %% sure between %(low)s and %(high)s %%") % ends


def average(found: Interval | None, most: int = 5) -> str:
    """`4.3 of 5`"""
    return gettext("%(value).1f of %(most)s") % {"value": found.value, "most": most} if found else "–"


def average_sure(found: Interval | None) -> str:
    if found is None:
        return nobody()
    ends = {"n": found.n, "low": found.low, "high": found.high}
    return gettext("n = %(n)s, 95 %% sure between %(low).1f and %(high).1f") % ends


def net(found: Interval | None) -> str:
    """`+34`"""
    return _signed(found.value) if found else "–"


def net_sure(found: Interval | None) -> str:
    if found is None:
        return nobody()
    ends = {"n": found.n, "low": _signed(found.low), "high": _signed(found.high)}
    return gettext("n = %(n)s, 95 %% sure between %(low)s and %(high)s") % ends


def whole(words: str, sure: str) -> str:
    """Both in a line."""
    return f"{words} ({sure})"


def nobody() -> str:
    return gettext("nobody has answered")


def caution(n: int) -> str:
    """What stands beside results of few answers."""
    if not 0 < n < FEW:
        return ""
    words = ngettext(
        "Only %(num)s answer: the true figure may be quite another.",
        "Only %(num)s answers: the true figure may be quite another.",
        n,
    )
    return words % {"num": n}


def score_name(score: int, kind: str) -> str:
    """`😊 Good` or `9 of 10`."""
    if kind == Survey.csat:
        face, label = NAMES[score]
        return f"{face} {label}"
    return gettext("%(score)s of 10") % {"score": score}


def score_tone(score: int, kind: str) -> str:
    bad, good = (BAD, GOOD) if kind == Survey.csat else (DETRACTOR, PROMOTER)
    return "bad" if score <= bad else "good" if score >= good else ""


def rated(data: dict[str, Any]) -> tuple[Text, str]:
    """The line in a ticket's thread, and its tone."""
    score, was, kind = data.get("now", 0), data.get("was"), data.get("survey", "")
    if kind == Survey.nps:
        return _("%(who)s would recommend the desk: %(score)s of 10"), ""
    tone = score_tone(score, kind)
    if was is None:
        return _("%(who)s rated the help: %(score)s of 5"), tone
    if was == score:
        return _("%(who)s added a comment to the rating"), tone
    return _("%(who)s changed the rating from %(was)s to %(score)s of 5"), tone


def why_not(reason: str) -> str:
    return str(WORDS[WhyNot(reason)]) if reason in set(WhyNot) else reason


def kind_name(kind: str) -> str:
    return gettext("About a ticket") if kind == Survey.csat else gettext("Recommendation")


def _percent(value: float) -> int:
    return round(100 * value)


def _signed(value: float) -> str:
    return f"{round(value):+d}".replace("-", "−") if round(value) else "0"


FILTERS: dict[str, Callable[..., Any]] = {
    "score_name": score_name,
    "score_tone": score_tone,
    "why_not": why_not,
    "survey_name": kind_name,
}
