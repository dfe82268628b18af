"""Topics: what customers write about, in the desk's own words. Triage tells them apart by name and examples."""

from collections.abc import Iterable

from sqlalchemy import Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Row
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.labels import named
from helpdesk.texts import clean

LONGEST = 60  # characters of a name
DESCRIPTION = 500
EXAMPLES, EXAMPLE = 200, 300


class Topic(Row):
    """Archived, never deleted: tickets and past readings name it."""

    __tablename__ = "topic"

    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    examples: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    """Phrases of customers, written or chosen by the desk's people."""
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (Index("uq_topic_name", text("lower(name)"), unique=True),)


class TopicThere(Conflict):
    message = _("There is a topic with this name already.")


async def fill(
    session: AsyncSession,
    topic: Topic,
    *,
    by: Actor,
    name: str,
    description: str = "",
    examples: Iterable[str] = (),
) -> None:
    """A new topic, or this one changed. Raises BadName, TopicThere."""
    name = named(name, longest=LONGEST)
    with session.no_autoflush:
        same = func.lower(Topic.name) == func.lower(name)
        if await session.scalar(select(Topic.id).where(same, Topic.id.is_distinct_from(topic.id))):
            raise TopicThere
    what = "edited" if topic.id else "added"
    lines = (" ".join(clean(each).split())[:EXAMPLE] for each in examples)
    topic.name, topic.description = name, clean(description).strip()[:DESCRIPTION]
    topic.examples = list(dict.fromkeys(filter(None, lines)))[:EXAMPLES]
    session.add(topic)
    await session.flush()
    session.add(Event(Kind.topic_edited, by=by, about=topic, what=what))


async def archive(session: AsyncSession, topic: Topic, *, by: Actor, back: bool = False) -> None:
    topic.archived = not back
    session.add(Event(Kind.topic_edited, by=by, about=topic, what="restored" if back else "archived"))


async def topics(session: AsyncSession, *, all_: bool = False) -> list[Topic]:
    """By name; `all_`: the archived ones, too."""
    query = select(Topic).order_by(func.lower(Topic.name), Topic.id)
    return list(await session.scalars(query if all_ else query.where(~Topic.archived)))
