"""What became of drafts: for how many letters there was one, and what agents did with it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from ai.drafting.checking import Fault
from ai.drafting.proposing import EXTRACTIVE
from ai.drafting.reasons import EXPLANATIONS, FAULTS, REJECTIONS, Reason
from ai.evaluation.intervals import wilson
from ai.suggestions import State, Suggestion
from helpdesk.access import Action, is_visible
from helpdesk.i18n import Text
from helpdesk.people import Agent
from helpdesk.tickets import Ticket

ORDER = (
    State.used,
    State.edited,
    State.dismissed,
    State.offered,
    State.replaced,
    State.stale,
    State.withheld,
)
"""Of several drafts for one letter the one counts with which most was done."""


@dataclass(frozen=True)
class Share:
    count: int
    of: int

    @property
    def value(self) -> float | None:
        return self.count / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Wilson."""
        return wilson(self.count, self.of)


@dataclass(frozen=True)
class Figures:
    letters: int
    """Messages of customers for which a draft was looked for."""
    drafted: Share
    used: Share
    edited: Share
    rejected: Share
    unused: Share
    """Answered without it, or the customer wrote again first."""
    waiting: int
    changed: float | None
    """Median share of words that agents changed, where they changed any."""
    written: Share
    """Of the drafts, those in a language model's words."""
    rejections: list[tuple[Text | None, int]]
    withheld: list[tuple[Text, int]]
    removed: list[tuple[Text, int]]
    """Sentences of a model that no source proves."""


async def figures(session: AsyncSession, agent: Agent, since: datetime) -> Figures:
    """Of tickets that the agent may report on."""
    place = case({state.value: i for i, state in enumerate(ORDER)}, value=Suggestion.state, else_=len(ORDER))
    ended = (
        select(
            Suggestion.state,
            Suggestion.edit_distance,
            Suggestion.rejection,
            Suggestion.reason,
            Suggestion.model,
        )
        .distinct(Suggestion.message_id)
        .join(Ticket, Ticket.id == Suggestion.ticket_id)
        .where(Suggestion.created_at >= since, is_visible(agent, Action.report))
        .order_by(Suggestion.message_id, place, Suggestion.id.desc())
        .subquery()
    )
    rows = (
        await session.execute(
            select(
                ended.c.state,
                ended.c.rejection,
                ended.c.reason,
                func.count().label("number"),
                func.count().filter(~ended.c.model.startswith(EXTRACTIVE)).label("written"),
            ).group_by(ended.c.state, ended.c.rejection, ended.c.reason)
        )
    ).all()
    changed = await session.scalar(
        select(func.percentile_cont(0.5).within_group(ended.c.edit_distance)).where(
            ended.c.state == State.edited
        )
    )
    counts = {state: sum(row.number for row in rows if row.state == state) for state in State}
    letters, drafts = sum(counts.values()), sum(counts.values()) - counts[State.withheld]
    waiting = counts[State.offered] + counts[State.replaced]
    over = drafts - waiting
    return Figures(
        letters=letters,
        drafted=Share(drafts, letters),
        used=Share(counts[State.used], over),
        edited=Share(counts[State.edited], over),
        rejected=Share(counts[State.dismissed], over),
        unused=Share(counts[State.stale], over),
        waiting=waiting,
        changed=changed,
        written=Share(sum(row.written for row in rows if row.state != State.withheld), drafts),
        rejections=[
            (words, count)
            for why, words in [*REJECTIONS.items(), (None, None)]
            if (count := sum(r.number for r in rows if r.state == State.dismissed and r.rejection == why))
        ],
        withheld=[
            (EXPLANATIONS[why], count)
            for why in Reason
            if (count := sum(r.number for r in rows if r.state == State.withheld and r.reason == why))
        ],
        removed=await _removed(session, agent, since),
    )


async def _removed(session: AsyncSession, agent: Agent, since: datetime) -> list[tuple[Text, int]]:
    lists = case(
        (func.jsonb_typeof(Suggestion.removed) == "array", Suggestion.removed), else_=text("'[]'::jsonb")
    )
    each = func.jsonb_array_elements(lists).table_valued("value").render_derived("removed")
    why = each.c.value.op("->>")(text("'why'"))
    rows = await session.execute(
        select(why, func.count())
        .select_from(Suggestion)
        .join(Ticket, Ticket.id == Suggestion.ticket_id)
        .join(each, true())
        .where(Suggestion.created_at >= since, is_visible(agent, Action.report))
        .group_by(why)
        .order_by(func.count().desc())
    )
    return [(FAULTS[Fault(name)], count) for name, count in rows if name in list(Fault)]
