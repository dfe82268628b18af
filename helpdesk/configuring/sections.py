"""A part of a desk's configuration: how it is written down, put in place, and taken away."""

from abc import ABC, abstractmethod
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.access import Action
from helpdesk.configuring.names import Names
from helpdesk.people import Agent

Line = Annotated[str, Meta(min_length=1, max_length=200)]


class Entry(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What stands in the file; what is left out is as it is here."""

    name: Line

    @property
    def key(self) -> str:
        """What makes it the same thing on two desks."""
        return self.name


class Section(ABC):
    name: ClassVar[str]
    entry: ClassVar[type[Any]]
    needs: ClassVar[Action]
    """What whoever reads or writes it may do."""
    ordered: ClassVar[bool] = False
    """Its entries are asked in their order, so that is part of what they say."""

    def __init__(self, session: AsyncSession, names: Names, by: Agent) -> None:
        self.session, self.names, self.by = session, names, by

    @abstractmethod
    async def read(self) -> list[Any]:
        """Entries as they are now, in their order."""

    @abstractmethod
    async def put(self, entry: Any) -> None:
        """Make it, or change what is called like it."""

    @abstractmethod
    async def drop(self, entry: Any) -> None:
        """It is in the file no more. Raises Invalid where it cannot go."""

    async def arrange(self, names: list[str]) -> None:
        """Put them into this order, by their keys; of sections that are `ordered`."""
        raise NotImplementedError

    async def called(self, row: type[Any], name: str) -> Any:
        return await self.session.scalar(select(row).where(func.lower(row.name) == func.lower(name)))
