"""Who should take a new ticket."""

from helpdesk.events import DESK
from helpdesk.inboxes import Inbox
from helpdesk.tickets import Ticket


def route(ticket: Ticket, inbox: Inbox) -> None:
    """To the inbox's own team; triage proposes a better one afterwards. `inbox.team` is loaded."""
    if inbox.team is not None:
        ticket.move(inbox.team, by=DESK, because="inbox")
