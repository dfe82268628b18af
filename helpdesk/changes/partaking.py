"""Whose a ticket is: assignee and team."""

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.changes.base import Change
from helpdesk.changes.verbs import Json, NotThere, Verb
from helpdesk.events import Actor, Kind
from helpdesk.people import Agent, Team
from helpdesk.statuses import Category
from helpdesk.tickets import Ticket


class Assign(Change):
    verb, action, kinds = Verb.assign, Action.assign, (Kind.assigned,)
    agent: Agent | None = None

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        if number := self.given.get("agent"):
            self.agent = await session.get(Agent, number)
            if self.agent is None or not self.agent.active:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.assignee_id == (self.agent.id if self.agent else None)

    def before(self, ticket: Ticket) -> Json:
        return {"agent": ticket.assignee_id, "category": ticket.category, "status": ticket.status_id}

    def stands(self, ticket: Ticket) -> Json:
        return {"agent": ticket.assignee_id}

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.assign(self.agent, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.assign(await session.get(Agent, before["agent"]) if before["agent"] else None, by=by)
        if before["category"] == Category.new and ticket.category is Category.open:
            ticket.category, ticket.status_id = Category.new, before["status"]


class MoveToTeam(Change):
    verb, action, kinds = Verb.team, Action.assign, (Kind.team_changed,)
    team: Team | None = None

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        if number := self.given.get("team"):
            self.team = await session.get(Team, number)
            if self.team is None:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.team_id == (self.team.id if self.team else None)

    def before(self, ticket: Ticket) -> Json:
        return {"team": ticket.team_id}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.move(self.team, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.move(await session.get(Team, before["team"]) if before["team"] else None, by=by)
