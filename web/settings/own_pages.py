"""What the settings of every inbox that has a page of its own have in common: found, listed, kept sealed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from litestar import Request
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import fields
from helpdesk.desk import Desk
from helpdesk.errors import Invalid, NotFound
from helpdesk.events import Actor, Event, Kind
from helpdesk.fields import Subject
from helpdesk.i18n import gettext
from helpdesk.inboxes import Inbox

ASKS = "asks."
"""Before the key of a field that is asked for."""
ROTATION = timedelta(hours=24)
"""How long the key before stays good."""


async def every(session: AsyncSession, channel: str) -> Sequence[Inbox]:
    found = await session.scalars(
        select(Inbox).where(Inbox.channel == channel).order_by(Inbox.name, Inbox.id)
    )
    return found.all()


async def one(session: AsyncSession, channel: str, inbox_id: int, *, lock: bool = False) -> Inbox:
    """Raises NotFound."""
    query = select(Inbox).where(Inbox.id == inbox_id, Inbox.channel == channel)
    if (found := await session.scalar(query.with_for_update() if lock else query)) is None:
        raise NotFound
    return found


def edit(
    session: AsyncSession,
    desk: Desk,
    inbox: Inbox,
    stored: msgspec.Struct,
    fresh: msgspec.Struct,
    *,
    by: Actor,
) -> None:
    """Kept, with the names of what has changed and none of its values."""
    inbox.sealed_settings = desk.keys.seal(msgspec.to_builtins(fresh))
    changed = [name for name in fresh.__struct_fields__ if getattr(fresh, name) != getattr(stored, name)]
    session.add(Event(Kind.inbox_edited, by=by, about=inbox, fields=changed))


def renew(
    session: AsyncSession, desk: Desk, inbox: Inbox, fresh: msgspec.Struct, *, which: str, by: Actor
) -> None:
    """Kept with another secret."""
    inbox.sealed_settings = desk.keys.seal(msgspec.to_builtins(fresh))
    session.add(Event(Kind.inbox_key_changed, by=by, about=inbox, which=which))


async def asked(request: Request[Any, Any, Any], session: AsyncSession) -> str:
    """Keys of the fields that are ticked, as far as there are such fields."""
    ticked = {name.removeprefix(ASKS) for name in await request.form() if name.startswith(ASKS)}
    return " ".join(each.key for each in await fields.load(session, Subject.ticket) if each.key in ticked)


def no_site(named: str) -> Invalid:
    words = gettext("{site} is no site: write https:// and the name, without anything behind it.")
    return Invalid(words.format(site=named[:80]))
