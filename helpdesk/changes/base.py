"""Change: one thing done to one ticket after another."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.changes.verbs import Json, Verb
from helpdesk.events import Actor, Kind
from helpdesk.tickets import Ticket


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
    async def load(self, session: AsyncSession, *, by: Actor) -> None:
        """Whom and what it names; raises NotThere."""

    @abstractmethod
    def is_so(self, ticket: Ticket) -> bool: ...

    @abstractmethod
    def before(self, ticket: Ticket) -> Json:
        """What `restore` needs."""

    @abstractmethod
    def stands(self, ticket: Ticket) -> Json:
        """How the ticket stands in what this changes, to be shown; no more of a person than events hold."""

    @abstractmethod
    def apply(self, ticket: Ticket, *, by: Actor) -> None: ...

    @abstractmethod
    async def restore(self, session: AsyncSession, ticket: Ticket, before: Json, *, by: Actor) -> None: ...

    def concerns(self, data: Mapping[str, Any], before: Json) -> bool:
        """Whether an event of `kinds` with this data is about the very thing that was changed."""
        return True
