"""How far a reading goes: not read, shown, or written on the ticket; per kind, and per team where one says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ai.predictions import Kind
from ai.triage.rows import Allowed, Mode
from helpdesk.errors import Invalid
from helpdesk.events import Actor, Event
from helpdesk.events import Kind as Happened
from helpdesk.i18n import _

READINGS = frozenset({Kind.language, Kind.sentiment, Kind.frustration, Kind.urgency, Kind.topic})
"""Written on the ticket they are what lists, conditions and rules see; they move nothing."""
DEEDS = frozenset({Kind.team, Kind.tag, Kind.priority})
"""Done, they change the ticket, as the assistant, and can be taken back."""
LEAST, USUAL = 0.5, 0.9
_UNIQUE: list[Any] = [Allowed.kind, func.coalesce(Allowed.team_id, 0)]


@dataclass(frozen=True)
class Rule:
    mode: Mode
    sure: float
    """The confidence from which it is done. A reader that said something was sure enough to say it: a mood, for
    one, is said from .45 on, so that LEAST asks for no more than that."""

    def allows(self, confidence: float) -> bool:
        return self.mode is Mode.do and (self.sure <= LEAST or confidence >= self.sure)


def usual(kind: Kind) -> Rule:
    """Until somebody says otherwise."""
    return Rule(Mode.do, LEAST) if kind in READINGS else Rule(Mode.suggest, USUAL)


@dataclass(frozen=True)
class Policy:
    rules: Mapping[tuple[Kind, int | None], Rule]

    def of(self, kind: Kind, team_id: int | None) -> Rule:
        own = self.rules.get((kind, team_id)) if team_id else None
        return own or self.rules.get((kind, None)) or usual(kind)


async def policy(session: AsyncSession) -> Policy:
    rows = await session.execute(select(Allowed.kind, Allowed.team_id, Allowed.mode, Allowed.sure))
    return Policy({(kind, team): Rule(mode, sure) for kind, team, mode, sure in rows})


async def allow(
    session: AsyncSession, kind: Kind, team_id: int | None, rule: Rule | None, *, by: Actor
) -> None:
    """None: as everywhere else, or, for the desk, as usual. Raises NotSure."""
    if rule and not LEAST <= rule.sure <= 1:
        raise NotSure
    if rule is None:
        same = (Allowed.kind == kind, Allowed.team_id.is_not_distinct_from(team_id))
        await session.execute(delete(Allowed).where(*same))
    else:
        values = {"mode": rule.mode, "sure": rule.sure}
        row = insert(Allowed).values(kind=kind, team_id=team_id, **values)
        await session.execute(row.on_conflict_do_update(index_elements=_UNIQUE, set_=values))
    told = {"mode": rule.mode.value, "sure": rule.sure} if rule else {"mode": None}
    session.add(Event(Happened.triage_changed, by=by, reads=kind.value, team=team_id, **told))


class NotSure(Invalid):
    message = _("How sure it must be is a number of percent from 50 to 100.")
