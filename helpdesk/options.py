"""What a desk chooses for all of it: its name, how tickets are numbered, its language.

Each option is a field of `Options`; the table keeps what differs from the default, one row an option.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import CHANNEL, Base
from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import gettext

CHANGED = "options"
"""What the consoles hear when an option has changed."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    desk_name: Annotated[str, Meta(max_length=80)] = ""
    """Empty: the name of the first inbox, which customers know."""
    ticket_prefix: Annotated[str, Meta(max_length=12, pattern=r"^[^\s<>&\"']*$")] = "#"
    language: Annotated[str, Meta(max_length=12, pattern=r"^[a-z]{2,3}(_[A-Za-z]{2,4})?$")] = "en"
    """What new colleagues start with."""
    time_zone: Annotated[str, Meta(max_length=64)] = "UTC"
    take_copies: bool = True
    """People in copy of a mail whose sender is proved come into copy of its ticket."""
    articles_reviewed: bool = False
    """No text of an article is published that a colleague has not approved."""
    model_log_days: Annotated[int, Meta(ge=0, le=400)] = 30
    """How long the texts are kept that were sent to language models."""
    first_day: bool = False
    """The list of first steps is shown on the console's home."""
    draft_risk: Annotated[float, Meta(ge=0.01, le=0.3)] = 0.15
    """Of messages that no article answers, at most this share gets a draft; an agent reads it."""
    answer_risk: Annotated[float, Meta(ge=0.01, le=0.3)] = 0.05
    """The same for answers that nobody reads before they leave."""


class DeskOption(Base):
    __tablename__ = "desk_option"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    changed_at: Mapped[datetime] = mapped_column(insert_default=now, server_default=func.clock_timestamp())


async def load(session: AsyncSession) -> Options:
    """A row that this version cannot read counts as not there: a page must never fail for it."""
    rows = await session.execute(select(DeskOption.name, DeskOption.value))
    chosen = Options()
    for name, value in rows:
        if name in Options.__struct_fields__:
            try:
                chosen = _with(chosen, {name: value})
            except msgspec.ValidationError:
                continue
    return chosen


async def change(session: AsyncSession, *, by: Actor, **values: Any) -> Options:
    """Raises Invalid, naming the option, where a value cannot be one; writes an event for what differs."""
    before = await load(session)
    try:
        after = _with(before, values)
    except msgspec.ValidationError as error:
        raise Invalid(gettext("This option cannot be that: %(why)s.") % {"why": error}) from None
    changed = sorted(name for name in values if getattr(before, name) != getattr(after, name))
    for name in changed:
        await _keep(session, name, getattr(after, name))
    if changed:
        session.add(Event(Kind.options_changed, by=by, options=changed))
        await session.execute(select(func.pg_notify(CHANNEL, CHANGED)))
    return after


async def _keep(session: AsyncSession, name: str, value: Any) -> None:
    if value == getattr(Options(), name):
        await session.execute(delete(DeskOption).where(DeskOption.name == name))
        return
    row = insert(DeskOption).values(name=name, value=value)
    await session.execute(
        row.on_conflict_do_update(index_elements=["name"], set_={"value": value, "changed_at": now()})
    )


def _with(options: Options, values: dict[str, Any]) -> Options:
    return msgspec.convert(msgspec.structs.asdict(options) | values, Options)
