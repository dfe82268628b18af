"""The ways a person can be known, each written in one way only, so that the same address is the same text."""

import re
from enum import StrEnum

import phonenumbers

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext
from helpdesk.texts import clean

LONGEST = 320  # characters; RFC 5321 allows an address no more
NOT_DIGITS = re.compile(r"[^\d+]")
EXTENSION = re.compile(r"(?:ext|x|#|;ext=)\.?\s*\d+$", re.IGNORECASE)
ADDRESS = re.compile(r"[^@\s\x00-\x1f<>(),;:\"\[\]\\]+@[^@\s\x00-\x1f<>(),;:\"\[\]\\]+\.[^@\s.]{2,}")

ANYTHING = re.compile(r"\S.*@\S+")


class IdentityKind(StrEnum):
    """Kinds that agents can add by hand; a channel may bring others."""

    email = "email"
    phone = "phone"
    slack = "slack"
    chat = "chat"
    external = "external"  # the person's id in another program


NAMES: dict[str, Text] = {
    "email": _("E-mail"),
    "phone": _("Phone"),
    "slack": _("Slack"),
    "chat": _("Chat"),
    "external": _("External id"),
}


class NoIdentity(Invalid):
    message = _("This is no address that the desk can keep.")


def kind_name(kind: str) -> str:
    return str(NAMES[kind]) if kind in NAMES else kind.capitalize()


def normal(kind: str, value: str, *, region: str | None = None, strict: bool = True) -> str:
    """As it is stored and compared. Raises NoIdentity with what is wrong.

    `region` (`DE`) reads national phone numbers; without one they keep their digits as they are. Machines write
    from addresses that nobody would type (`root@localhost`): with `strict=False` they are taken.
    """
    text = " ".join(clean(value).split())
    if not text:
        raise NoIdentity(gettext("An address is missing."))
    if len(text) > LONGEST:
        raise NoIdentity(gettext("“%(start)s…” is longer than any address can be.") % {"start": text[:40]})
    if kind == IdentityKind.email:
        return _mail(text, ADDRESS if strict else ANYTHING)
    return _phone(text, region) if kind == IdentityKind.phone else text


def _mail(text: str, form: re.Pattern[str]) -> str:
    address = text.removeprefix("mailto:").strip("<>").lower()
    if not form.fullmatch(address):
        raise NoIdentity(
            gettext("“%(text)s” is no e-mail address; one looks like ada@example.com.") % {"text": text}
        )
    return address


def _phone(text: str, region: str | None) -> str:
    """E.164 where country and number are known, else the digits: a wrong guess would join two people."""
    number = EXTENSION.sub("", text.removeprefix("tel:"))
    digits = NOT_DIGITS.sub("", number.replace("(0)", ""))
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    if not 5 <= len(digits.lstrip("+")) <= 15 or "+" in digits[1:]:
        raise NoIdentity(
            gettext("“%(text)s” is no phone number; one looks like +49 30 1234567.") % {"text": text}
        )
    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return digits
    if not phonenumbers.is_possible_number(parsed):
        return digits
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


WRITTEN_TO = (IdentityKind.email, IdentityKind.phone)
"""Kinds whose values are addresses for people, too."""
UNREAD = frozenset({IdentityKind.chat, IdentityKind.slack})
"""Kinds whose values are numbers that mean something to programs only."""


def shown(kind: str, value: str) -> str:
    """For people: phone numbers in groups, and only enough of a program's number to tell two of them apart."""
    if kind == IdentityKind.chat:
        return gettext("Visitor {number}").format(number=value[:4].upper())
    if kind == IdentityKind.slack:
        return gettext("Member {number}").format(number=value[-4:])
    if kind == IdentityKind.phone and value.startswith("+"):
        try:
            parsed = phonenumbers.parse(value)
        except phonenumbers.NumberParseException:
            return value
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    return value
