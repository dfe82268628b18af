"""A team whose promises end after thousands of others' is told of them as if they were the only ones."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from helpdesk import clock
from helpdesk.board import Scope
from helpdesk.board.load import held
from helpdesk.board.risk import present
from helpdesk.board.risk.present import situations
from helpdesk.people import Agent, with_access
from tests.bench.recorded import Record
from tests.helpdesk.test_kept_plans import plan_of
from tests.scenes import Scene, mail

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def test_its_promises_are_found_behind_all_others(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    technical = scene.teams["Technical"]
    with clock.moved(MONDAY - clock.now()):
        for n in range(4):
            await scene.receives(mail(sender=f"first{n}@x.example"))
    with clock.moved(MONDAY.replace(minute=20) - clock.now()):
        theirs = [await scene.receives(mail(sender=f"later{n}@x.example")) for n in range(3)]
        for ticket in theirs:
            await scene.does(ticket, "move", technical, by=scene.agents["Ada"])
        async with scene.desk.sessions() as session:
            query = select(Agent).options(*with_access()).order_by(Agent.id)
            ada = (await session.scalars(query)).unique().first()
            assert ada is not None
            at, scope = clock.now(), Scope(team_id=technical.id)
            load = await held(session, ada, scope, at)
            told = await situations(session, ada, scope, at, load)
            monkeypatch.setattr(present, "DEPTHS", (2, 40_000))  # what lies behind is many others'
            record = Record()
            async with record.listening():
                found = await situations(session, ada, scope, at, load)
            assert [situation.before for _row, situation in found] == [0, 1, 2]
            assert [(row.number, one) for row, one in found] == [(row.number, one) for row, one in told]
            ((statement, heard),) = [each for each in record.statements.items() if "theirs" in each[0]]
            plan = await plan_of(session, statement, heard.values[0])
    assert {row.number for row, _situation in found} == {ticket.number for ticket in theirs}
    assert "ix_sla_clock_open" in plan or "ix_sla_clock_ticket" in plan, plan
    assert "ix_sla_clock_running" not in plan, plan
