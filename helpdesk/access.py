"""Who may do what: one policy, one gate.

Every query for tickets starts from `visible_tickets`, and what belongs to a ticket is joined to it; live
streams, search and the models' context go through the same gate.
"""

from enum import StrEnum

from sqlalchemy import ColumnElement, Select, false, or_, select, true

from helpdesk.errors import Forbidden
from helpdesk.people import Agent, Role
from helpdesk.tickets import Ticket


class Action(StrEnum):
    """Permissions that routes name. `public` and `signed_in` need no ticket."""

    public = "public"
    signed_in = "signed_in"
    read = "ticket:read"
    reply = "ticket:reply"
    note = "ticket:note"
    assign = "ticket:assign"
    change = "ticket:change"
    settle = "ticket:settle"
    read_knowledge = "knowledge:read"
    read_outbox = "outbox:read"


_everyone = {Action.public}
_light = _everyone | {Action.signed_in, Action.read, Action.note, Action.read_knowledge}
_agent = _light | {Action.reply, Action.assign, Action.change, Action.settle}
_lead = _agent | {Action.read_outbox}

GRANTS: dict[Role, frozenset[Action]] = {
    Role.light_agent: frozenset(_light),
    Role.agent: frozenset(_agent),
    Role.lead: frozenset(_lead),
    Role.admin: frozenset(Action),
}


def may(agent: Agent, action: Action) -> bool:
    """Whether the role allows it at all; which tickets it reaches is `visible_tickets`."""
    return agent.active and action in GRANTS[agent.role]


def require(agent: Agent, action: Action) -> None:
    if not may(agent, action):
        raise Forbidden


def is_visible(agent: Agent) -> ColumnElement[bool]:
    """The tickets that this agent may know of, as a condition on Ticket. `agent.teams` is loaded.

    Admins see all; others their teams', those of no team, and what is assigned to them.
    """
    if not may(agent, Action.read):
        return false()
    if agent.role is Role.admin:
        return true()
    return or_(
        Ticket.team_id.is_(None),
        Ticket.team_id.in_(agent.team_ids),
        Ticket.assignee_id == agent.id,
    )


def visible_tickets(agent: Agent) -> Select[Ticket]:
    return select(Ticket).where(is_visible(agent))
