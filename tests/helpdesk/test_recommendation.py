"""Customers are asked for a recommendation on certain days: each now and then, and no more than so many at once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from helpdesk import clock
from helpdesk.database import committed
from helpdesk.satisfaction import Rating, Survey, arranging, due
from tests.helpdesk.surveys import asks, resolved
from tests.scenes import Scene, mail


class TestRecommendation:
    async def plan(self, scene: Scene, **given: Any) -> None:
        terms: dict[str, Any] = {
            "active": True,
            "schedule": {"every": "day", "at": "10:00", "zone": "UTC"},
            "within_days": 30,
            "every_days": 90,
            "most": 50,
            "words": "",
        }
        async with committed(scene.desk.sessions) as session:
            await arranging.arrange_desk(session, by=scene.agents["Ada"], **(terms | given))

    async def run(self, scene: Scene, batch: int = 25) -> int:
        async with committed(scene.desk.sessions) as session:
            return await due.ask_for_recommendation(session, batch)

    async def test_on_its_days_each_who_was_helped_is_asked_once(self, scene: Scene):
        ticket, _second = await resolved(scene), await resolved(scene)
        await resolved(scene, "jo@lumen.example")
        await scene.receives(mail(sender="unhelped@lumen.example"))
        await self.plan(scene)
        assert await self.run(scene) == 0
        with clock.moved(timedelta(days=1)):
            assert await self.run(scene) == 2
            assert await self.run(scene) == 0
        with clock.moved(timedelta(days=2)):
            assert await self.run(scene) == 0
        with clock.moved(timedelta(days=92)):
            assert await self.run(scene) == 0  # nobody was helped within 30 days
        async with scene.desk.sessions() as session:
            asked = (await session.scalars(select(Rating))).all()
        assert {rating.kind for rating in asked} == {Survey.nps}
        assert len({rating.contact_id for rating in asked}) == 2
        assert ticket.contact_id in {rating.contact_id for rating in asked}

    async def test_no_more_than_so_many_each_time_even_when_it_is_killed_in_between(self, scene: Scene):
        for n in range(5):
            await resolved(scene, f"p{n}@lumen.example")
        await self.plan(scene, most=3)
        with clock.moved(timedelta(days=1)):
            assert await self.run(scene, batch=2) == 2  # and then the process is gone
            assert [await self.run(scene, batch=2) for _ in range(3)] == [1, 0, 0]
        with clock.moved(timedelta(days=2)):
            assert [await self.run(scene) for _ in range(2)] == [2, 0]

    async def test_who_was_just_asked_about_a_ticket_is_left_alone(self, scene: Scene):
        ticket = await resolved(scene)
        await self.plan(scene)
        with clock.moved(timedelta(days=1)):
            await asks(scene, ticket)
            assert await self.run(scene) == 0
        with clock.moved(timedelta(days=9)):
            assert await self.run(scene) == 1
