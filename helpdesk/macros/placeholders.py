"""`{{contact.first_name|there}}` in a macro: a name from a fixed list, and what stands there without one.

Nothing is evaluated: a name is looked up, and what is found is put in once, as text. What a customer wrote is
never searched for braces, so nobody can have anything filled in by writing it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from helpdesk.errors import Invalid
from helpdesk.i18n import Text, _, gettext

HOLE = re.compile(r"\{\{\s*([a-z_]+(?:\.[a-z0-9_]+){1,2})\s*(?:\|([^{}\n]{0,200}))?\}\}")
BRACES = re.compile(r"\{\{.{0,80}", re.DOTALL)

PLACEHOLDERS: Mapping[str, Text] = {
    "contact.first_name": _("Customer's first name"),
    "contact.name": _("Customer's name"),
    "contact.address": _("Customer's address"),
    "company.name": _("Customer's company"),
    "ticket.number": _("Ticket number"),
    "ticket.subject": _("Subject"),
    "agent.first_name": _("Your first name"),
    "agent.name": _("Your name"),
    "team.name": _("Team"),
    "inbox.name": _("Inbox"),
    "desk.name": _("Name of the desk"),
}
"""Besides these, custom fields by key: `ticket.fields.order`, `contact.fields.plan`, `company.fields.tier`."""

FIELDS = re.compile(r"(ticket|contact|company)\.fields\.[a-z0-9_]+")


class Unknown(Invalid):
    """A name that means nothing, or braces that were not closed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            gettext("“%(name)s” means nothing here. Choose from the list of placeholders.") % {"name": name}
        )


@dataclass(frozen=True)
class Filled:
    text: str
    gaps: tuple[str, ...]
    """Names for which nothing is known, and which had no words of their own for that: `[…]` stands there."""


def names_in(text: str) -> list[str]:
    """Every name once, in order; raises Unknown."""
    names = [found[1] for found in HOLE.finditer(text)]
    for name in names:
        if name not in PLACEHOLDERS and not FIELDS.fullmatch(name):
            raise Unknown(name)
    if left := BRACES.search(HOLE.sub("", text)):
        raise Unknown(left[0])
    return list(dict.fromkeys(names))


def fill(text: str, values: Mapping[str, str]) -> Filled:
    """Put values in, in one pass: what they contain is text, even if it looks like a placeholder or a link with other
    words on it, which a customer's name may."""
    gaps: list[str] = []

    def put(found: re.Match[str]) -> str:
        name, instead = found[1], found[2]
        if value := values.get(name, ""):
            return value.replace("](", "] (")
        if instead is None:
            gaps.append(name)
            return f"[{label(name)}]"
        return instead

    filled = HOLE.sub(put, text)
    return Filled(filled, tuple(dict.fromkeys(gaps)))


def without_gaps(text: str) -> str:
    """For what leaves unread: where nothing is known and nothing else was given, nothing stands."""
    return HOLE.sub(lambda found: found[0] if found[2] is not None else f"{{{{{found[1]}|}}}}", text)


def label(name: str) -> str:
    return str(PLACEHOLDERS[name]) if name in PLACEHOLDERS else name.rpartition(".")[2].replace("_", " ")


def offered(fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Every name there is with words for it; `fields` are (`ticket.fields.key`, name) pairs."""
    return [(name, str(words)) for name, words in PLACEHOLDERS.items()] + list(fields)
