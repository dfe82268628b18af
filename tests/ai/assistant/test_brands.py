"""The assistant of a brand knows what that brand says, and nothing that only another one does."""

import pytest
from sqlalchemy import update

from ai.assistant.rows import State
from helpdesk.database import committed
from helpdesk.events import DESK
from helpdesk.portal import Described, centres
from kb import shelves
from kb.articles import Article
from tests.ai.assistant.conftest import ASKED, Conversation


@pytest.mark.parametrize("stands", [True, False], ids=["in the brand's collection", "in another one"])
@pytest.mark.parametrize("way", ["chat_inbox_id", "inbox_ids"])
async def test_it_answers_with_what_its_brand_shows(talk: Conversation, way: str, *, stands: bool) -> None:
    scene = talk.scene
    async with committed(scene.desk.sessions) as session:
        made = [
            await shelves.edit_collection(session, None, by=DESK, name=name) for name in ("Ours", "Theirs")
        ]
        ours, theirs = [
            await shelves.edit_category(session, None, by=DESK, name="All", collection_id=each.id)
            for each in made
        ]
        await session.execute(update(Article).values(category_id=ours.id if stands else theirs.id))
        inbox = scene.inbox.id
        brand = {"chat_inbox_id": inbox} if way == "chat_inbox_id" else {"inbox_ids": [inbox]}
        said = Described(name="Lumen", slug="lumen", active=True, collection_ids=[made[0].id], **brand)
        await centres.save(session, None, said, by=DESK)
    run = await talk.says(ASKED)
    assert run
    assert run.state is State.done
    assert (run.kind, bool(run.passages)) == (("answer", True) if stands else ("hand_over", False))
