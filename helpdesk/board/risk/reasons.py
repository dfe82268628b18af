"""Why a promise is at risk, in words: `45 min of working time left; 12 before it; Ada has 9 waiting; …`."""

from helpdesk.board.risk.situation import Situation, Usuals
from helpdesk.i18n import gettext, ngettext


def reasons(
    one: Situation, usuals: Usuals, team: str | None, assignee: str | None, *, queue: bool = True
) -> list[str]:
    """What the estimate weighed, the most telling first. Without `queue` nothing is said of other tickets."""
    found = [gettext("%(time)s of working time left") % {"time": length(one.left)}]
    if queue and one.before:
        before = ngettext("%(n)s ticket before it", "%(n)s tickets before it", one.before)
        found.append(before % {"n": one.before})
    if one.waiting is None and not one.present:
        found.append(gettext("nobody has it, and nobody is there"))
    elif one.waiting is None:
        words = ngettext(
            "nobody has it, %(n)s colleague there", "nobody has it, %(n)s colleagues there", one.present
        )
        found.append(words % {"n": one.present})
    elif not one.there:
        found.append(gettext("%(name)s is not there") % {"name": assignee or ""})
    elif queue:
        words = ngettext("%(name)s has %(n)s waiting", "%(name)s has %(n)s waiting", one.waiting)
        found.append(words % {"name": assignee or "", "n": one.waiting})
    if usual := one.usual(usuals):
        words = gettext("such tickets took %(time)s (median of %(n)s)")
        found.append(words % {"time": length(usual.minutes), "n": usual.n})
    return found


def length(minutes: float) -> str:
    """`45 min`, `2 h 10 min`, `31 h`: hours are the largest unit, since a working day has no fixed length."""
    whole = max(0, round(minutes))
    if whole < 60:
        return gettext("%(n)s min") % {"n": whole}
    hours, rest = divmod(whole, 60)
    if hours >= 10 or not rest:
        return gettext("%(n)s h") % {"n": round(whole / 60)}
    return gettext("%(h)s h %(m)s min") % {"h": hours, "m": rest}
