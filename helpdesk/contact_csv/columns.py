"""What the columns of a file mean, guessed by their names, and what a row then says of a contact."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from helpdesk import contacts
from helpdesk.contact_csv.cells import bare, parted
from helpdesk.errors import Invalid
from helpdesk.fields import Registry
from helpdesk.i18n import Text, _, gettext
from helpdesk.identities import NAMES, normal
from helpdesk.texts import clean

FIELD = "field:"
"""Begins the meaning of a custom field's column; its key follows."""
LONGEST_NAME = 2000

MEANINGS: dict[str, Text] = {
    "name": _("Name"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "title": _("Title"),
    "company": _("Company"),
    "email": _("E-mail addresses"),
    "phone": _("Phone numbers"),
    "external": _("External ids"),
    "slack": _("Slack"),
    "chat": _("Chat"),
    "language": _("Language"),
    "time_zone": _("Time zone"),
    "blocked": _("Blocked"),
}
HEADERS = {
    "name": "name fullname contactname displayname contact kunde nom nombre person",
    "first_name": "firstname givenname vorname prenom",
    "last_name": "lastname surname familyname nachname nomdefamille",
    "title": "title jobtitle position role funktion",
    "company": "company companyname organization organisation organizationname account firma firm societe employer",
    "email": "email emails mail emailaddress emailaddresses mailaddress emailadresse primaryemail workemail",
    "phone": "phone phones phonenumber telephone tel mobile mobilephone workphone telefon handy",
    "external": "externalid external id2 customerid customernumber kundennummer uniqueexternalid",
    "slack": "slack slackid slackuser",
    "chat": "chat chatid visitorid",
    "language": "language locale lang sprache",
    "time_zone": "timezone zone zeitzone",
    "blocked": "blocked banned suspended gesperrt",
}
KNOWN = {word: meaning for meaning, words in HEADERS.items() for word in words.split()}
NOT_WORD = re.compile(r"[\W_]+|\d+$")
YES, NO = {"yes", "true", "1", "y", "ja", "x"}, {"no", "false", "0", "n", "nein"}


class NoName(Invalid):
    message = _("Say which column is the name, the e-mail address, the phone number or the external id.")


class UnknownMeaning(Invalid):
    message = _(
        "One of the columns was given a meaning that does not exist. Reload the page and choose again."
    )


@dataclass
class Person:
    """What one row says; empty says nothing."""

    name: str = ""
    title: str = ""
    company: str = ""
    language: str = ""
    time_zone: str = ""
    blocked: bool | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    identities: list[tuple[str, str]] = field(default_factory=list)


def meanings(registry: Registry) -> dict[str, str]:
    """Everything a column can mean, with its words."""
    return {key: str(words) for key, words in MEANINGS.items()} | {
        f"{FIELD}{each.key}": each.name for each in registry
    }


def guessed(columns: Sequence[str], registry: Registry) -> list[str]:
    """One meaning a column, by its name; only addresses may have several columns."""
    mapping: list[str] = []
    for column in columns:
        meaning = _meaning(column, registry)
        mapping.append("" if meaning in mapping and meaning not in NAMES else meaning)
    return mapping


def checked(mapping: Sequence[str], columns: Sequence[str], registry: Registry) -> list[str]:
    """Raises UnknownMeaning or NoName."""
    known = meanings(registry)
    chosen = [*mapping, *[""] * len(columns)][: len(columns)]
    if any(meaning and meaning not in known for meaning in chosen):
        raise UnknownMeaning
    if not {"name", "first_name", "last_name", *NAMES} & set(chosen):
        raise NoName
    return chosen


def read(cells: Sequence[str], mapping: Sequence[str], registry: Registry) -> Person:
    """Raises Invalid with what is wrong with the row."""
    person, names = Person(), {"first_name": "", "last_name": ""}
    for meaning, cell in zip(mapping, cells, strict=False):
        text = bare(cell).strip() if meaning else ""
        if not text:
            continue
        if meaning in NAMES:
            person.identities += [(meaning, _identity(meaning, value)) for value in parted(text)]
        elif meaning.startswith(FIELD):
            person.fields[meaning.removeprefix(FIELD)] = registry[meaning.removeprefix(FIELD)].read(text)
        elif meaning in names:
            names[meaning] = text
        else:
            setattr(person, meaning, _value(meaning, text))
    person.name = person.name or " ".join(filter(None, names.values()))
    person.identities = list(dict.fromkeys(person.identities))
    return person


def _meaning(column: str, registry: Registry) -> str:
    if column.lower().startswith(FIELD):
        key = column[len(FIELD) :].strip()
        return f"{FIELD}{key}" if any(each.key == key for each in registry) else ""
    word = NOT_WORD.sub("", column.lower())
    if word in KNOWN:
        return KNOWN[word]
    return next(
        (f"{FIELD}{each.key}" for each in registry if NOT_WORD.sub("", each.name.lower()) == word), ""
    )


def _value(meaning: str, text: str) -> Any:
    match meaning:
        case "language":
            return _language(text)
        case "time_zone":
            return _time_zone(text)
        case "blocked":
            if text.lower() not in YES | NO:
                raise Invalid(
                    gettext("“%(text)s” under Blocked is neither yes nor no.") % {"text": text[:40]}
                )
            return text.lower() in YES
    if len(text) > LONGEST_NAME:
        raise Invalid(gettext("“%(start)s…” is too long.") % {"start": text[:40]})
    return text


@lru_cache(maxsize=1000)
def _language(text: str) -> str:
    return contacts.language(text)


@lru_cache(maxsize=1000)
def _time_zone(text: str) -> str:
    return contacts.time_zone(text)


def _identity(kind: str, value: str) -> str:
    return normal(kind, clean(value), strict=False)
