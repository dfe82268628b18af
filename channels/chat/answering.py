"""Who answers a chat first has it from then on, so that no two colleagues write to one visitor."""

import msgspec

from channels.chat.channel import ChatChannel
from channels.chat.settings import ChatSettings
from helpdesk.access import Action, may
from helpdesk.desk import Desk
from helpdesk.people import Agent
from helpdesk.tickets import Ticket


def take(desk: Desk, ticket: Ticket, agent: Agent) -> bool:
    """After they have answered; `ticket.inbox` is loaded. Not where it is somebody's, nor where the inbox says no."""
    if ticket.assignee_id is not None or ticket.inbox.channel != ChatChannel.name:
        return False
    settings = msgspec.convert(desk.keys.unseal(ticket.inbox.sealed_settings), ChatSettings)
    if not settings.answerer_takes or not may(agent, Action.assign, ticket):
        return False
    ticket.assign(agent, by=agent, because={"answered": True})
    return True
