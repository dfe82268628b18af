"""Facts made from what was said and what happened: a ticket at a time, from scratch, as often as one likes.

Whoever counts takes the facts that nobody else holds at this moment and leaves the others for a moment later, so
that counting never waits for somebody who works on a ticket, nor they for it.
"""

# ruff: noqa: S608 - names are those of our own tables, values are bound
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import delete, func, or_, select, text, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.calendars import Calendar
from helpdesk.clock import now
from helpdesk.events import Event
from helpdesk.measures import lives
from helpdesk.measures.lives import Happened, Life, Said, Standing
from helpdesk.measures.rows import FactWalk, TicketFact, TicketReply, TicketSpell
from helpdesk.messages import Delivery, Direction, Message
from helpdesk.sla import Policy
from helpdesk.tickets import Ticket

BATCH = 200
"""Tickets of one transaction."""
VERSION = 1
"""Raised where lives are told differently: then every ticket is counted anew."""
NOT_LEFT = (Delivery.scheduled, Delivery.held)
_COPIED = (
    "id",
    "created_at",
    "inbox_id",
    "team_id",
    "assignee_id",
    "contact_id",
    "type_id",
    "priority",
    "removed",
)


async def recount(session: AsyncSession, ids: Iterable[int]) -> list[int]:
    """Write these tickets' facts; returns those that somebody works on just now, to be counted in a moment."""
    wanted = sorted(set(ids))
    locked = select(TicketFact.id).where(TicketFact.id.in_(wanted)).order_by(TicketFact.id)
    held = (await session.scalars(locked.with_for_update(skip_locked=True))).all()
    await _write(session, await _told(session, held))
    if len(held) == len(wanted):
        return []
    there = set(await session.scalars(select(TicketFact.id).where(TicketFact.id.in_(wanted))))
    return sorted(there - set(held))


async def forget_counts(session: AsyncSession, ids: Sequence[int]) -> None:
    """These are counted anew by and by: something was written past the event log."""
    await session.execute(
        update(TicketFact)
        .where(TicketFact.id.in_(ids))
        .values(counted_at=None)
        .execution_options(synchronize_session=False)
    )


async def catch_up(session: AsyncSession) -> int:
    """One batch of what was never counted: imported tickets, and those older than the facts. 0: none is left."""
    waiting = select(TicketFact.id).where(TicketFact.counted_at.is_(None)).order_by(TicketFact.id.desc())
    ids = (await session.scalars(waiting.limit(BATCH).with_for_update(skip_locked=True))).all()
    if ids:
        await _write(session, await _told(session, ids))
        return len(ids)
    return await _walk(session)


async def left(session: AsyncSession) -> int:
    """About how many tickets are still to be counted."""
    walk = await session.get(FactWalk, 1, populate_existing=True)
    upto = await session.scalar(select(func.max(Ticket.id))) if walk and walk.version != VERSION else None
    waiting = select(TicketFact.id).where(TicketFact.counted_at.is_(None)).limit(10_000).subquery()
    return (upto or (walk.upto if walk else 0)) + (
        await session.scalar(select(func.count(waiting.c.id))) or 0
    )


async def _walk(session: AsyncSession) -> int:
    """Facts for the next older tickets, which the next batch counts."""
    walk = await session.scalar(select(FactWalk).where(FactWalk.id == 1).with_for_update(skip_locked=True))
    if walk is None:
        return 0
    if walk.version != VERSION:
        walk.version, walk.upto = VERSION, await session.scalar(select(func.max(Ticket.id))) or 0
    if walk.upto == 0:
        return 0
    older = select(*(getattr(Ticket, name) for name in _COPIED)).where(Ticket.id <= walk.upto)
    rows = (await session.execute(older.order_by(Ticket.id.desc()).limit(10 * BATCH))).all()
    walk.upto = rows[-1].id - 1 if rows else 0
    if rows:
        made = insert(TicketFact).values([row._asdict() for row in rows])
        again = made.on_conflict_do_update(index_elements=["id"], set_={"counted_at": None})
        await session.execute(again)
    return len(rows)


async def _told(session: AsyncSession, ids: Sequence[int]) -> dict[int, tuple[int | None, Life]]:
    """Ticket → the calendar by which working time was counted, and its life."""
    standing = (
        await session.execute(
            select(Ticket.id, Ticket.created_at, Ticket.settled, Ticket.resolved_at, Policy.calendar_id)
            .outerjoin(Policy, Policy.id == Ticket.policy_id)
            .where(Ticket.id.in_(ids))
        )
    ).all()
    calendars = await _calendars(session)
    usual = min(calendars, default=None)
    said, happened = await _said(session, ids), await _happened(session, ids)
    found = {}
    for number, created_at, settled, resolved_at, calendar_id in standing:
        chosen = calendar_id or usual
        life = lives.told(
            Standing(created_at, settled, resolved_at),
            said.get(number, []),
            happened.get(number, []),
            calendars[chosen].hours if chosen else None,
        )
        found[number] = (chosen, life)
    return found


async def _calendars(session: AsyncSession) -> Mapping[int, Calendar]:
    return {each.id: each for each in await session.scalars(select(Calendar))}


async def _said(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[Said]]:
    columns = [getattr(Message, name) for name in Said._fields]
    rows = await session.execute(
        select(Message.ticket_id, *columns)
        .where(
            Message.ticket_id.in_(ids),
            Message.direction != Direction.note,
            Message.side_id.is_(None),
            Message.copy_of_id.is_(None),
            Message.withdrawn_at.is_(None),
            or_(Message.delivery.is_(None), Message.delivery.not_in(NOT_LEFT)),
        )
        .order_by(Message.ticket_id, Message.id)
    )
    return {number: [Said(*row[1:]) for row in some] for number, some in groupby(rows, itemgetter(0))}


async def _happened(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[Happened]]:
    columns = [getattr(Event, name) for name in Happened._fields]
    rows = await session.execute(
        select(Event.ticket_id, *columns)
        .where(Event.ticket_id.in_(ids), Event.kind.in_(lives.KINDS))
        .order_by(Event.ticket_id, Event.id)
    )
    return {number: [Happened(*row[1:]) for row in some] for number, some in groupby(rows, itemgetter(0))}


async def _write(session: AsyncSession, told: Mapping[int, tuple[int | None, Life]]) -> None:
    """Whole lists as JSON: a statement for each row would cost ten times as much."""
    if not told:
        return
    facts = [{"id": number, **_fact(*each)} for number, each in told.items()]
    await session.execute(text(_FACTS), {"rows": _json(facts)})
    for table, lists in (
        (TicketSpell, {number: life.spells for number, (_, life) in told.items()}),
        (TicketReply, {number: life.replies for number, (_, life) in told.items()}),
    ):
        await _keep(session, table, lists)


def _fact(calendar_id: int | None, life: Life) -> dict[str, Any]:
    first, last = life.first, life.last
    return {
        "asked_at": life.asked_at,
        "answered_at": first and first.replied_at,
        "responder_id": first and first.agent_id,
        "resolved_at": last.ended_at,
        "resolver_id": last.resolver_id,
        "resolution": life.resolution,
        "resolution_hours": life.resolution_hours,
        "replies": len(life.replies),
        "customer_messages": life.customer_messages,
        "reopens": life.reopens,
        "one_touch": life.one_touch,
        "calendar_id": calendar_id,
        "counted_at": now(),
    }


async def _keep(
    session: AsyncSession,
    table: type[TicketSpell | TicketReply],
    lists: Mapping[int, Sequence[lives.Spell | lives.Reply]],
) -> None:
    """What differs is written, what is there no more is removed."""
    known = await session.execute(select(table.__table__).where(table.ticket_id.in_(list(lists))))
    before = {(row["ticket_id"], row["position"]): dict(row) for row in known.mappings()}
    after = {
        (number, position): {"ticket_id": number, "position": position, **asdict(one)}
        for number, each in lists.items()
        for position, one in enumerate(each)
    }
    if gone := [place for place in before if place not in after]:
        key = tuple_(table.ticket_id, table.position)
        await session.execute(delete(table).where(key.in_(gone)).execution_options(synchronize_session=False))
    new = [row for place, row in after.items() if before.get(place) != row]
    if new:
        await session.execute(text(_kept(table)), {"rows": _json(new)})


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()


def _given(table: Any) -> str:
    """The rows of a JSON list with the columns of a table, as a table."""
    declared = ", ".join(f"{c.name} {c.type.compile(_DIALECT)}" for c in table.__table__.columns)
    return f"json_to_recordset(:rows) AS r ({declared})"


@cache
def _kept(table: Any) -> str:
    names = [column.name for column in table.__table__.columns]
    values = ", ".join(f"{name} = EXCLUDED.{name}" for name in names if name not in ("ticket_id", "position"))
    return (
        f"INSERT INTO {table.__tablename__} ({', '.join(names)}) SELECT {', '.join(names)} FROM {_given(table)} "
        f"ON CONFLICT (ticket_id, position) DO UPDATE SET {values}"
    )


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
_TOLD = [column.name for column in TicketFact.__table__.columns if column.name not in _COPIED]
_FACTS = (
    f"UPDATE ticket_fact SET {', '.join(f'{name} = r.{name}' for name in _TOLD)} "
    f"FROM {_given(TicketFact)} WHERE ticket_fact.id = r.id"
)
