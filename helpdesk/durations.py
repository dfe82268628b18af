"""How long something took, in as few words as are still read; the same in lists, tiles, reports, files and mails."""

from helpdesk.i18n import gettext


def units() -> list[str]:
    """Minute, hour, day, week, month, year, as short as they are still read; the page's scripts use the same."""
    return gettext("min|h|d|wk|mo|yr").split("|")


def length(seconds: float) -> str:
    """`40 s`, `48 min`, `3 h 05`, `3 h`, `2 d 4 h`: two units at most. A day has 24 hours."""
    whole = max(0, round(seconds))
    minute, hour, day, *_rest = units()
    if whole < 60:
        return gettext("%(n)s s") % {"n": whole}
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} {minute}"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} {hour} {rest:02}" if rest else f"{hours} {hour}"
    return f"{hours // 24} {day} {hours % 24} {hour}" if hours % 24 else f"{hours // 24} {day}"
