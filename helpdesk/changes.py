"""What can be done to a ticket from afar: how it is seen to be so already, how it is done, how it is taken back.

Bulk changes and macros are made of these; an agent at the ticket itself uses its verbs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.clock import now
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Event, Kind
from helpdesk.i18n import _, gettext
from helpdesk.labels import Tag, TicketType, tags_called
from helpdesk.merging import snapshots
from helpdesk.people import Agent, Team
from helpdesk.statuses import Category, Status
from helpdesk.tickets import NEXT_REPLY, Priority, Removal, Ticket

Json = dict[str, Any]
UNDO_FOR = timedelta(minutes=10)
"""How long what was done from afar can be taken back."""


class Verb(StrEnum):
    assign = "assign"  # {"agent": id or null}
    team = "team"  # {"team": id or null}
    status = "status"  # {"status": id}
    priority = "priority"  # {"priority": "high"}
    type = "type"  # {"type": id or null}
    tag = "tag"  # {"tags": ["refund", …]}
    untag = "untag"  # {"tags": ["refund", …]}
    snooze = "snooze"  # {"until": instant, or null for the customer's next message}
    spam = "spam"
    trash = "trash"
    merge = "merge"  # {"into": number}


class TooLate(Conflict):
    message = _("This cannot be undone any more: ten minutes are over, or it was undone already.")


class NotThere(Invalid):
    message = _("What you chose is not there any more. Reload the page and choose again.")


class Change(ABC):
    """`load` it once, then ask it about each ticket. Tickets have clocks, policy, tags and participants loaded."""

    verb: ClassVar[Verb]
    action: Action
    kinds: ClassVar[tuple[Kind, ...]]
    """Events that tell of the same sort of change: one of them later means that somebody changed it since."""

    gone = False
    """What it names is not there any more, so nothing can be changed."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given

    @abstractmethod
    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        """Whom and what it names; raises NotThere."""

    @abstractmethod
    def is_so(self, ticket: Ticket) -> bool: ...

    @abstractmethod
    def before(self, ticket: Ticket) -> Json: ...

    @abstractmethod
    def apply(self, ticket: Ticket, *, by: Agent) -> None: ...

    @abstractmethod
    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None: ...


class Assign(Change):
    verb, action, kinds = Verb.assign, Action.assign, (Kind.assigned,)
    agent: Agent | None = None

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        if number := self.given.get("agent"):
            self.agent = await session.get(Agent, number)
            if self.agent is None or not self.agent.active:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.assignee_id == (self.agent.id if self.agent else None)

    def before(self, ticket: Ticket) -> Json:
        return {"agent": ticket.assignee_id, "category": ticket.category, "status": ticket.status_id}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.assign(self.agent, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.assign(await session.get(Agent, before["agent"]) if before["agent"] else None, by=by)
        if before["category"] == Category.new and ticket.category is Category.open:
            ticket.category, ticket.status_id = Category.new, before["status"]


class MoveToTeam(Change):
    verb, action, kinds = Verb.team, Action.assign, (Kind.team_changed,)
    team: Team | None = None

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        if number := self.given.get("team"):
            self.team = await session.get(Team, number)
            if self.team is None:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.team_id == (self.team.id if self.team else None)

    def before(self, ticket: Ticket) -> Json:
        return {"team": ticket.team_id}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.move(self.team, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.move(await session.get(Team, before["team"]) if before["team"] else None, by=by)


class SetStatus(Change):
    verb = Verb.status
    kinds = (Kind.status_changed, Kind.resolved, Kind.reopened, Kind.replied, Kind.reply_withdrawn)
    status: Status

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        status = await session.get(Status, self.given.get("status") or 0)
        if status is None or status.archived:
            raise NotThere
        self.status = status

    @property
    def action(self) -> Action:  # type: ignore[override]
        return Action.settle

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.status_id == self.status.id

    def before(self, ticket: Ticket) -> Json:
        return snapshots.taken(ticket)

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.become(self.status, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        was = ticket.category
        snapshots.restore_state(ticket, before)
        ticket.events.add(
            Event(Kind.status_changed, by=by, was=was, now=ticket.category, status=ticket.status_id)
        )


class Prioritise(Change):
    verb, action, kinds = Verb.priority, Action.change, (Kind.priority_changed,)
    priority: Priority

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        try:
            self.priority = Priority(self.given.get("priority", ""))
        except ValueError:
            raise NotThere from None

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.priority is self.priority

    def before(self, ticket: Ticket) -> Json:
        return {"priority": ticket.priority}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.prioritise(self.priority, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.prioritise(Priority(before["priority"]), by=by)


class Classify(Change):
    verb, action, kinds = Verb.type, Action.change, (Kind.type_changed,)
    type: TicketType | None = None

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        if number := self.given.get("type"):
            self.type = await session.get(TicketType, number)
            if self.type is None or self.type.archived:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.type_id == (self.type.id if self.type else None)

    def before(self, ticket: Ticket) -> Json:
        return {"type": ticket.type_id}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.classify(self.type, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.classify(await session.get(TicketType, before["type"]) if before["type"] else None, by=by)


class AddTags(Change):
    verb, action, kinds = Verb.tag, Action.change, (Kind.tagged, Kind.untagged)
    tags: list[Tag]

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        self.tags = list(await tags_called(session, self.given.get("tags", []), by=by))
        if not self.tags:
            raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return set(self.tags) <= set(ticket.tags)

    def before(self, ticket: Ticket) -> Json:
        return {"tags": [tag.id for tag in self.tags if tag not in ticket.tags]}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.tag(*self.tags, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.untag(*[tag for tag in ticket.tags if tag.id in before["tags"]], by=by)


class RemoveTags(AddTags):
    verb = Verb.untag

    def is_so(self, ticket: Ticket) -> bool:
        return not set(self.tags) & set(ticket.tags)

    def before(self, ticket: Ticket) -> Json:
        return {"tags": [tag.id for tag in self.tags if tag in ticket.tags]}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.untag(*self.tags, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        ticket.tag(*[tag for number in before["tags"] if (tag := await session.get(Tag, number))], by=by)


class Snooze(Change):
    verb, action, kinds = Verb.snooze, Action.change, (Kind.snoozed, Kind.woken)
    until: datetime

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        until = self.given.get("until")
        try:
            self.until = datetime.fromisoformat(until) if until else NEXT_REPLY
        except (TypeError, ValueError):
            raise NotThere from None

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.snoozed_until == self.until

    def before(self, ticket: Ticket) -> Json:
        return {"until": ticket.snoozed_until and ticket.snoozed_until.isoformat()}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.snooze(self.until, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        until = before["until"] and datetime.fromisoformat(before["until"])
        if until and until > now():
            ticket.snooze(until, by=by)
        else:
            ticket.wake(by=by)


class Remove(Change):
    action, kinds = Action.remove, (Kind.removed, Kind.restored, Kind.merged)
    why: ClassVar[Removal]

    async def load(self, session: AsyncSession, *, by: Agent) -> None:
        pass

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.removed is self.why

    def before(self, ticket: Ticket) -> Json:
        return {"removed": ticket.removed}

    def apply(self, ticket: Ticket, *, by: Agent) -> None:
        ticket.remove(self.why, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Agent) -> None:
        if before["removed"]:
            ticket.remove(Removal(before["removed"]), by=by)
        else:
            ticket.restore(by=by)


class CallSpam(Remove):
    verb, why = Verb.spam, Removal.spam


class Trash(Remove):
    verb, why = Verb.trash, Removal.trash


CHANGES: dict[Verb, type[Change]] = {
    change.verb: change
    for change in (
        Assign,
        MoveToTeam,
        SetStatus,
        Prioritise,
        Classify,
        AddTags,
        RemoveTags,
        Snooze,
        CallSpam,
        Trash,
    )
}
"""Each verb but `merge`, which concerns two tickets at a time: helpdesk/bulk/working.py."""


TAKES: dict[Verb, tuple[str, type | tuple[type, ...]]] = {
    Verb.assign: ("agent", (int, type(None))),
    Verb.team: ("team", (int, type(None))),
    Verb.status: ("status", int),
    Verb.type: ("type", (int, type(None))),
    Verb.priority: ("priority", str),
    Verb.tag: ("tags", list),
    Verb.untag: ("tags", list),
    Verb.snooze: ("until", (str, type(None))),
    Verb.merge: ("into", int),
}


def checked(verb: Verb, given: Mapping[str, Any]) -> Json:
    """The verb's own value, of its kind, and nothing else; raises BadValue."""
    name, kind = TAKES.get(verb, (None, ()))
    if unknown := sorted(set(given) - {name}):
        raise BadValue(unknown[0], gettext("This verb does not take it."))
    if name is None:
        return {}
    value = given.get(name)
    too_large = isinstance(value, int) and not 0 < value < 2**63
    not_words = name == "tags" and not (isinstance(value, list) and all(isinstance(t, str) for t in value))
    if isinstance(value, bool) or not isinstance(value, kind) or too_large or not_words:
        raise BadValue(name, gettext("This is not what the verb takes."))
    return {name: value}


class BadValue(Invalid):
    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.name = name


def change_of(verb: Verb, given: Mapping[str, Any]) -> Change:
    return CHANGES[verb](given)


def action_of(verb: Verb) -> Action:
    if verb is Verb.merge:
        return Action.merge
    return Action.settle if verb is Verb.status else CHANGES[verb].action
