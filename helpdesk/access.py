"""Who may do what: one policy, one gate.

Every query for tickets starts from `visible_tickets`, and what belongs to a ticket is joined to it; live
streams, search and the models' context go through the same gate.

A permission is held in three ways: by the agent's role everywhere the role reaches; by a custom role that
takes its place; and by a custom role that a membership carries, for the tickets of that team only.
"""

from collections.abc import Collection, Iterable
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true

from helpdesk.errors import Forbidden
from helpdesk.participants import Participant
from helpdesk.people import Agent, Reach, Role
from helpdesk.tickets import Ticket


class Action(StrEnum):
    """Permissions that routes name. `public` and `signed_in` need no grant."""

    public = "public"
    signed_in = "signed_in"

    read = "ticket:read"
    note = "ticket:note"
    reply = "ticket:reply"
    create = "ticket:create"
    assign = "ticket:assign"
    change = "ticket:change"
    settle = "ticket:settle"
    merge = "ticket:merge"
    remove = "ticket:remove"  # to spam or trash, and back
    bulk = "ticket:bulk"
    delete = "ticket:delete"  # for good
    export = "ticket:export"
    report = "ticket:report"  # the board and the reports, over the tickets that they may know of

    read_contacts = "contact:read"
    change_contacts = "contact:change"
    merge_contacts = "contact:merge"
    import_contacts = "contact:import"
    export_contacts = "contact:export"

    read_knowledge = "knowledge:read"
    write_knowledge = "knowledge:write"
    publish_knowledge = "knowledge:publish"  # and arrange what articles stand in
    read_outbox = "outbox:read"
    share_views = "view:share"
    write_templates = "template:write"

    manage_desk = "desk:manage"  # statuses, types, tags, fields
    manage_sla = "sla:manage"  # business calendars and what is promised by them
    manage_rules = "rules:manage"  # what the desk does by itself
    manage_agents = "agents:manage"
    manage_roles = "roles:manage"
    manage_inboxes = "inboxes:manage"
    manage_webhooks = "webhooks:manage"
    manage_tokens = "tokens:manage"
    manage_data = "data:manage"
    read_audit = "audit:read"


OPEN = frozenset({Action.public, Action.signed_in})
"""What needs no grant, and so can't be given or taken by a custom role."""

DESK_WIDE = frozenset(
    {
        Action.import_contacts,
        Action.write_knowledge,
        Action.publish_knowledge,
        Action.manage_desk,
        Action.manage_sla,
        Action.manage_rules,
        Action.manage_agents,
        Action.manage_roles,
        Action.manage_inboxes,
        Action.manage_webhooks,
        Action.manage_tokens,
        Action.manage_data,
        Action.read_audit,
    }
)
"""What is never done in one team alone, and so is not given by a role that holds in a team."""

_light = OPEN | {Action.read, Action.note, Action.read_knowledge, Action.read_contacts}
_agent = _light | {
    Action.reply,
    Action.create,
    Action.assign,
    Action.change,
    Action.settle,
    Action.merge,
    Action.remove,
    Action.bulk,
    Action.change_contacts,
    Action.write_knowledge,
}
_lead = _agent | {
    Action.publish_knowledge,
    Action.read_outbox,
    Action.share_views,
    Action.write_templates,
    Action.export,
    Action.report,
    Action.merge_contacts,
    Action.export_contacts,
}

GRANTS: dict[Role, frozenset[Action]] = {
    Role.light_agent: frozenset(_light),
    Role.agent: frozenset(_agent),
    Role.lead: frozenset(_lead),
    Role.admin: frozenset(Action),
}


def granted(agent: Agent) -> frozenset[Action]:
    """What the agent may do wherever the role reaches, by the token at hand if there is one."""
    actions = OPEN | _named(agent.custom_role.permissions) if agent.custom_role else GRANTS[agent.role]
    return _by_token(agent, actions)


def granted_in(agent: Agent) -> dict[int, frozenset[Action]]:
    """Team → what a membership with a role of its own allows there, in place of the agent's own role."""
    return {
        m.team_id: _by_token(agent, OPEN | _named(m.custom_role.permissions) - DESK_WIDE)
        for m in agent.memberships
        if m.custom_role
    }


def reach(agent: Agent) -> Reach:
    if agent.custom_role:
        return agent.custom_role.reach
    return Reach.all if agent.role is Role.admin else Reach.teams


def may(agent: Agent, action: Action, ticket: Ticket | None = None) -> bool:
    """Without a ticket: whether there is anything at all it could be done to. With one: whether to this one.

    `agent.custom_role` and `agent.memberships` are loaded, as every signed-in agent's are.
    """
    if not agent.active:
        return False
    special = granted_in(agent)
    if ticket is None:
        return action in granted(agent) or any(action in actions for actions in special.values())
    if ticket.team_id in special:
        return action in special[ticket.team_id]
    return action in granted(agent)


def require(agent: Agent, action: Action, ticket: Ticket | None = None) -> None:
    if not may(agent, action, ticket):
        raise Forbidden


def is_visible(agent: Agent, action: Action = Action.read) -> ColumnElement[bool]:
    """The tickets that this agent may do this to, as a condition on Ticket; by default: know of.

    Admins reach all; others their teams' tickets, those of no team, what is assigned to them, and what they
    follow. A light agent's and an `assigned` role's reach ends at what they were given or invited to.
    """
    if not agent.active:
        return false()
    special = granted_in(agent)
    ways = [
        Ticket.team_id == team_id for team_id, actions in special.items() if {Action.read, action} <= actions
    ]
    if {Action.read, action} <= granted(agent):
        ways.append(_reached(agent, barred=list(special)))
    return or_(false(), *ways)


def sees(agent: Agent, team_id: int | None, assignee_id: int | None, followers: Collection[int]) -> bool:
    """What `is_visible` says of a ticket of which this much is known; for who asks about many agents at once."""
    if not agent.active:
        return False
    special = granted_in(agent)
    if team_id in special:
        return Action.read in special[team_id]
    if Action.read not in granted(agent):
        return False
    within = reach(agent)
    if within is Reach.all or agent.id == assignee_id or agent.id in followers:
        return True
    of_all = team_id is None and agent.role is not Role.light_agent
    return within is Reach.teams and (of_all or team_id in agent.team_ids)


def _reached(agent: Agent, *, barred: list[int]) -> ColumnElement[bool]:
    """By the agent's own role; `barred` are the teams in which another role stands in its place."""
    elsewhere = or_(Ticket.team_id.is_(None), Ticket.team_id.not_in(barred)) if barred else true()
    if reach(agent) is Reach.all:
        return elsewhere
    ways = [Ticket.assignee_id == agent.id, _follows(agent)]
    if reach(agent) is Reach.teams:
        ways.insert(0, Ticket.team_id.in_(agent.team_ids))
        if agent.role is not Role.light_agent:
            ways.insert(0, Ticket.team_id.is_(None))
    return and_(elsewhere, or_(*ways))


def _follows(agent: Agent) -> ColumnElement[bool]:
    return exists().where(Participant.ticket_id == Ticket.id, Participant.agent_id == agent.id)


def visible_tickets(agent: Agent, action: Action = Action.read) -> Select[Ticket]:
    return select(Ticket).where(is_visible(agent, action))


def _by_token(agent: Agent, actions: frozenset[Action]) -> frozenset[Action]:
    return actions if agent.scopes is None else actions & (OPEN | _named(agent.scopes))


def _named(permissions: Iterable[str]) -> frozenset[Action]:
    """Names that this version does not know grant nothing."""
    known = {action.value: action for action in Action}
    return frozenset(known[name] for name in permissions if name in known) - OPEN
