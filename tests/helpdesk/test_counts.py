"""Counts of queues are exact: for every agent, with many writers at once, before and after compaction."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from helpdesk import counting, views
from helpdesk.access import is_visible
from helpdesk.clock import now
from helpdesk.counting import ticket_count
from helpdesk.database import committed
from helpdesk.participants import Part, Participant
from helpdesk.people import Agent, CustomRole, Membership, Reach, with_access
from helpdesk.tickets import Ticket
from helpdesk.views import View
from tests.scenes import Scene, mail

COUNTED = (View.mine, View.unassigned, View.unattended, View.snoozed, View.all, View.settled, View.spam, View.trash,
           View.mentioned, View.participating)  # fmt: skip


async def agents(session: AsyncSession) -> list[Agent]:
    found = await session.scalars(
        select(Agent).options(*with_access()).execution_options(populate_existing=True)
    )
    return list(found.unique())


async def assert_exact(scene: Scene) -> None:
    """What is kept is what a count of the tickets themselves says, for every agent and queue."""
    async with scene.desk.sessions() as session:
        for agent in await agents(session):
            kept = await views.counts(session, agent)
            for view in COUNTED:
                query = select(func.count()).select_from(Ticket)
                exact = await session.scalar(query.where(is_visible(agent), views.condition(view, agent)))
                assert kept.views[view] == exact, (agent.name, view)
            by_team = select(Ticket.team_id, func.count()).where(is_visible(agent), Ticket.is_active)
            for team, n in await session.execute(by_team.group_by(Ticket.team_id)):
                if team is not None:
                    assert kept.teams[team].open == n


@dataclass
class Writer:
    """Somebody who changes tickets without asking the others, and sometimes thinks better of it."""

    scene: Scene
    chance: random.Random

    async def write(self, times: int, ids: list[int]) -> None:
        for _ in range(times):
            try:
                async with committed(self.scene.desk.sessions) as session:
                    for ticket_id in sorted(
                        self.chance.choices(ids, k=3)
                    ):  # in order: nobody waits in a ring
                        await self._change(session, ticket_id)
                    if self.chance.random() < 0.2:
                        raise Regret
            except Regret:
                pass

    async def _change(self, session: AsyncSession, ticket_id: int) -> None:
        any_agent = [None, *(agent.id for agent in self.scene.agents.values())]
        any_team = [None, *(team.id for team in self.scene.teams.values())]
        category, status = self.chance.choice([("new", 1), ("open", 2), ("waiting", 3), ("resolved", 5)])
        changes: list[dict[str, Any]] = [
            {"category": category, "status_id": status},
            {"assignee_id": self.chance.choice(any_agent)},
            {"team_id": self.chance.choice(any_team)},
            {"snoozed_until": self.chance.choice([None, now()])},
            {"removed": self.chance.choice([None, "spam", "trash"])},
            {"waiting_since": self.chance.choice([None, now()])},
            {"subject": "no place changes"},
        ]
        await session.execute(
            update(Ticket).where(Ticket.id == ticket_id).values(**self.chance.choice(changes))
        )


class Regret(Exception):
    pass


async def test_many_writers_at_once_and_compaction_between_leave_exact_counts(scene: Scene):
    for n in range(12):
        await scene.receives(mail(sender=f"p{n}@x.example"))
    async with committed(scene.desk.sessions) as session:
        role = CustomRole(name="Reader", permissions=["ticket:read"], reach=Reach.assigned)
        session.add(role)
        await session.flush()
        tess = scene.agents["Tess"].id
        session.add(Membership(team_id=scene.teams["Billing"].id, agent_id=tess, custom_role_id=role.id))
        ids = list(await session.scalars(select(Ticket.id)))
        for ticket_id in ids[:4]:
            session.add(Participant(ticket_id=ticket_id, agent_id=tess, part=Part.follower))

    async def compacting() -> None:
        for _ in range(20):
            async with committed(scene.desk.sessions) as session:
                await counting.compact(session, slack=0)
            await asyncio.sleep(0.01)

    writers = [Writer(scene, random.Random(seed)).write(25, ids[seed::1] or ids) for seed in range(6)]  # noqa: S311
    await asyncio.gather(*writers, compacting(), compacting(), return_exceptions=False)
    await assert_exact(scene)
    async with committed(scene.desk.sessions) as session:
        await counting.compact(session, slack=0)
    await assert_exact(scene)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.sum(ticket_count.c.n))) == 12
        assert await session.scalar(select(func.min(ticket_count.c.n))) > 0


async def test_a_reader_sees_the_whole_while_rows_are_made_one(scene: Scene):
    """Between deleting the many and writing the one there is nothing that a reader could see."""
    for n in range(5):
        await scene.receives(mail(sender=f"p{n}@x.example"))
    async with scene.desk.sessions() as compactor, scene.desk.sessions() as reader:
        await counting.compact(compactor, slack=0)
        assert await reader.scalar(select(func.sum(ticket_count.c.n))) == 5
        await compactor.commit()
        assert await reader.scalar(select(func.sum(ticket_count.c.n))) == 5


async def test_a_rule_that_needs_more_than_team_and_assignee_is_counted(scene: Scene, monkeypatch):
    """Should the matrix ever ask for another column, counts are slower, never wrong."""
    await scene.receives(mail())
    monkeypatch.setattr(
        counting, "is_visible", lambda agent: is_visible(agent) & (Ticket.priority == "normal")
    )
    async with scene.desk.sessions() as session:
        for agent in await agents(session):
            found = await views.counts(session, agent)
            assert found.views[View.all] == (0 if agent.name.startswith("Tess") else 1)


@given(st.lists(st.integers(0, 3), max_size=6))
@settings(max_examples=25, deadline=None)
def test_pages_of_counts_add_up(numbers: list[int]):
    tallies = [counting.Tally(n % 2, n, "active", n, 0, 0, 0) for n in numbers]
    assert sum(views._summed(tallies, "team_id").values()) == sum(numbers)
