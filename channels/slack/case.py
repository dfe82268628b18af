"""One payload, and whom to ask about it: what everything that is done about it needs."""

from dataclasses import dataclass

from channels.slack.calling import Calls
from channels.slack.people import Me
from channels.slack.reading import Happening
from helpdesk.desk import Desk
from helpdesk.inboxes import Inbox


@dataclass(frozen=True)
class Case:
    desk: Desk
    inbox: Inbox
    calls: Calls
    me: Me
    found: Happening
