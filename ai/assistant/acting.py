"""What a colleague allowed: the call is made apart from their request, and a note says what came of it."""

from datetime import timedelta

from sqlalchemy import or_, select, update

from ai.assistant import tools
from ai.assistant.rows import Act, ActState, Run, State
from helpdesk.clock import now
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import ASSISTANT
from helpdesk.holding import held
from helpdesk.i18n import gettext

FORGOTTEN = timedelta(minutes=2)
"""After which nobody is going to say any more what came of a call: each ends by itself within seconds."""


async def act(desk: Desk) -> None:
    """Every call that is allowed and not made. One whose worker died is made again with the same idempotency key, so
    that the other side does it once."""
    async with desk.sessions() as session:
        allowed = await session.scalars(
            select(Act.id)
            .where(Act.state == ActState.doing, Act.agent_id.is_not(None), Act.ended_at.is_(None))
            .order_by(Act.id)
        )
        numbers = allowed.all()
    for number in numbers:
        async with desk.sessions() as session:
            made = await session.get_one(Act, number)
        await ended(desk, number, await tools.do(desk, made))


async def forgotten(desk: Desk) -> int:
    """Calls whose caller is gone, and whose customer has long been given to a person; returns how many."""
    async with desk.sessions() as session:
        found = await session.scalars(
            select(Act.id)
            .join(Run, Run.id == Act.run_id)
            .where(Act.state == ActState.doing, Act.ended_at.is_(None))
            .where(or_(Act.began_at < now() - FORGOTTEN, Act.began_at.is_(None)))
            .where(Run.state.not_in([State.waiting, State.running]))
            .limit(50)
        )
        numbers = found.all()
    for number in numbers:
        words = gettext("Nobody knows whether it was done. Look there before you do it again.")
        await ended(desk, number, tools.Result(False, words))
    return len(numbers)


async def ended(desk: Desk, number: int, result: tools.Result) -> None:
    """On the ticket, once."""
    async with committed(desk.sessions) as session:
        ticket_id = await session.scalar(select(Act.ticket_id).where(Act.id == number))
        ticket = await held(session, ticket_id) if ticket_id else None
        made = await session.get(Act, number, with_for_update=True, populate_existing=True)
        if made is None or made.state is not ActState.doing:
            return
        if ticket is None:  # merged meanwhile: its history is the other ticket's
            state = ActState.done if result.done else ActState.failed
            await session.execute(
                update(Act).where(Act.id == number).values(state=state, result=result.words, ended_at=now())
            )
            return
        tools.finish(ticket, made, result)
        ticket.note(gettext("%(tool)s: %(words)s") % {"tool": made.tool, "words": result.words}, by=ASSISTANT)
