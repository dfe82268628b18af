"""The desk's own words for tickets: statuses, types and custom fields. Few rows, read by every page."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.database import CHANNEL
from helpdesk.fields import CustomField, Registry, Subject
from helpdesk.labels import TicketType
from helpdesk.statuses import Category, Status

CHANGED = "registers"
"""What every process of the desk hears when one of them has changed."""


@dataclass(frozen=True)
class Registers:
    """As they stood when they were read; shared between requests, so nobody changes what is in them."""

    statuses: dict[int, Status] = field(default_factory=dict)
    types: dict[int, TicketType] = field(default_factory=dict)
    fields: dict[Subject, Registry] = field(default_factory=lambda: {s: Registry(s, []) for s in Subject})

    def offered(self, keep: int | None = None) -> list[Status]:
        """In order; archived ones only where a ticket has one: `keep`."""
        return [status for status in self.statuses.values() if not status.archived or status.id == keep]

    def types_offered(self, keep: int | None = None) -> list[TicketType]:
        return [kind for kind in self.types.values() if not kind.archived or kind.id == keep]


async def load(session: AsyncSession) -> Registers:
    order = {category: place for place, category in enumerate(Category)}
    statuses = (await session.scalars(select(Status))).all()
    types = (await session.scalars(select(TicketType).order_by(TicketType.position, TicketType.id))).all()
    fields = (await session.scalars(select(CustomField))).all()
    by_place = sorted(statuses, key=lambda status: (order[status.category], status.position, status.id))
    return Registers(
        {status.id: status for status in by_place},
        {kind.id: kind for kind in types},
        {subject: Registry(subject, _of(subject, fields)) for subject in Subject},
    )


async def tell(session: AsyncSession) -> None:
    """In the transaction that changes one: every process reads them anew once it is committed."""
    await session.execute(select(func.pg_notify(CHANNEL, CHANGED)))


def _of(subject: Subject, fields: Sequence[CustomField]) -> list[CustomField]:
    return [one for one in fields if one.subject is subject]
