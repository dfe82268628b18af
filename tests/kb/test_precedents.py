"""Solved tickets and macros are found by agents who may know of them, and by nobody else."""

from sqlalchemy import func, select

from helpdesk.database import committed
from helpdesk.erasing import delete_tickets, empty_tickets
from helpdesk.macros import Macro
from helpdesk.people import Agent, Role, with_access
from helpdesk.sharing import Visibility
from helpdesk.tickets import Removal, Ticket
from kb.everything import Found, found_everywhere
from kb.precedents import Precedent, index_precedents
from kb.readers import Reader
from kb.search import search
from tests.kb.hashing import Hashing
from tests.scenes import Scene, mail

QUESTION = "turquoise scanner blinks"


async def solved(scene: Scene) -> Ticket:
    ticket = await scene.receives(mail("My turquoise scanner blinks since yesterday", subject="Scanner"))
    await scene.replies(ticket, "Hold the reset key for nine seconds.")
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    await indexed(scene)
    return ticket


async def indexed(scene: Scene) -> None:
    async with committed(scene.desk.sessions) as session:
        while await index_precedents(session, Hashing()):
            pass


async def found(scene: Scene, question: str = QUESTION, *, agent: Agent | None = None) -> list[Found]:
    async with scene.desk.sessions() as session:
        wanted = (agent or scene.agents["Ada"]).id
        query = select(Agent).where(Agent.id == wanted).options(*with_access())
        who = (await session.scalars(query)).unique().one()
        return await found_everywhere(session, Hashing(), question, agent=who)


async def test_a_solved_ticket_is_found_with_what_solved_it(scene: Scene):
    ticket = await solved(scene)
    (best,) = await found(scene)
    assert (best.kind, best.number) == ("ticket", ticket.number)
    assert "nine seconds" in best.text
    assert "turquoise" in best.words
    async with scene.desk.sessions() as session:
        assert await search(session, Hashing(), QUESTION, reader=Reader.agent()) == []


async def test_what_is_not_solved_is_no_precedent(scene: Scene):
    await scene.receives(mail("My turquoise scanner blinks", subject="Scanner"))
    await indexed(scene)
    assert await found(scene) == []


async def test_who_may_not_know_of_a_ticket_does_not_find_it(scene: Scene):
    await solved(scene)
    async with committed(scene.desk.sessions) as session:
        light = Agent(email="lena@desk.example", name="Lena", role=Role.light_agent)
        session.add(light)
    assert await found(scene, agent=light) == []
    assert len(await found(scene)) == 1


async def test_what_was_removed_or_opened_again_is_gone_at_once(scene: Scene):
    ticket = await solved(scene)
    await scene.does(ticket, "remove", Removal.spam, by=scene.agents["Ada"])
    assert await found(scene) == []
    await indexed(scene)
    async with scene.desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(Precedent)) == 0


async def test_erased_and_deleted_tickets_leave_nothing(scene: Scene):
    one, other = await solved(scene), await solved(scene)
    async with committed(scene.desk.sessions) as session:
        await empty_tickets(session, [one.id], "(erased)")
        await delete_tickets(session, [other.id])
        assert await session.scalar(select(func.count()).select_from(Precedent)) == 0
    await indexed(scene)
    assert await found(scene) == []


async def test_macros_are_found_by_those_who_have_them(scene: Scene):
    async with committed(scene.desk.sessions) as session:
        for owner, visibility in (("Ada", Visibility.me), ("Ada", Visibility.all)):
            macro = Macro(owner_id=scene.agents[owner].id, name=f"Scanner {visibility}", body=QUESTION)
            macro.visibility = visibility
            session.add(macro)
    await indexed(scene)
    names = {each.title for each in await found(scene)}
    assert names == {"Scanner me", "Scanner all"}
    other = next(agent for name, agent in scene.agents.items() if name != "Ada")
    assert {each.title for each in await found(scene, agent=other)} == {"Scanner all"}
    async with committed(scene.desk.sessions) as session:
        macro = (await session.scalars(select(Macro).where(Macro.visibility == Visibility.all))).one()
        macro.body = "walnut"
    await indexed(scene)
    assert {each.title for each in await found(scene, "walnut", agent=other)} == {"Scanner all"}
