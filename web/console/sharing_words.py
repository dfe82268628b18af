"""Why the desk gave a ticket to somebody, in words."""

from typing import Any

from channels import registry
from helpdesk.i18n import gettext, ngettext


def assigned_because(because: dict[str, Any]) -> list[str]:
    """Why the desk gave a ticket to somebody, as `helpdesk/routing/choosing.py` decided it."""
    words = {
        "in_turn": gettext("it was their turn"),
        "fewest_open": gettext("they had the fewest open tickets"),
        "longest_free": gettext("they were free for longest"),
    }
    found = [words[because["method"]]] if because.get("method") in words else []
    if "open" in because:
        found.append(gettext("they had %(open)s of at most %(cap)s tickets open") % because)
    if channel := because.get("channel"):
        kind = registry.all().get(channel)
        name = str(kind.label) if kind else channel
        told = gettext("of “%(channel)s” they had %(here)s of at most %(most)s")
        found.append(told % (because | {"channel": name}))
    if skills := because.get("skills"):
        found.append(gettext("has the skill %(names)s") % {"names": ", ".join(skills)})
    if without := because.get("without"):
        found.append(gettext("nobody with %(names)s was free in time") % {"names": ", ".join(without)})
    if language := because.get("language"):
        found.append(gettext("speaks %(language)s") % {"language": language})
    if "of" in because:
        found.append(
            ngettext("nobody else could take it", "%(num)s could have taken it", because["of"])
            % {"num": because["of"]}
        )
    return found
