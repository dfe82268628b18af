"""How a desk begins and ends its letters: its own words per inbox and language, else ours."""

from dataclasses import replace

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from ai.courtesy import CATALOGUE, Courtesy, courtesy
from helpdesk.database import Row
from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event, Kind
from helpdesk.i18n import _

LONGEST = 1_000
LINES = ("greeting", "anonymous", "offer", "closing", "signature")
NAME = "{name}"


class Tone(Row):
    """A desk's own lines; an empty one leaves the usual line as it is."""

    __tablename__ = "draft_tone"
    __table_args__ = (UniqueConstraint("inbox_id", "language", postgresql_nulls_not_distinct=True),)

    inbox_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("inbox.id", ondelete="CASCADE"))
    """None: every inbox that has no line of its own."""
    language: Mapped[str]
    """`de`; empty: every language, as for a signature of names and numbers."""
    greeting: Mapped[str]
    """With {name}, where the customer's first name is known."""
    anonymous: Mapped[str]
    offer: Mapped[str]
    """That they may simply answer, if it did not help."""
    closing: Mapped[str]
    signature: Mapped[str]


class NoName(Invalid):
    message = _("The greeting needs {name}: that is where the customer's first name goes.")


class TooLong(Invalid):
    message = _("A line can have 1,000 characters at most.")


class UnknownLanguage(Invalid):
    message = _("Drafts are not written in this language. Choose one from the list.")


async def words_of(session: AsyncSession, inbox_id: int | None, language: str) -> Courtesy:
    """Ours; over them the desk's for all languages, for this one, the inbox's for all, and for this one."""
    base = language.split("-")[0].lower()
    rows = await session.scalars(
        select(Tone)
        .where(or_(Tone.inbox_id.is_(None), Tone.inbox_id == inbox_id), Tone.language.in_(["", base]))
        .order_by(Tone.inbox_id.asc().nulls_first(), Tone.language)
    )
    words = courtesy(language)
    for row in rows:
        own = {line: getattr(row, line) for line in LINES if getattr(row, line)}
        words = replace(words, **own)
    return words


async def tones(session: AsyncSession) -> list[Tone]:
    """All there are, the whole desk's first."""
    rows = await session.scalars(select(Tone).order_by(Tone.inbox_id.asc().nulls_first(), Tone.language))
    return list(rows)


async def keep(
    session: AsyncSession, inbox_id: int | None, language: str, lines: dict[str, str], *, by: Actor
) -> None:
    """Lines of one inbox and language; all empty: the usual ones again."""
    if language and language not in CATALOGUE:
        raise UnknownLanguage
    own = {line: lines.get(line, "").strip() for line in LINES}
    if any(len(text) > LONGEST for text in own.values()):
        raise TooLong
    if own["greeting"] and NAME not in own["greeting"]:
        raise NoName
    await session.execute(
        delete(Tone).where(Tone.inbox_id.is_not_distinct_from(inbox_id), Tone.language == language)
    )
    if any(own.values()):
        session.add(Tone(inbox_id=inbox_id, language=language, **own))
    session.add(Event(Kind.tone_changed, by=by, inbox=inbox_id, language=language))
    await session.flush()
