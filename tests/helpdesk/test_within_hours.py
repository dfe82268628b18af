"""Conditions know whether somebody is there: by the calendar of the ticket's policy, in its own time zone."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from helpdesk import clock, conditions
from helpdesk.calendars import Calendar
from helpdesk.conditions import Operator, Where
from helpdesk.database import committed
from helpdesk.people import Agent
from helpdesk.sla import Clock, Policy
from helpdesk.tickets import Ticket
from tests.scenes import Scene

WITHIN = Where("within_hours", Operator.is_, True)
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)  # 09:00 to 17:00 in Berlin is 07:00 to 15:00


async def fits(scene: Scene, ticket: Ticket, at: datetime) -> bool:
    nobody = Agent(name="", email="")
    with clock.stopped(at):
        async with scene.desk.sessions() as session:
            holds = await conditions.compiled(session, WITHIN, nobody, clock.now())
            return bool(await session.scalar(select(holds).where(Ticket.id == ticket.id)))


@pytest.mark.parametrize(
    ("hours", "there"), [(6.98, False), (7, True), (14.98, True), (15, False), (7 + 5 * 24, False)]
)
async def test_by_the_minute_where_the_calendar_is(scene: Scene, hours: float, there: bool):
    """It opens at nine sharp and closes at five; on Saturday nobody is there."""
    ticket = await scene.receives()
    assert await fits(scene, ticket, MONDAY + timedelta(hours=hours)) is there


async def test_a_holiday_another_calendar_and_none_at_all(scene: Scene):
    ticket, noon = await scene.receives(), MONDAY + timedelta(hours=10)
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Calendar).values(holidays=["2026-06-01"]))
    assert not await fits(scene, ticket, noon)
    async with committed(scene.desk.sessions) as session:
        always = Calendar(name="Always", time_zone="UTC", week={"0": [["00:00", "24:00"]]})
        session.add(always)
        await session.flush()
        await session.execute(update(Policy).values(calendar_id=always.id))
    assert await fits(scene, ticket, noon)
    assert await fits(scene, ticket, MONDAY + timedelta(hours=23, minutes=59))
    async with committed(scene.desk.sessions) as session:
        await session.execute(update(Ticket).values(policy_id=None))
    assert not await fits(scene, ticket, noon), "without a policy the desk's first calendar counts"
    async with committed(scene.desk.sessions) as session:
        await session.execute(delete(Clock))
        await session.execute(delete(Policy))
        await session.execute(delete(Calendar))
    assert await fits(scene, ticket, noon), "without calendars somebody is always there"
