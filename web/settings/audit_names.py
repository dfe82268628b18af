"""Names for the numbers in events: everything that a desk has few of, and of people those that are spoken of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from babel.dates import format_datetime
from sqlalchemy import Row, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from ai.providers import Connection
from helpdesk.contact_lists import sees_company
from helpdesk.contacts import is_known
from helpdesk.events import Kind
from helpdesk.fields import CustomField, Subject
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Company, Contact, CustomRole, Team
from helpdesk.statuses import Status
from helpdesk.templates import TicketTemplate
from helpdesk.tokens import ApiToken
from helpdesk.webhooks import Webhook

FEW = (
    Agent,
    Team,
    Inbox,
    CustomRole,
    Status,
    TicketType,
    Tag,
    CustomField,
    TicketTemplate,
    ApiToken,
    Webhook,
    Connection,
)
OF_CONTACTS = {
    Kind.requester_changed: ("was", "now"),
    Kind.participant_added: ("contact",),
    Kind.participant_removed: ("contact",),
    Kind.contact_merged: ("other",),
    Kind.contact_unmerged: ("other",),
    Kind.contacts_distinct: ("other",),
}
OF_COMPANIES = {Kind.contact_changed: ("was", "now"), Kind.contact_created: ("company",)}


@dataclass
class Names:
    """`names.of("team", 3)`; people whom the reader may not know of have none."""

    rows: dict[tuple[str, int], str] = field(default_factory=dict)
    fields: dict[str, CustomField] = field(default_factory=dict)
    """Those of tickets, by key."""
    prefix: str = "#"
    zone: tzinfo = UTC
    locale: str = "en"

    @classmethod
    async def load(cls, session: AsyncSession, *, prefix: str, zone: tzinfo, locale: str) -> "Names":
        every = [select(literal(t.__tablename__), t.id, t.name.label("name")) for t in FEW]
        rows = await session.execute(union_all(*every).order_by("name"))
        found = {(table, number): name for table, number, name in rows}
        fields = await session.scalars(select(CustomField).where(CustomField.subject == Subject.ticket))
        return cls(found, {each.key: each for each in fields}, prefix, zone, locale)

    async def learn(self, session: AsyncSession, agent: Agent, rows: Sequence[Row[Any]]) -> None:
        """The people and companies that these events speak of, as far as `agent` may know of them."""
        people, firms = (
            set(_spoken_of(rows, "contact", OF_CONTACTS)),
            set(_spoken_of(rows, "company", OF_COMPANIES)),
        )
        if people:
            known = select(Contact.id, Contact.name).where(Contact.id.in_(people), is_known(agent))
            self.rows |= {("contact", number): name for number, name in await session.execute(known)}
        if firms:
            seen = select(Company.id, Company.name).where(Company.id.in_(firms), sees_company(agent))
            self.rows |= {("company", number): name for number, name in await session.execute(seen)}

    def of(self, table: str, number: object, nobody: str = "") -> str:
        """One that is gone, or that the reader may not know of, is told by its number."""
        if number is None:
            return nobody
        if isinstance(number, int) and (name := self.rows.get((table, number))):
            return name
        return gettext("number %(number)s") % {"number": number}

    def each(self, table: str) -> list[tuple[int, str]]:
        return [(number, name) for (of, number), name in self.rows.items() if of == table]

    def instant(self, given: str) -> str:
        at = datetime.fromisoformat(given).astimezone(self.zone)
        return str(format_datetime(at, "d MMM y HH:mm", locale=self.locale))

    def exactly(self, at: datetime) -> str:
        return str(format_datetime(at.astimezone(self.zone), "d MMM y HH:mm:ss z", locale=self.locale))


def _spoken_of(rows: Sequence[Row[Any]], table: str, where: dict[Kind, tuple[str, ...]]) -> Iterable[int]:
    for row in rows:
        if row.about == table and row.about_id:
            yield row.about_id
        for key in where.get(row.kind, ()):
            if isinstance(number := row.data.get(key), int):
                yield number
