"""Whose ticket it is and who takes part: assignee, team, requester, people in copy, colleagues who follow."""

from typing import Any

from helpdesk import sla
from helpdesk.clock import now
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.participants import MOST, Part, Participant
from helpdesk.people import Agent, Contact, Team
from helpdesk.statuses import Category
from helpdesk.tickets.standing import Standing


class Partaking(Standing):
    __abstract__ = True

    def assign(self, agent: Agent | None, *, by: Actor, **why: Any) -> None:
        """Make it somebody's own, or nobody's. Needs `assignee` loaded only by who shows it."""
        if self.assignee_id == (agent.id if agent else None):
            return
        before, self.assignee_id = self.assignee_id, agent.id if agent else None
        opens = agent is not None and self.category is Category.new
        if opens:
            self._stand(Category.open)
            why["opened"] = True
        self.events.add(Event(Kind.assigned, by=by, was=before, now=self.assignee_id, **why))
        if opens:
            sla.tell(self, Kind.assigned, now(), by=by)

    def move(self, team: Team | None, *, by: Actor, **why: Any) -> None:
        if self.team_id == (team.id if team else None):
            return
        before, self.team_id = self.team_id, team.id if team else None
        self.events.add(Event(Kind.team_changed, by=by, was=before, now=self.team_id, **why))
        sla.reconsider(self, "team")

    def copy_in(self, contact: Contact, *, by: Actor, **why: Any) -> None:
        """Answers go to this contact as well. `participants` are loaded."""
        if contact.id == self.contact_id:
            raise IsRequester
        if self._part_of(contact_id=contact.id):
            return
        self._join(Participant(contact_id=contact.id, contact=contact, part=Part.copy), by=by, **why)

    def follow(self, agent: Agent, *, by: Actor, **why: Any) -> None:
        """This colleague hears of what happens, and may read it. `participants` are loaded."""
        if not self._part_of(agent_id=agent.id):
            self._join(Participant(agent_id=agent.id, agent=agent, part=Part.follower), by=by, **why)

    def unfollow(self, agent: Agent, *, by: Actor) -> None:
        """`participants` are loaded."""
        if part := self._part_of(agent_id=agent.id):
            self._leave(part, by=by)

    def take_out(self, contact: Contact, *, by: Actor) -> None:
        """Answers go to this contact no more. `participants` are loaded."""
        if part := self._part_of(contact_id=contact.id):
            self._leave(part, by=by)

    def hand_to(self, contact: Contact, *, keep: bool, by: Actor) -> None:
        """Another requester: answers go to them. The one before stays in copy where `keep` says so.

        `participants` and `contact` are loaded, and no reply waits to leave: it was written to the one before.
        """
        if contact.id == self.contact_id:
            return
        before = self.contact
        if part := self._part_of(contact_id=contact.id):
            self._leave(part, by=by)
        self.contact, self.contact_id = contact, contact.id
        self.events.add(Event(Kind.requester_changed, by=by, was=before.id, now=contact.id))
        sla.reconsider(self, "requester")
        if keep:
            self.copy_in(before, by=by)

    def _part_of(self, *, contact_id: int | None = None, agent_id: int | None = None) -> Participant | None:
        return next(
            (p for p in self.participants if (p.contact_id, p.agent_id) == (contact_id, agent_id)), None
        )

    def _join(self, participant: Participant, *, by: Actor, **why: Any) -> None:
        if len(self.participants) >= MOST:
            raise TooMany
        self.participants.append(participant)
        self.events.add(Event(Kind.participant_added, by=by, **_whom(participant), **why))

    def _leave(self, participant: Participant, *, by: Actor) -> None:
        self.participants.remove(participant)
        self.events.add(Event(Kind.participant_removed, by=by, **_whom(participant)))


def _whom(participant: Participant) -> dict[str, Any]:
    return {
        "part": participant.part,
        "contact": participant.contact_id,
        "agent": participant.agent_id,
    }


class IsRequester(Conflict):
    message = _("This is the ticket's requester already; every answer goes to them.")


class TooMany(Conflict):
    message = _("A ticket has room for 50 people beside its requester. Remove one first.")
