"""What silent customers are told: written once an inbox, in the closed language of macros."""

from helpdesk.errors import Invalid
from helpdesk.i18n import _, gettext
from helpdesk.macros.placeholders import Filled, fill, names_in, without_gaps
from helpdesk.texts import written

LONGEST = 5_000


class NothingToSay(Invalid):
    message = _("Write what the customer is told, or switch the reminder off.")


class TooLong(Invalid):
    message = _("A text for silent customers has up to 5,000 characters.")


def checked(text: str) -> str:
    """As it is kept; raises TooLong, and Unknown where a placeholder means nothing."""
    found = written(text)
    if len(found) > LONGEST:
        raise TooLong
    names_in(found)
    return found


def proposed_reminder() -> str:
    """To begin with."""
    return gettext(
        "Hello {{contact.first_name|there}},\n\n"
        "we answered you about “{{ticket.subject}}” and have not heard from you since. Do you still need our help? "
        "Then just answer this mail. If everything is settled, you need not do anything.\n\n"
        "{{desk.name}}"
    )


def proposed_ending() -> str:
    return gettext(
        "Hello {{contact.first_name|there}},\n\n"
        "we have not heard from you about “{{ticket.subject}}”, so we take it that everything is settled. "
        "If it is not, just answer this mail.\n\n"
        "{{desk.name}}"
    )


def example(text: str, *, inbox: str, desk: str) -> Filled:
    """The text as somebody might get it; raises Unknown."""
    values = {
        "contact.first_name": "Marta",
        "contact.name": "Marta Silva",
        "contact.address": "marta@lumen.example",
        "company.name": "Lumen",
        "ticket.number": "#1042",
        "ticket.subject": gettext("My invoice of March"),
        "agent.first_name": "Ada",
        "agent.name": "Ada Novak",
        "team.name": gettext("Billing"),
        "inbox.name": inbox,
        "desk.name": desk or inbox,
    }
    names_in(text)
    return fill(without_gaps(text), values)
