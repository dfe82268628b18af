"""What a payload was, in the words of whoever looks at those that failed: a button, a form, a change, and whose."""

from collections.abc import Mapping
from typing import Any

from channels.contract import Unreadable
from channels.slack import reading, showing
from channels.slack.reading import Happening, What
from helpdesk.i18n import Text, _, gettext

BUTTONS: dict[str, Text] = {
    showing.TAKE: _("Take it"),
    showing.RESOLVE: _("Resolve"),
    showing.REOPEN: _("Reopen"),
    showing.PRIORITY: _("Priority"),
    showing.SEND: _("Send to customer …"),
}
FORMS: dict[str, Text] = {
    showing.SENDING: _("The form “Send to customer” was sent"),
    showing.OPENING: _("The form “Open a ticket” was sent"),
    showing.ADDING: _("A customer added words to their rating"),
    reading.OPEN_TICKET: _("“Open a ticket” was chosen at a message"),
    reading.TO_CUSTOMER: _("“Send to customer” was chosen at a message"),
}
KINDS: dict[What, Text] = {
    What.message: _("A message"),
    What.edit: _("A message was changed"),
    What.deletion: _("A message was deleted"),
    What.reaction: _("A message was marked with an emoji"),
    What.shortcut: _("Something was chosen at a message"),
    What.command: _("A command was typed"),
    What.button: _("A button was pressed"),
    What.form: _("A form was sent"),
}


def named(raw: bytes) -> tuple[str, str]:
    """What it was, and by whom: the name that Slack tells, else an id; either may be empty."""
    try:
        found = reading.read(reading.decoded(raw))
    except Unreadable:
        return gettext("Something that the desk can't read"), ""
    return _what(found), _who(found)


def _what(found: Happening) -> str:
    if found.what is What.button:
        name = _of(_first(found.payload.get("actions")), "action_id")
        if name.startswith(showing.RATE):
            return gettext("A customer pressed how it was")
        if name in BUTTONS:
            return gettext("The button “{name}” was pressed").format(name=BUTTONS[name])
    name = _of(found.payload.get("view"), "callback_id") or _of(found.payload, "callback_id")
    if name in FORMS:
        return str(FORMS[name])
    return str(KINDS.get(found.what) or gettext("Something of another kind"))


def _who(found: Happening) -> str:
    user = found.payload.get("user")
    return _of(user, "name") or _of(user, "username") or _of(found.payload, "user_name") or found.user


def _first(given: Any) -> Any:
    return given[0] if isinstance(given, list) and given else None


def _of(holder: Any, name: str) -> str:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    return found if isinstance(found, str) else ""
