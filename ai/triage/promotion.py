"""Which of the learned readers is at work, who replaced whom, and the way back."""

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from ai.triage.rows import Learned
from helpdesk.clock import now
from helpdesk.errors import Conflict
from helpdesk.events import Actor, Event
from helpdesk.events import Kind as Happened
from helpdesk.i18n import _


async def activate(session: AsyncSession, row: Learned, current: Learned | None, *, by: Actor) -> None:
    if current:
        current.active, current.retired_at = False, now()
        await session.flush()
    row.active, row.promoted_at, row.retired_at, row.retired_by_id = True, now(), None, None
    session.add(row)
    await session.flush()
    session.add(Event(Happened.triage_changed, by=by, about=row, reads=row.kind.value, what="promoted"))


async def go_back(session: AsyncSession, row: Learned, *, by: Actor) -> None:
    """To whoever was at work before `row`: the first day's reader where there is nobody. Raises NotAtWork."""
    await session.refresh(row, with_for_update=True)
    if not row.active:
        raise NotAtWork
    row.active, row.retired_at, row.retired_by_id = False, now(), by.id
    await session.flush()
    if row.replaced_id:
        await session.execute(
            update(Learned)
            .where(Learned.id == row.replaced_id, Learned.weights != b"")
            .values(active=True, promoted_at=now(), retired_at=None, retired_by_id=None)
        )
    session.add(Event(Happened.triage_changed, by=by, about=row, reads=row.kind.value, what="went back"))


class NotAtWork(Conflict):
    message = _("This reader is not at work any more.")
