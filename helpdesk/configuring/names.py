"""Names that mean the same on another desk, for the ids that conditions and actions are kept with."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.calendars import Calendar
from helpdesk.errors import Invalid
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Company, ContactIdentity, Team
from helpdesk.sla import Policy
from helpdesk.statuses import Status
from helpdesk.webhooks import Webhook

Key = ColumnElement[int]
COLUMNS: Mapping[str, tuple[Any, Any]] = {
    # of what:   its id,          the name that stands for it
    "agent":     (Agent.id,       Agent.email),
    "team":      (Team.id,        Team.name),
    "status":    (Status.id,      Status.name),
    "type":      (TicketType.id,  TicketType.name),
    "tag":       (Tag.id,         Tag.name),
    "inbox":     (Inbox.id,       Inbox.address),
    "policy":    (Policy.id,      Policy.name),
    "calendar":  (Calendar.id,    Calendar.name),
    "webhook":   (Webhook.id,     Webhook.name),
    "company":   (Company.id,     Company.name),
    "contact":   (ContactIdentity.contact_id, ContactIdentity.value),
}  # fmt: skip


class Unknown(Invalid):
    """`of` and `name`: what there is none of."""

    def __init__(self, of: str, name: object) -> None:
        super().__init__(gettext("There is no %(of)s “%(name)s” here.") % {"of": of, "name": str(name)[:80]})
        self.of, self.name = of, name


class Names:
    """Looks each up once; what was made in between is found by `forget`."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._names: dict[tuple[str, int], str] = {}
        self._ids: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        self._names.clear()
        self._ids.clear()

    async def name(self, of: str, number: Any) -> str:
        """What is not there any more is written as such: it keeps nothing else from being written."""
        key = (of, int(number))
        if key not in self._names:
            column, called = COLUMNS[of]
            found = await self._session.scalar(
                select(called).where(column == key[1]).order_by(called).limit(1)
            )
            self._names[key] = f"(gone: {number})" if found is None else found
        return self._names[key]

    async def id(self, of: str, name: Any) -> int:
        """Upper and lower case are the same. Raises Unknown."""
        if not isinstance(name, str):
            raise Unknown(of, name)
        key = (of, name.casefold())
        if key not in self._ids:
            column, called = COLUMNS[of]
            found = await self._session.scalar(
                select(column).where(func.lower(called) == func.lower(name)).order_by(column).limit(1)
            )
            if found is None:
                raise Unknown(of, name)
            self._ids[key] = found
        return self._ids[key]
