"""Agents find articles, solved tickets and macros in one answer, and see what each is and why it is there."""

from pathlib import Path

import pytest

from ai.embedding import embedder
from helpdesk.database import committed
from helpdesk.macros import Macro
from helpdesk.settings import Settings
from helpdesk.sharing import Visibility
from kb.articles import Article
from kb.index import index_changed, weigh_lexemes
from kb.precedents import index_precedents
from tests.models import model_home
from tests.scenes import mail
from tests.web.served import Console

__all__ = ["model_home"]
FOUND = {"hx-request": "true", "hx-target": "div#found"}
BESIDE = {"hx-request": "true", "hx-target": "div#beside"}


@pytest.mark.models
async def test_one_answer_of_three_kinds(console: Console, model_home: Path):
    scene, model = console.scene, embedder(Settings(home=model_home))
    scene.desk.settings.models.symlink_to(model_home / "models")
    ticket = await scene.receives(
        mail("Since today my label printer prints nothing but stripes", subject="Stripes")
    )
    await scene.replies(ticket, "Please clean the print head with the pen <b>from the box</b>.")
    await scene.does(ticket, "resolve", by=scene.agents["Ada"])
    async with committed(scene.desk.sessions) as session:
        article = Article.write("Label printer prints stripes", "Clean the print head. It takes a minute.")
        article.publish()
        macro = Macro(
            owner_id=scene.agents["Ada"].id, name="Printer stripes", body="Have you cleaned the print head?"
        )
        macro.visibility = Visibility.me
        session.add_all([article, macro])
        await session.flush()
        await index_changed(session, model)
        await weigh_lexemes(session)
        while await index_precedents(session, model):
            pass
    ada = await console.person("Ada")
    for headers in (FOUND, BESIDE):
        text = (await ada.get("/knowledge?q=printer+prints+stripes", headers=headers)).text
        assert f'href="/tickets/{ticket.number}"' in text
        assert "Solved ticket" in text
        assert '<span class="chip">Macro</span>' in text
        assert "Have you cleaned the print head?" in text
        assert "Has your words:" in text
        assert "&lt;b&gt;from the box" in text
        assert text.index("Label printer prints stripes") < text.index("Solved ticket")
    liam = await console.person("Liam")
    assert (
        "Have you cleaned" not in (await liam.get("/knowledge?q=printer+prints+stripes", headers=FOUND)).text
    )
