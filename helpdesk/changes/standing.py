"""Where a ticket stands: status, sleep, spam and trash, and which promises hold."""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from helpdesk.access import Action
from helpdesk.changes.base import Change
from helpdesk.changes.verbs import Json, NotThere, Verb
from helpdesk.clock import now
from helpdesk.events import Actor, Kind
from helpdesk.merging import snapshots
from helpdesk.sla import Policy, matching
from helpdesk.statuses import Status
from helpdesk.tickets import NEXT_REPLY, Removal, Ticket


class SetStatus(Change):
    verb, action = Verb.status, Action.settle
    kinds = (Kind.status_changed, Kind.resolved, Kind.reopened, Kind.replied, Kind.reply_withdrawn)
    status: Status

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        status = await session.get(Status, self.given.get("status") or 0)
        if status is None or status.archived:
            raise NotThere
        self.status = status

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.status_id == self.status.id

    def before(self, ticket: Ticket) -> Json:
        return snapshots.taken(ticket)

    def stands(self, ticket: Ticket) -> Json:
        return {"status": ticket.status_id, "category": ticket.category}

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.become(self.status, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        snapshots.restore_state(ticket, before, by=by)


class Snooze(Change):
    verb, action, kinds = Verb.snooze, Action.change, (Kind.snoozed, Kind.woken)
    until: datetime

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        until, minutes = self.given.get("until"), self.given.get("minutes")
        try:
            if minutes:
                self.until = now() + timedelta(minutes=minutes)
            else:
                self.until = datetime.fromisoformat(until) if until else NEXT_REPLY
        except (TypeError, ValueError, OverflowError):
            raise NotThere from None

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.snoozed_until == self.until

    def before(self, ticket: Ticket) -> Json:
        return {"until": ticket.snoozed_until and ticket.snoozed_until.isoformat()}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.snooze(self.until, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        until = before["until"] and datetime.fromisoformat(before["until"])
        if until and until > now():
            ticket.snooze(until, by=by)
        else:
            ticket.wake(by=by)


class FixPolicy(Change):
    verb, action, kinds = Verb.policy, Action.change, (Kind.policy_changed,)
    policy: Policy | None = None

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        if number := self.given.get("policy"):
            self.policy = await _policy(session, number)
            if self.policy is None or not self.policy.active:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        if self.policy is None:
            return not ticket.policy_fixed
        return ticket.policy_fixed and ticket.policy_id == self.policy.id

    def before(self, ticket: Ticket) -> Json:
        return {"policy": ticket.policy_id, "fixed": ticket.policy_fixed}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        matching.fix(ticket, self.policy, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        policy = await _policy(session, before["policy"]) if before["fixed"] and before["policy"] else None
        matching.fix(ticket, policy, by=by)


class Remove(Change):
    action, kinds = Action.remove, (Kind.removed, Kind.restored, Kind.merged)
    why: ClassVar[Removal]

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        pass

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.removed is self.why

    def before(self, ticket: Ticket) -> Json:
        return {"removed": ticket.removed}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.remove(self.why, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        if before["removed"]:
            ticket.remove(Removal(before["removed"]), by=by)
        else:
            ticket.restore(by=by)


class CallSpam(Remove):
    verb, why = Verb.spam, Removal.spam


class Trash(Remove):
    verb, why = Verb.trash, Removal.trash


async def _policy(session: AsyncSession, number: int) -> Policy | None:
    return await session.get(Policy, number, options=[joinedload(Policy.calendar)], populate_existing=True)
