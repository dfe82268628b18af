"""What tickets are sorted by beside status and priority: one type, any number of tags."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Table,
    Text,
    cast,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.database import Base, Row
from helpdesk.errors import Conflict, Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _
from helpdesk.texts import clean

MOST_TAGS = 50  # of one ticket
LONGEST = 50  # characters of a name
COLOURS = (
    "grey",
    "red",
    "orange",
    "amber",
    "yellow",
    "green",
    "teal",
    "cyan",
    "blue",
    "indigo",
    "violet",
    "pink",
    "rose",
)
"""What a status, a type or a tag may have, in the order in which a person is shown them."""

ticket_tag = Table(
    "ticket_tag",
    Base.metadata,
    Column("ticket_id", BigInteger, ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", BigInteger, ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Tag(Row):
    __tablename__ = "tag"

    name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="grey")

    __table_args__ = (Index("uq_tag_name", text("lower(name)"), unique=True),)


class TicketType(Row):
    """Question, problem, order, …: what sort of thing a ticket is."""

    __tablename__ = "ticket_type"

    name: Mapped[str]
    colour: Mapped[str] = mapped_column(server_default="grey")
    position: Mapped[int] = mapped_column(default=0, server_default="0")
    archived: Mapped[bool] = mapped_column(default=False, server_default="false")
    """No longer offered; tickets that have it keep it."""

    __table_args__ = (Index("uq_ticket_type_name", text("lower(name)"), unique=True),)


def named(name: str, *, longest: int = LONGEST) -> str:
    """One line, as it is kept; raises BadName."""
    line = " ".join(clean(name).split())
    if not line or len(line) > longest:
        raise BadName
    return line


def coloured(colour: str) -> str:
    if colour not in COLOURS:
        raise BadColour
    return colour


def own_colour(name: str) -> str:
    """What a tag has that nobody has chosen one for: always the same, and never grey."""
    return COLOURS[1 + crc32(name.casefold().encode()) % (len(COLOURS) - 1)]


async def tags_called(session: AsyncSession, names: Iterable[str], *, by: Actor) -> list[Tag]:
    """The tags of these names, made where they are new; in the order given. Two agents may make the same one."""
    wanted = list(dict.fromkeys(map(_tag_name, names)))
    found = await _known(session, wanted)
    if missing := [name for name in wanted if name not in found]:
        rows = [{"name": name, "colour": own_colour(name)} for name in missing]
        made = await session.scalars(
            upsert(Tag).on_conflict_do_nothing(index_elements=[func.lower(Tag.name)]).returning(Tag), rows
        )
        for tag in made.all():
            session.add(Event(Kind.tag_edited, by=by, about=tag, what="added"))
        found = await _known(session, wanted)
    return list(dict.fromkeys(found[name] for name in wanted if name in found))


async def _known(session: AsyncSession, names: list[str]) -> dict[str, Tag]:
    """By what the database calls lower case, since its index says which names are the same; Python's differs (ß)."""
    given = func.unnest(cast(names, ARRAY(Text))).table_valued("name").render_derived()
    same = func.lower(Tag.name) == func.lower(given.c.name)
    rows = await session.execute(select(given.c.name, Tag).join(Tag, same))
    return {name: tag for name, tag in rows}  # noqa: C416 - rows are no pairs to a type checker


def _tag_name(name: str) -> str:
    """Commas part tags wherever several are typed, so none has one."""
    if "," in name or ";" in name:
        raise BadTag
    return named(name)


async def _tags(session: AsyncSession, keys: Iterable[str]) -> Sequence[Tag]:
    lower = [func.lower(key) for key in keys]
    return (await session.scalars(select(Tag).where(func.lower(Tag.name).in_(lower)))).all()


async def used(session: AsyncSession, tag: Tag) -> int:
    """How many tickets have it, of all teams."""
    return await session.scalar(select(func.count()).where(ticket_tag.c.tag_id == tag.id)) or 0


async def change_tag(session: AsyncSession, tag: Tag, *, name: str, colour: str, by: Actor) -> None:
    name, colour = _tag_name(name), coloured(colour)
    if name.lower() != tag.name.lower() and await _tags(session, [name]):
        raise TagTaken
    if (name, colour) != (tag.name, tag.colour):
        tag.name, tag.colour = name, colour
        session.add(Event(Kind.tag_edited, by=by, about=tag, what="changed"))


async def merge_tags(session: AsyncSession, tag: Tag, into: Tag, *, by: Actor) -> int:
    """Whatever has the one has the other from now on; returns how many tickets had it."""
    if tag.id == into.id:
        raise SameTag
    count = await used(session, tag)
    moved = select(ticket_tag.c.ticket_id, text(":into").bindparams(into=into.id)).where(
        ticket_tag.c.tag_id == tag.id
    )
    await session.execute(
        upsert(ticket_tag).from_select(["ticket_id", "tag_id"], moved).on_conflict_do_nothing()
    )
    session.add(Event(Kind.tags_merged, by=by, about=into, was=tag.id, name=tag.name, tickets=count))
    await session.execute(delete(Tag).where(Tag.id == tag.id))
    return count


async def delete_tag(session: AsyncSession, tag: Tag, *, by: Actor) -> int:
    """Returns how many tickets had it."""
    count = await used(session, tag)
    session.add(Event(Kind.tag_deleted, by=by, about=tag, name=tag.name, tickets=count))
    await session.execute(delete(Tag).where(Tag.id == tag.id))
    return count


async def save_type(
    session: AsyncSession, kind: TicketType | None, *, name: str, colour: str, by: Actor
) -> TicketType:
    """Make a type, or change one."""
    name, colour = named(name), coloured(colour)
    taken = await session.scalar(select(TicketType.id).where(func.lower(TicketType.name) == func.lower(name)))
    if taken and (kind is None or taken != kind.id):
        raise TypeTaken
    what = "changed"
    if kind is None:
        last = await session.scalar(select(func.max(TicketType.position)))
        kind, what = TicketType(position=(last or 0) + 10), "added"
        session.add(kind)
    kind.name, kind.colour = name, colour
    await session.flush()
    session.add(Event(Kind.type_edited, by=by, about=kind, what=what))
    return kind


def archive_type(session: AsyncSession, kind: TicketType, archived: bool, *, by: Actor) -> None:
    if kind.archived != archived:
        kind.archived = archived
        session.add(Event(Kind.type_edited, by=by, about=kind, what="archived" if archived else "offered"))


class BadName(Invalid):
    message = _("A name has between 1 and 50 characters, in one line.")


class BadColour(Invalid):
    message = _("Choose one of the colours that are offered.")


class BadTag(Invalid):
    message = _("A tag has no comma and no semicolon: they part one tag from the next.")


class TagTaken(Conflict):
    message = _("Another tag has this name. Merge the two instead.")


class SameTag(Conflict):
    message = _("A tag cannot be merged into itself. Choose another one.")


class TypeTaken(Conflict):
    message = _("Another type has this name, perhaps an archived one.")
