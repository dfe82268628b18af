"""What part of the answers began with a suggestion of the assistant."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import DateTime, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk.board.scope import Scope
from helpdesk.events import Event, Kind
from helpdesk.measures import From, TicketReply
from helpdesk.measures.sources import SOURCES
from helpdesk.people import Agent
from helpdesk.reading import rows
from helpdesk.satisfaction.intervals import Interval, wilson
from helpdesk.statements import once

PERIOD = timedelta(days=7)


async def assistants_share(
    session: AsyncSession, agent: Agent, scope: Scope, at: datetime
) -> Interval | None:
    """Of the replies of the last seven days, as the reports count them; None where there are none."""
    (found,) = await rows(session, (_answers(agent, scope), {"since": at - PERIOD, "at": at}))
    ((replies, used),) = found
    return wilson(used, replies)


@once
def _answers(agent: Agent, scope: Scope) -> Select[Any]:
    since, at = (bindparam(name, type_=DateTime(timezone=True)) for name in ("since", "at"))
    used = (
        select(Event.message_id)
        .where(Event.kind == Kind.suggestion_used, Event.created_at > since, Event.message_id.is_not(None))
        .distinct()
        .subquery("used")
    )
    return (
        SOURCES[From.replies]
        .counted(agent, scope.measured, func.count(), func.count(used.c.message_id))
        .outerjoin(used, used.c.message_id == TicketReply.message_id)
        .where(TicketReply.replied_at > since, TicketReply.replied_at <= at)
    )
