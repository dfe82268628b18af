"""A form for any channel's settings, made from the struct that declares them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo, fields

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext

SECRET = ("password", "secret", "token", "key", "key_before")
WORDS: dict[str, tuple[Text, Text | str]] = {
    "imap_host": (_("IMAP server"), _("Where mail is fetched, such as imap.example.com.")),
    "imap_port": (_("IMAP port"), _("993 with TLS from the start, else 143.")),
    "imap_security": (_("IMAP security"), _("How the line to the mailbox is kept from listeners.")),
    "imap_user": (_("User"), _("Usually the address itself.")),
    "imap_password": (
        _("Password"),
        _("Many providers want an app password, made in their account settings."),
    ),
    "smtp_host": (_("SMTP server"), _("Where answers are sent from, such as smtp.example.com.")),
    "smtp_port": (_("SMTP port"), _("465 with TLS from the start, 587 with STARTTLS.")),
    "smtp_security": (_("SMTP security"), _("How the line that answers leave by is kept from listeners.")),
    "smtp_user": (_("User for sending"), _("Empty: the same user and password as for fetching.")),
    "smtp_password": (_("Password for sending"), _("Empty: the same as for fetching.")),
    "folder": (_("Folder"), _("The folder of the mailbox that is fetched; nearly always INBOX.")),
    "existing": (_("Mails that lie there already"), _("Which of them become tickets when it is connected.")),
    "from_name": (
        _("Sender's name"),
        _("{agent} is who answers, {inbox} the part of the address before the @."),
    ),
    "authserv_id": (
        _("Your mail server's name in Authentication-Results"),
        _("With it the desk knows which senders are proven. Empty: none are."),
    ),
    "ca_file": (
        _("Certificate file"),
        _("Only for a server with a private authority: a path on this machine."),
    ),
    "key": (
        _("Key for programs"),
        _("What programs prove themselves by. Empty: none may send; you can make one later."),
    ),
    "vouches": (
        _("Believe the program who its senders are"),
        _("Only where it signs people in itself and says “verified”."),
    ),
    "callback_url": (
        _("Address for answers"),
        _("Where the program takes answers, signed. Empty: it asks for them."),
    ),
    "callback_secret": (_("Secret for callbacks"), _("What callbacks are signed with: whsec_ and base64.")),
    "form_open": (
        _("Let anybody write through the form"),
        _("Nobody is proven by it, and it opens no ticket that is there already."),
    ),
    "form_title": (_("Heading of the form"), _("Empty: the inbox's name.")),
    "form_words": (_("What stands above the form"), _("Such as when people can expect an answer.")),
    "form_consent": (_("What people have to agree to"), _("Empty: nothing is asked.")),
    "form_origins": (
        _("Sites that may show the form"),
        _("As https://www.example.com, with spaces between them. Empty: none."),
    ),
    "form_files": (_("Let people attach files"), _("As many and as large as a mail of theirs may bring.")),
    "form_fields": (
        _("Fields that the form asks for"),
        _("Keys of ticket fields with spaces between them; easier to choose under Programs and forms."),
    ),
    "bot_token": (_("Bot token"), _("xoxb-…, from “OAuth & Permissions” of the app in Slack.")),
    "app_token": (
        _("App token"),
        _("xapp-…: the desk opens the connection itself (Socket Mode). Empty: Slack calls the desk."),
    ),
    "signing_secret": (
        _("Signing secret"),
        _("From “Basic Information”. Only needed where Slack calls the desk."),
    ),
    "triage_channel": (
        _("Triage channel"),
        _("Id (C…) of an internal channel: each ticket has a card there. Empty: no cards."),
    ),
    "group_minutes": (
        _("One question within so many minutes"),
        _("What one person writes outside of threads so close together is one ticket."),
    ),
    "ticket_emoji": (
        _("Reaction that opens a ticket"),
        _("The name of the emoji, without colons. The thread is taken along."),
    ),
    "direct_messages": (
        _("Direct messages to the app open tickets"),
        _("Whoever writes them, your own people too."),
    ),
    "api_url": (_("Address of Slack's Web API"), _("Other than this only for GovSlack.")),
}
CHOICES: dict[str, Text] = {
    "tls": _("TLS from the start"),
    "starttls": _("STARTTLS"),
    "none": _("None: only for a server on this machine"),
    "unread": _("The unread ones"),
    "all": _("All of them"),
}
MADE = ("key_before", "key_before_until")
"""What the desk itself writes: no form shows it, and it stays as it is."""
FIRST = ("imap_host", "imap_user", "imap_password", "smtp_host", "bot_token", "app_token", "signing_secret")
"""What nobody can do without; the rest has defaults and stands below."""


@dataclass(frozen=True)
class Preset:
    name: str
    values: dict[str, str]


def _at(name: str, imap: str, smtp: str, **more: str) -> Preset:
    usual = {"imap_port": "993", "imap_security": "tls", "smtp_port": "465", "smtp_security": "tls"}
    return Preset(name, {"imap_host": imap, "smtp_host": smtp, **usual, **more})


PRESETS = [
    _at("Google Workspace, Gmail", "imap.gmail.com", "smtp.gmail.com", authserv_id="mx.google.com"),
    _at("Fastmail", "imap.fastmail.com", "smtp.fastmail.com"),
    _at("iCloud Mail", "imap.mail.me.com", "smtp.mail.me.com", smtp_port="587", smtp_security="starttls"),
    _at("Yahoo Mail", "imap.mail.yahoo.com", "smtp.mail.yahoo.com"),
    _at("Zoho Mail", "imap.zoho.com", "smtp.zoho.com"),
    _at("IONOS", "imap.ionos.com", "smtp.ionos.com"),
    _at("OVHcloud", "ssl0.ovh.net", "ssl0.ovh.net"),
    _at("mailbox.org", "imap.mailbox.org", "smtp.mailbox.org"),
    _at("Migadu", "imap.migadu.com", "smtp.migadu.com"),
]


@dataclass(frozen=True)
class Setting:
    """One field of the form."""

    name: str
    label: Text | str
    hint: Text | str
    kind: str  # text, number, secret, switch or choice
    value: Any
    required: bool
    kept: bool = False
    """A secret is stored already; it is never shown, and stays where nothing is typed."""
    options: tuple[tuple[str, Text | str], ...] = ()


def settings_of(kind: type[msgspec.Struct], stored: Mapping[str, Any]) -> list[Setting]:
    return [_setting(field, stored) for field in fields(kind) if field.name not in MADE]


def read(kind: type[msgspec.Struct], given: Mapping[str, str], stored: Mapping[str, Any]) -> msgspec.Struct:
    """Raises Invalid naming the field. Fields that the form does not show keep what is stored."""
    values = dict(stored)
    for field in fields(kind):
        sent = given.get(field.name)
        if _kind(field) == "switch":
            values[field.name] = sent == "true"
        elif sent is None or (_is_secret(field.name) and not sent):
            continue
        elif _kind(field) == "number" and not sent.strip():
            values.pop(field.name, None)
        else:
            values[field.name] = sent if _is_secret(field.name) else sent.strip()
    _require_passwords(given, stored, values)
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(gettext("These settings cannot be right: %(why)s.") % {"why": error}) from None


def _require_passwords(
    given: Mapping[str, str], stored: Mapping[str, Any], values: Mapping[str, Any]
) -> None:
    """A stored password goes to the server that it was typed for, and never to another, or in the clear."""
    kept = [name for name in stored if _is_secret(name) and stored[name] and not given.get(name)]
    moved = [name for name in stored if name.endswith(("_host", "api_url")) and values[name] != stored[name]]
    bared = [name for name in stored if name.endswith("_security") and values[name] != stored[name]]
    if kept and (moved or any(values[name] == "none" for name in bared)):
        raise Invalid(
            gettext("Type the password again: it was stored for another server, or another kind of line.")
        )


def endpoints(settings: msgspec.Struct) -> list[tuple[str, int]]:
    """Where these settings would have the desk connect to."""
    given = msgspec.structs.asdict(settings)
    hosts = [
        (name.removesuffix("_host"), str(host)) for name, host in given.items() if name.endswith("_host")
    ]
    return [(host, int(given.get(f"{what}_port") or 0)) for what, host in hosts if host]


def _setting(field: FieldInfo, stored: Mapping[str, Any]) -> Setting:
    label, hint = WORDS.get(field.name, (field.name.replace("_", " ").capitalize(), ""))
    secret = _is_secret(field.name)
    default = "" if field.required else field.default
    return Setting(
        field.name,
        label,
        hint,
        "secret" if secret else _kind(field),
        "" if secret else stored.get(field.name, default),
        field.required,
        kept=secret and bool(stored.get(field.name)),
        options=_options(field),
    )


def _is_secret(name: str) -> bool:
    return name.endswith(SECRET)


def _kind(field: FieldInfo) -> str:
    match inspect.type_info(field.type):
        case inspect.BoolType():
            return "switch"
        case inspect.IntType():
            return "number"
        case inspect.LiteralType():
            return "choice"
    return "text"


def _options(field: FieldInfo) -> tuple[tuple[str, Text | str], ...]:
    found = inspect.type_info(field.type)
    if not isinstance(found, inspect.LiteralType):
        return ()
    order = list(field.type.__args__)
    return tuple((str(value), CHOICES.get(str(value), str(value))) for value in order)
