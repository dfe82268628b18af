"""What callers name: statuses, teams, colleagues, types and tags, by id or by name, where the console has menus."""

from typing import Annotated, Any, TypeVar

from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox
from helpdesk.labels import Tag, TicketType
from helpdesk.people import Agent, Company, CustomRole, Team
from helpdesk.sla import Policy
from helpdesk.statuses import BUILT_IN, Category, Status
from web.api.given import Id
from web.api.problems import Mistake, Unreadable

T = TypeVar("T")
Named = Id | Annotated[str, Meta(max_length=320, examples=["Billing"])]
"""An id, or a name."""


async def status(session: AsyncSession, given: int | str) -> Status:
    """By id, category (its own status) or name."""
    if given in set(Category):
        return await session.get_one(Status, BUILT_IN[Category(given)])
    return await _found(session, Status, given, "status")


async def team(session: AsyncSession, given: int | str | None) -> Team | None:
    return None if given is None else await _found(session, Team, given, "team")


async def company(session: AsyncSession, given: int | str | None) -> Company | None:
    return None if given is None else await _found(session, Company, given, "company")


async def ticket_type(session: AsyncSession, given: int | str | None) -> TicketType | None:
    return None if given is None else await _found(session, TicketType, given, "type")


async def policy(session: AsyncSession, given: int | str | None) -> Policy | None:
    """With its calendar."""
    if given is None:
        return None
    found = await _found(session, Policy, given, "policy")
    await session.refresh(found, ["calendar"])
    return found


async def custom_role(session: AsyncSession, given: int | str | None) -> CustomRole | None:
    return None if given is None else await _found(session, CustomRole, given, "custom_role")


async def tag(session: AsyncSession, given: int | str) -> Tag:
    return await _found(session, Tag, given, "into")


async def inbox(session: AsyncSession, given: int | str) -> Inbox:
    return await _found(session, Inbox, given, "inbox", by=Inbox.address if "@" in str(given) else None)


async def colleague(
    session: AsyncSession, given: int | str | None, me: Agent, field: str = "assignee"
) -> Agent | None:
    """By id, address, or `me`."""
    if given is None:
        return None
    if given == "me":
        return me
    found = await _found(session, Agent, given, field, by=Agent.email)
    if not found.active:
        raise unknown(field, given)
    return found


async def _found(session: AsyncSession, kind: type[T], given: int | str, field: str, by: Any = None) -> T:
    row_type: Any = kind
    column = row_type.name if by is None else by
    where = row_type.id == given if isinstance(given, int) else func.lower(column) == given.strip().lower()
    if (row := await session.scalar(select(kind).where(where).limit(1))) is None:
        raise unknown(field, given)
    return row


def unknown(field: str, given: object) -> Unreadable:
    words = gettext("There is no “%(name)s”.") % {"name": str(given)[:100]}
    return Unreadable([Mistake(field=field, message=words)])
