"""Waiting for customers, in words: what was done by itself and why, what is ahead, what keeps the desk from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from helpdesk.i18n import Text, _, ngettext
from helpdesk.patience import Outlook, Stays, Step

AHEAD: dict[Step, Text] = {
    Step.remind: _("Reminder"),
    Step.resolve: _("Resolves"),
    Step.close: _("Closes"),
}
"""Beside the time."""

STAYS: dict[Stays, Text] = {
    Stays.left_alone: _("Left alone"),
    Stays.third_party: _("Waits for a third party"),
    Stays.leaving: _("An answer is about to leave"),
    Stays.undelivered: _("The answer did not arrive"),
    Stays.unreachable: _("The customer cannot be reached"),
    Stays.inbox_off: _("The inbox is switched off"),
    Stays.inbox_in_trouble: _("The inbox does not work"),
    Stays.never_open: _("The chosen hours never begin"),
}


def reminded(data: dict[str, Any]) -> str:
    days = data.get("days", 0)
    return ngettext("Reminded: silent for a day", "Reminded: silent for %(num)s days", days) % {"num": days}


def resolved(because: dict[str, Any]) -> str:
    days = because.get("silent") or 0
    if because.get("reminded"):
        return ngettext(
            "Resolved: no answer for a day after the reminder",
            "Resolved: no answer for %(num)s days after the reminder",
            days,
        ) % {"num": days}
    return ngettext("Resolved: no answer for a day", "Resolved: no answer for %(num)s days", days) % {
        "num": days
    }


def closed(because: dict[str, Any]) -> str:
    days = because.get("resolved") or 0
    return ngettext("Closed: resolved for a day", "Closed: resolved for %(num)s days", days) % {"num": days}


def left_alone(data: dict[str, Any]) -> Text:
    if data.get("because") == "failed":
        return _("Left alone: no reminder could be written. Look at the text in the inbox's settings")
    if data.get("now"):
        return _("%(who)s said to leave it alone: no reminder, and nothing is closed by itself")
    return _("%(who)s let the desk remind the customer again")


@dataclass(frozen=True)
class Ahead:
    """What a ticket's page says of it."""

    step: str
    name: str
    at: datetime | None
    why: str
    """Why nothing happens; empty where something does."""
    left_alone: bool


def ahead(found: Outlook | None) -> Ahead | None:
    if found is None:
        return None
    why = str(STAYS[found.stays]) if found.stays else ""
    return Ahead(found.step.value, str(AHEAD[found.step]), found.at, why, found.stays is Stays.left_alone)
