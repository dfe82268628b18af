"""With a language model: it chooses from what it is shown, and is believed in nothing."""

import json
from typing import Any

from ai.assistant.decisions import Reason
from ai.assistant.rows import Mode
from ai.embedding import OnnxEmbedder
from ai.providers.scripted import ScriptedModel
from ai.writing import ModelFailed
from helpdesk.database import committed
from helpdesk.engagements import Hold
from helpdesk.fields import CustomField, FieldKind, Subject
from kb.articles import Article
from tests.ai.assistant.conftest import ASKED, NOTHING, Conversation, allow, publish
from tests.scenes import Scene

LINE = "The label printer shows PRT-09 when it has lost the wireless network."


def says(action: str, **rest: Any) -> str:
    return json.dumps({"action": action, **rest})


async def test_a_models_answer_is_sent_where_the_article_says_it(talk: Conversation) -> None:
    talk.model = model = ScriptedModel([says("answer", sentences=[{"text": LINE, "passages": [1]}])])
    run = await talk.says(ASKED)
    assert run
    assert run.kind == "answer"
    (reply,) = await talk.heard()
    assert LINE in reply.text
    assert "Source: “Label printer" in reply.text
    assert "Agents may give 50 euro" not in model.prompts[0].user, (
        "what is for colleagues is never shown to it"
    )
    assert run.model == "scripted"
    assert "untrusted" in run.prompt


async def test_what_the_article_does_not_say_is_handed_over(talk: Conversation) -> None:
    invented = "The label printer shows PRT-09 when it has lost the wireless network, and you get 50 euro."
    talk.model = ScriptedModel([says("answer", sentences=[{"text": invented, "passages": [1]}])])
    run = await talk.says(ASKED)
    assert run
    engagement = await talk.engagement()
    assert (engagement.state, engagement.reason) == (Hold.handed_over, Reason.unsupported)
    assert not any("50 euro" in m.text for m in await talk.heard())


async def test_a_model_that_fails_is_a_person(talk: Conversation) -> None:
    talk.model = ScriptedModel([ModelFailed("The budget of today is used up.")])
    await talk.says(ASKED)
    engagement = await talk.engagement()
    assert (engagement.state, engagement.reason) == (Hold.handed_over, Reason.failed)
    assert "The budget of today is used up." in (await talk.notes())[0]


async def test_it_asks_which_article_is_meant_and_understands_the_answer(talk: Conversation) -> None:
    talk.model = ScriptedModel([says("ask_back", options=["1", "4"]), says("hand_over", summary="x")])
    run = await talk.says("It does not work any more, what do I do?", subject="Help")
    assert run
    (reply,) = await talk.heard()
    if run.kind == "ask":
        assert "Which of these do you mean?" in reply.text
        assert "1. " in reply.text
    else:
        assert (await talk.engagement()).state is Hold.handed_over


async def test_a_field_that_is_needed_is_asked_for_once_and_filled_in(
    knowledge: Scene, model: OnnxEmbedder
) -> None:
    await allow(knowledge)
    async with committed(knowledge.desk.sessions) as session:
        session.add(
            CustomField(
                subject=Subject.ticket, key="order", name="Order number", kind=FieldKind.pattern, choices=[],
                pattern="A-[0-9]{4}", required=True, customer_can_see=True, position=0,
            )
        )  # fmt: skip
    talk = Conversation(knowledge, model)
    run = await talk.says(NOTHING, subject="Translation")
    assert run
    assert run.kind == "ask"
    assert "we still need this from you: Order number" in (await talk.heard())[0].text
    await talk.says("A-4711.")
    assert (await knowledge.ticket(talk.ticket.id)).fields == {"order": "A-4711"}
    assert (await talk.engagement()).state is Hold.handed_over


async def test_articles_for_customers_are_read_once_it_is_proved_who_writes(
    scene: Scene, model: OnnxEmbedder
) -> None:
    """Not by a From that anybody can write: what is not public stays out of the search itself."""
    from kb.articles import Audience

    only = Article.write(
        "Your discount code", "Customers use the code SAVE-20 at the till.", audience=Audience.customers
    )
    await publish(scene, model, only)
    await allow(scene, Mode.shadow)
    talk = Conversation(scene, model)
    run = await talk.says("What is my discount code for the till?", subject="Discount")
    assert run
    assert run.passages == []
