"""What was found, kept from night to night: the same finding is found again, not twice, and stays decided."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, delete, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.clock import now
from helpdesk.database import Choice, Row
from helpdesk.errors import Conflict
from helpdesk.events import Event
from helpdesk.events import Kind as Happened
from helpdesk.i18n import _
from helpdesk.people import Agent

SAME = 0.3
"""Share of the smaller one's tickets that two groups have in common where they are one finding."""
GROWN = 2.0
"""A finding that somebody has put away comes back when it has grown so many times."""
KEPT = timedelta(days=180)
OVER = timedelta(days=7)
"""After so long an incident that nobody has decided about is none any more."""
PATIENCE = timedelta(minutes=10)
"""A model that has not written an article within this will not."""


class Kind(StrEnum):
    gap = "gap"  # asked again and again, and no article answers
    contradiction = (
        "contradiction"  # an article says one thing, recent answers or another article say another
    )
    duplicate = "duplicate"  # two articles say the same
    incident = "incident"  # many ask for the same all at once


class State(StrEnum):
    open = "open"
    done = "done"  # somebody did what it asks for
    dismissed = "dismissed"


class Unwritten(StrEnum):
    """Why a language model wrote no article."""

    failed = "failed"  # it did not answer, or not in time
    unanswered = "unanswered"  # there is no answer to make an article of any more


class AlreadyDecided(Conflict):
    message = _("Somebody has decided about this already.")


class BeingWritten(Conflict):
    message = _("The article is being written already. Wait a moment.")


class Finding(Row):
    __tablename__ = "finding"
    __table_args__ = (Index("ix_finding_state_kind", "state", "kind"),)

    kind: Mapped[Kind] = mapped_column(Choice(Kind))
    state: Mapped[State] = mapped_column(Choice(State), default=State.open)
    size: Mapped[int]
    """Tickets, or answers, that it stands on."""
    cost: Mapped[int] = mapped_column(default=0)
    """Answers that people had to write for them."""
    score: Mapped[float] = mapped_column(default=0.0)
    """Of a duplicate how much of one article the other says; of an incident how often so many come by chance."""
    tickets: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    """Their ids, the most telling one first. What people wrote stays where it was written."""
    article_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    other_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="CASCADE"), index=True
    )
    edit: Mapped[dict[str, Any] | None]
    """Of a contradiction: {sentence, others: [{says, instead, tickets | sentence}]}: the article's own sentence, what
    is said in place of what in it, and by whom."""
    made_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("article.id", ondelete="SET NULL"), index=True
    )
    """The article that was drafted because of it."""
    problem_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("ticket.id", ondelete="SET NULL"), index=True
    )
    """The ticket that became the problem."""
    writing_at: Mapped[datetime | None]
    """Since when a language model has been asked for an article."""
    writer_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))
    """Who asked for it."""
    unwritten: Mapped[str | None]
    """Why nothing came of it, an Unwritten."""
    seen_at: Mapped[datetime] = mapped_column(insert_default=now)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("agent.id"))

    def has_grown(self, again: "Found") -> bool:
        """Far more than what somebody has decided about. What an article says is settled by editing the article."""
        if self.kind not in {Kind.gap, Kind.incident}:
            return self.state is State.dismissed and again.size >= GROWN * self.size
        return len(set(again.tickets) | set(self.tickets)) >= GROWN * max(len(self.tickets), 1)

    def with_earlier(self, again: "Found") -> list[int]:
        """An incident that goes on keeps the letters with which it began."""
        earlier = self.tickets or [] if self.kind is Kind.incident else []
        return [*again.tickets, *(one for one in earlier if one not in set(again.tickets))]

    @property
    def is_over(self) -> bool:
        """Not found any more; an incident stays a while, for who comes to work after it."""
        return self.kind is not Kind.incident or self.seen_at < now() - OVER

    def decide(self, state: State, *, by: Agent) -> Event:
        if self.state is not State.open:
            raise AlreadyDecided
        self.state, self.decided_at, self.decided_by = state, now(), by.id
        return Event(Happened.finding_decided, by=by, about=self, finding=self.kind, now=state)

    @property
    def is_being_written(self) -> bool:
        return self.state is State.open and self.writing_at is not None and self.writing_at > now() - PATIENCE

    def want_article(self, *, by: Agent) -> Event:
        """A language model is to write it; the models' process hears of the event. Raises BeingWritten."""
        if self.state is not State.open:
            raise AlreadyDecided
        if self.is_being_written:
            raise BeingWritten
        self.writing_at, self.writer_id, self.unwritten = now(), by.id, None
        return Event(Happened.article_wanted, by=by, about=self)

    def reopen(self, *, by: Agent) -> Event:
        if self.state is State.open:
            raise AlreadyDecided
        self.state, self.decided_at, self.decided_by = State.open, None, None
        return Event(Happened.finding_decided, by=by, about=self, finding=self.kind, now=State.open)


@dataclass(frozen=True, kw_only=True)
class Found:
    """As the last look found it."""

    kind: Kind
    tickets: Sequence[int] = ()
    size: int
    cost: int = 0
    score: float = 0.0
    article_id: int | None = None
    other_id: int | None = None
    edit: dict[str, Any] | None = None

    def is_same(self, known: Finding) -> bool:
        if self.kind is not known.kind:
            return False
        if self.kind in {Kind.gap, Kind.incident}:
            if not self.tickets or not known.tickets:
                return False
            both = len(set(self.tickets) & set(known.tickets))
            return both >= SAME * min(len(self.tickets), len(known.tickets))
        if (self.article_id, self.other_id) != (known.article_id, known.other_id):
            return False
        mine, theirs = self.edit or {}, known.edit or {}
        return mine.get("sentence") == theirs.get("sentence") and _says(mine) <= _says(theirs)


async def of_incidents(session: AsyncSession) -> set[int]:
    """Tickets of those that are open. What broke today is no article that is missing."""
    found = await session.scalars(
        select(Finding.tickets).where(Finding.kind == Kind.incident, Finding.state == State.open)
    )
    return {ticket for tickets in found for ticket in tickets or ()}


async def drop_gaps_within(session: AsyncSession, incidents: Set[int], least: int) -> None:
    """Gaps found just before it was known that there is an incident, of whose letters they are made."""
    gaps = await session.scalars(
        select(Finding).where(Finding.kind == Kind.gap, Finding.state == State.open).with_for_update()
    )
    for gap in gaps:
        if not incidents.isdisjoint(gap.tickets or ()) and len(set(gap.tickets) - incidents) < least:
            await session.delete(gap)
    await session.flush()


def _says(edit: dict[str, Any]) -> set[str]:
    return {str(other.get("says")) for other in edit.get("others", ())}


async def keep(session: AsyncSession, kinds: Sequence[Kind], found: Sequence[Found]) -> list[Finding]:
    """What is open now, of these kinds; what is not found any more and nobody has decided about goes."""
    known = list(
        await session.scalars(select(Finding).where(Finding.kind.in_(kinds)).order_by(Finding.id.desc()))
    )
    still: list[Finding] = []
    for one in found:
        if (finding := next((each for each in known if one.is_same(each)), None)) is None:
            finding = Finding(kind=one.kind, state=State.open, size=one.size)
            session.add(finding)
        else:
            known.remove(finding)
            if finding.state is not State.open and finding.has_grown(one):
                finding.state, finding.decided_at, finding.decided_by = State.open, None, None
            if finding.state is not State.open:
                finding.seen_at = now()
                continue
        finding.size, finding.cost, finding.score = one.size, one.cost, one.score
        finding.tickets, finding.edit = finding.with_earlier(one), one.edit
        finding.article_id, finding.other_id, finding.seen_at = one.article_id, one.other_id, now()
        still.append(finding)
    over = [each.id for each in known if each.state is State.open and each.is_over]
    over += [each.id for each in known if each.created_at < now() - KEPT]
    await session.execute(delete(Finding).where(Finding.id.in_(over)))
    await session.flush()
    return still
