"""The demo's own story has something of each kind for the desk to find; nothing of it is written down beforehand."""

from sqlalchemy import select

from ai.embedding import OnnxEmbedder
from ai.learning import Finding, Kind
from helpdesk.cli.demo import content, seeding
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.messages import Message
from kb.index import index_changed, weigh_lexemes
from tests.models import model, model_home
from workers.teaching import Teaching

__all__ = ["model", "model_home"]


async def test_the_desk_finds_something_of_each_kind_in_the_demo(desk: Desk, model: OnnxEmbedder):
    await seeding.seed(desk, content.load(), 2525, lambda said: None)
    async with committed(desk.sessions) as session:
        while await index_changed(session, model):
            pass
        await weigh_lexemes(session)
    teaching = Teaching(desk, model)
    await teaching.watch()
    await teaching.learn()
    async with desk.sessions() as session:
        found = (await session.scalars(select(Finding).order_by(Finding.cost.desc()))).all()
    assert {one.kind for one in found} == set(Kind)
    async with desk.sessions() as session:
        trouble = next(one for one in found if one.kind is Kind.incident)
        letters = await session.scalars(select(Message.text).where(Message.ticket_id.in_(trouble.tickets)))
        assert ["fail" in letter.lower() for letter in letters] == [True] * 6
        missing = next(one for one in found if one.kind is Kind.gap)
        assert (missing.size, missing.cost) == (4, 4), "the dearest first"
