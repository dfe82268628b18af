"""A ticket as it was, to which changes can be done without a ticket hearing of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from helpdesk.fields import Registry
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Team
from helpdesk.rules.past import State
from helpdesk.statuses import BUILT_IN, Category, Status
from helpdesk.tickets import NEXT_REPLY, Priority, Removal


@dataclass
class Shadow:
    """Has what a `Change` looks at, and the verbs that it calls: they only set what would be."""

    assignee_id: int | None
    team_id: int | None
    status_id: int
    category: Category
    priority: Priority
    type_id: int | None
    tags: list[Tag]
    removed: Removal | None
    snoozed_until: datetime | None
    fields: dict[str, Any] = field(default_factory=dict)
    policy_id: int | None = None
    policy_fixed: bool = False

    @classmethod
    def of(cls, then: State, tags: Mapping[int, Tag], present: Any) -> "Shadow":
        """`present`: the ticket, for what no event tells of: custom fields, its policy."""
        return cls(
            assignee_id=then["assignee"],
            team_id=then["team"],
            status_id=then["status"],
            category=Category(then["category"]),
            priority=Priority(then["priority"]),
            type_id=then["type"],
            tags=[tags[number] for number in then["tags"] if number in tags],
            removed=Removal(then["removed"]) if then["removed"] else None,
            snoozed_until=NEXT_REPLY if then["snoozed"] else None,
            fields=dict(present.fields),
            policy_id=present.policy_id,
            policy_fixed=present.policy_fixed,
        )

    def assign(self, agent: Agent | None, *, by: Any) -> None:
        self.assignee_id = agent.id if agent else None
        if agent and self.category is Category.new:
            self.category, self.status_id = Category.open, BUILT_IN[Category.open]

    def move(self, team: Team | None, *, by: Any) -> None:
        self.team_id = team.id if team else None

    def become(self, status: Status, *, by: Any) -> None:
        self.category, self.status_id = status.category, status.id

    def prioritise(self, priority: Priority, *, by: Any) -> None:
        self.priority = priority

    def classify(self, kind: TicketType | None, *, by: Any) -> None:
        self.type_id = kind.id if kind else None

    def tag(self, *tags: Tag, by: Any) -> None:
        self.tags = [*self.tags, *(tag for tag in tags if tag not in self.tags)]

    def untag(self, *tags: Tag, by: Any) -> None:
        self.tags = [tag for tag in self.tags if tag not in tags]

    def fill(self, registry: Registry, given: Mapping[str, Any], *, by: Any) -> None:
        self.fields = registry.changed(self.fields, given)

    def snooze(self, until: datetime, *, by: Any) -> None:
        self.snoozed_until = until

    def remove(self, why: Removal, *, by: Any) -> None:
        self.removed = why
