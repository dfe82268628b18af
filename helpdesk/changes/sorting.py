"""What a ticket is about: priority, type, tags, custom fields."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.access import Action
from helpdesk.changes.base import Change
from helpdesk.changes.verbs import Json, NotThere, Verb
from helpdesk.events import Actor, Kind
from helpdesk.fields import CustomField, Registry, Subject
from helpdesk.labels import Tag, TicketType, tags_called
from helpdesk.tickets import Priority, Ticket
from helpdesk.tickets.sorting import TOLD


class Prioritise(Change):
    verb, action, kinds = Verb.priority, Action.change, (Kind.priority_changed,)
    priority: Priority

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        try:
            self.priority = Priority(self.given.get("priority", ""))
        except ValueError:
            raise NotThere from None

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.priority is self.priority

    def before(self, ticket: Ticket) -> Json:
        return {"priority": ticket.priority}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.prioritise(self.priority, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.prioritise(Priority(before["priority"]), by=by)


class Classify(Change):
    verb, action, kinds = Verb.type, Action.change, (Kind.type_changed,)
    type: TicketType | None = None

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        if number := self.given.get("type"):
            self.type = await session.get(TicketType, number)
            if self.type is None or self.type.archived:
                raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return ticket.type_id == (self.type.id if self.type else None)

    def before(self, ticket: Ticket) -> Json:
        return {"type": ticket.type_id}

    stands = before

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.classify(self.type, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.classify(await session.get(TicketType, before["type"]) if before["type"] else None, by=by)


class AddTags(Change):
    verb, action, kinds = Verb.tag, Action.change, (Kind.tagged, Kind.untagged)
    tags: list[Tag]

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        self.tags = list(await tags_called(session, self.given.get("tags", []), by=by))
        if not self.tags:
            raise NotThere

    def is_so(self, ticket: Ticket) -> bool:
        return set(self.tags) <= set(ticket.tags)

    def before(self, ticket: Ticket) -> Json:
        return {"tags": [tag.id for tag in self.tags if tag not in ticket.tags]}

    def stands(self, ticket: Ticket) -> Json:
        return {"tags": [tag.name for tag in self.tags if tag in ticket.tags]}

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.tag(*self.tags, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.untag(*[tag for tag in ticket.tags if tag.id in before["tags"]], by=by)

    def concerns(self, data: Mapping[str, Any], before: Json) -> bool:
        return data.get("tag") in before["tags"]


class RemoveTags(AddTags):
    verb = Verb.untag

    def is_so(self, ticket: Ticket) -> bool:
        return not set(self.tags) & set(ticket.tags)

    def before(self, ticket: Ticket) -> Json:
        return {"tags": [tag.id for tag in self.tags if tag in ticket.tags]}

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.untag(*self.tags, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.tag(*[tag for number in before["tags"] if (tag := await session.get(Tag, number))], by=by)


class FillField(Change):
    verb, action, kinds = Verb.field, Action.change, (Kind.field_changed,)
    registry: Registry
    field: CustomField
    value: Any

    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        """Raises UnknownField or BadValue, too."""
        self.registry = await fields.load(session, Subject.ticket)
        self.field = self.registry[str(self.given.get("key") or "")]
        self.value = self.field.read(self.given.get("value"))

    def is_so(self, ticket: Ticket) -> bool:
        return bool(ticket.fields.get(self.field.key) == self.value)

    def before(self, ticket: Ticket) -> Json:
        return {"value": ticket.fields.get(self.field.key)}

    def stands(self, ticket: Ticket) -> Json:
        value = ticket.fields.get(self.field.key)
        told = {"value": value} if self.field.kind in TOLD else {"filled": value is not None}
        return {"key": self.field.key, **told}

    def apply(self, ticket: Ticket, *, by: Actor) -> None:
        ticket.fill(self.registry, {self.field.key: self.value}, by=by)

    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None:
        ticket.fill(self.registry, {self.field.key: before["value"]}, by=by)

    def concerns(self, data: Mapping[str, Any], before: Json) -> bool:
        return bool(data.get("field") == self.given.get("key"))
