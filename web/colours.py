"""The colours that a person may choose for a team, a tag or a status, with their words."""

from helpdesk.i18n import Text, _

NAMES: dict[str, Text] = {
    "grey": _("Grey"),
    "red": _("Red"),
    "orange": _("Orange"),
    "amber": _("Amber"),
    "yellow": _("Yellow"),
    "green": _("Green"),
    "teal": _("Teal"),
    "cyan": _("Cyan"),
    "blue": _("Blue"),
    "indigo": _("Indigo"),
    "violet": _("Violet"),
    "pink": _("Pink"),
    "rose": _("Rose"),
}


def colours() -> list[tuple[str, Text]]:
    return list(NAMES.items())
