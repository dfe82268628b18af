"""Statements that are built once: putting one together in Python costs three times what running it does.

    @once
    def _past(agent: Agent) -> Select[Any]:
        return select(...).where(is_visible(agent), Ticket.contact_id == bindparam("contact"))

    await session.execute(_past(agent), {"contact": 42})

What changes from call to call is a `bindparam`. An argument may be what the statement's shape depends on; an agent
counts as what they may see, so that a changed role or team makes another statement at once.
"""

from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import ColumnElement, Integer, Select, Text, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.people import Agent

MOST = 128
"""Statements that are kept of each kind; those least used are forgotten."""
AnySelect = Select[*tuple[Any, ...]]
P = ParamSpec("P")
R = TypeVar("R")


def once(build: Callable[P, R]) -> Callable[P, R]:
    """Keeps what `build` returns; it must depend on nothing but its arguments, and nobody may change it."""
    kept: dict[Hashable, R] = {}

    @wraps(build)
    def built(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (*map(_key, args), *((name, _key(value)) for name, value in sorted(kwargs.items())))
        if (found := kept.pop(key, None)) is None:
            found = build(*args, **kwargs)
            if len(kept) >= MOST:
                del kept[next(iter(kept))]
        kept[key] = found  # last again: the first is the one that was not used for longest
        return found

    return built


def standing(agent: Agent) -> Hashable:
    """All that decides what an agent may see and do; equal for nobody else."""
    own = agent.custom_role
    return (
        agent.id,
        agent.active,
        agent.role,
        own and (own.reach, tuple(own.permissions)),
        tuple((m.team_id, m.custom_role and tuple(m.custom_role.permissions)) for m in agent.memberships),
        agent.scopes,
    )


def own_plans(wanted: bool) -> ColumnElement[str]:
    """A column that says, until the transaction ends: plans made for other values are not used again."""
    return func.set_config("plan_cache_mode", "force_custom_plan" if wanted else "auto", True)


@asynccontextmanager
async def planned_anew(session: AsyncSession) -> AsyncIterator[None]:
    """Within it each statement has a plan for its own values: for patterns, which are in few rows or in most."""
    await session.execute(select(own_plans(True)))
    yield
    await session.execute(select(own_plans(False)))


def literally(number: int) -> ColumnElement[int]:
    """A number that stands in the statement, so that the one plan that is kept for all values knows it: of a LIMIT that
    is a value it supposes a tenth of what there is, and for an expression with one it finds no index."""
    return literal_column(str(int(number)), Integer)


def said(word: StrEnum) -> ColumnElement[str]:
    """A word of ours that stands in the statement, so that an index of some words only is one for every plan."""
    return literal_column(f"'{word.value}'", Text)


def as_list(rows: AnySelect, name: str = "each_row") -> ColumnElement[list[dict[str, Any]]]:
    """The rows as JSON in one value, so that several lists are one statement."""
    found = rows.subquery(name)
    return (
        select(func.coalesce(func.json_agg(literal_column(name)), literal_column("'[]'::json")))
        .select_from(found)
        .scalar_subquery()
    )


def _key(value: Any) -> Hashable:
    return standing(value) if isinstance(value, Agent) else value
