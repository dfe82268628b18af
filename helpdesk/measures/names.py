"""What the lines of an answer are called."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.i18n import Text, _, gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.measures.sources import Dimension
from helpdesk.people import Agent, Company, Team

TABLES: dict[Dimension, Any] = {
    Dimension.agent: Agent,
    Dimension.team: Team,
    Dimension.inbox: Inbox,
    Dimension.tag: Tag,
    Dimension.company: Company,
    Dimension.type: TicketType,
}
WITHOUT: dict[Dimension, Text] = {
    Dimension.agent: _("Nobody"),
    Dimension.team: _("No team"),
    Dimension.tag: _("No tag"),
    Dimension.company: _("No company"),
    Dimension.type: _("No type"),
}


async def of(session: AsyncSession, by: Dimension, keys: Sequence[Any]) -> dict[Any, str]:
    """Key → name. Days, hours, priorities and channels are named as they are kept; the pages have words for them."""
    called: dict[Any, str] = {key: str(key) for key in keys}
    if table := TABLES.get(by):
        ids = [key for key in keys if key is not None]
        rows = await session.execute(select(table.id, table.name).where(table.id.in_(ids)))
        known: dict[int, str] = dict(rows.tuples().all())
        called = {key: known.get(key) or gettext("Deleted") for key in keys}
    if None in called:
        called[None] = str(WITHOUT.get(by, _("Nothing")))
    return called
