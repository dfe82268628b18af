"""What tests of surveys say: somebody was helped, is asked, answers."""

from typing import Any

from helpdesk import satisfaction
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.satisfaction import Rating, Survey, arranging, due
from helpdesk.tickets import Ticket
from tests.scenes import Scene, mail


async def resolved(scene: Scene, sender: str = "marta@lumen.example", *, by: str = "Ada") -> Ticket:
    ticket = await scene.receives(mail("It broke.", sender=sender))
    await scene.does(ticket, "assign", scene.agents[by], by=scene.agents[by])
    await scene.replies(ticket, by=by)
    await scene.does(ticket, "resolve", by=scene.agents[by])
    return await scene.ticket(ticket.id)


async def asks(scene: Scene, ticket: Ticket, kind: Survey = Survey.csat) -> satisfaction.Asked:
    async with committed(scene.desk.sessions) as session:
        return await satisfaction.ask(session, await scene.ticket(ticket.id, session), by=DESK, kind=kind)


async def token(scene: Scene, ticket: Ticket) -> str:
    async with scene.desk.sessions() as session:
        rating = await satisfaction.of_ticket(session, ticket.id)
        assert rating
        return satisfaction.token(scene.desk.keys, rating)


async def answers(
    scene: Scene, given: str, score: Any, comment: str | None = None, channel: str = "email"
) -> Rating:
    async with committed(scene.desk.sessions) as session:
        asked = await satisfaction.found(session, scene.desk.keys, given, lock=True)
        satisfaction.answer(asked, score, comment, by=asked.contact or DESK, channel=channel)
        return asked.rating


async def asks_by_itself(scene: Scene, **given: Any) -> None:
    terms: dict[str, Any] = {"active": True, "wait_minutes": 60, "quiet_days": 7, "words": ""}
    async with committed(scene.desk.sessions) as session:
        await arranging.arrange_inbox(session, scene.inbox, by=scene.agents["Ada"], **(terms | given))


async def sweep(scene: Scene) -> int:
    async with committed(scene.desk.sessions) as session:
        return await due.ask_about_resolved(session, 50)


async def asked_about(scene: Scene, ticket: Ticket) -> Rating | None:
    async with scene.desk.sessions() as session:
        return await satisfaction.of_ticket(session, ticket.id)
