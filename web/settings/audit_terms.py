"""Words of the code in events, as people say them."""

from helpdesk.i18n import Text, _

TERMS: dict[str, Text] = {
    "name": _("name"),
    "email": _("e-mail address"),
    "title": _("title"),
    "company_id": _("company"),
    "language": _("language"),
    "locale": _("language"),
    "time_zone": _("time zone"),
    "address": _("address"),
    "team": _("team"),
    "settings": _("settings"),
    "active": _("on or off"),
    "created": _("made"),
    "desk_name": _("name of the desk"),
    "ticket_prefix": _("what stands before a ticket's number"),
    "take_copies": _("people in copy"),
    "articles_reviewed": _("reviews of articles"),
    "first_day": _("the first steps"),
    "draft_risk": _("false drafts"),
    "answer_risk": _("false answers"),
    "working_hours": _("working hours"),
    "callback_url": _("address for answers"),
    "callback_secret": _("secret for callbacks"),
    "vouches": _("belief in the program"),
    "form_open": _("form on or off"),
    "form_title": _("heading of the form"),
    "form_words": _("words above the form"),
    "form_consent": _("what people agree to"),
    "form_origins": _("sites that show the form"),
    "form_files": _("files in the form"),
    "form_fields": _("fields of the form"),
    "url": _("address"),
    "events": _("events"),
    "includes": _("what goes along"),
    "notes": _("notes"),
}
BECAUSE: dict[str, Text] = {
    "time": _("Its time had come"),
    "reply": _("The customer wrote"),
    "blocked": _("The sender is blocked"),
    "mail": _("A mail had them in copy"),
    "domain": _("By the domain of the address"),
    "reset": _("By a link that was asked for"),
    "mentioned": _("They were mentioned"),
    "mention": _("They were mentioned"),
}
PARTS: dict[str, Text] = {
    "added": _("Added"),
    "changed": _("Changed"),
    "archived": _("No longer offered"),
    "offered": _("Offered again"),
    "key": _("The key that programs write with"),
    "callback": _("The secret that callbacks are signed with"),
    "removed": _("Removed"),
}


def term(name: str) -> str:
    """One without words of its own is shown as it is."""
    return str(TERMS.get(name) or name.removeprefix("fields.").replace("_", " "))


def because(reason: str) -> str:
    return str(BECAUSE.get(reason) or "")


def parts(name: str) -> str:
    return str(PARTS.get(name) or "")
