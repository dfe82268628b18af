"""Who should take a new ticket."""

from helpdesk.inboxes import Inbox
from helpdesk.tickets import Ticket


def route(ticket: Ticket, inbox: Inbox) -> None:
    """To the inbox's own team; triage proposes a better one afterwards. `inbox.team` is loaded."""
    ticket.team = inbox.team
