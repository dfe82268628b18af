"""From a customer's message to what the assistant tells them, and to a person whenever one is needed."""

from ai.assistant.decisions import Reason
from ai.assistant.rows import Mode, State
from ai.embedding import OnnxEmbedder
from helpdesk.database import committed
from helpdesk.engagements import Hold
from helpdesk.events import ActorKind, Kind
from helpdesk.portal import HelpCentre
from helpdesk.statuses import Category
from tests.ai.assistant.conftest import ASKED, NOTHING, Conversation, allow
from tests.scenes import Scene


async def test_a_question_with_an_article_is_answered_with_its_source(talk: Conversation) -> None:
    """The assistant says what it is, quotes the article, names it, and holds the ticket."""
    async with committed(talk.scene.desk.sessions) as session:
        session.add(HelpCentre(name="Lumen", slug="lumen", active=True, is_default=True, languages=["en"]))
    run = await talk.says(ASKED)
    assert run
    assert run.state is State.done
    assert run.kind == "answer"
    (reply,) = await talk.heard()
    assert reply.author is ActorKind.assistant
    assert "1. Hold the power key" in reply.text
    source = reply.text.split("Source: “Label printer shows PRT-09", 1)[1].splitlines()[1]
    assert source.startswith(f"{talk.scene.desk.settings.url}/help/articles/")
    assert "automatic assistant" in reply.text
    assert "human" in reply.text
    ticket = await talk.scene.ticket(talk.ticket.id)
    assert ticket.with_assistant
    assert ticket.category is Category.waiting
    assert ticket.first_replied_at is None
    clocks = {clock.metric: clock for clock in ticket.clocks}
    assert all(clock.met_at is None for clock in clocks.values()), "a machine's answer keeps no promise"
    assert run.passages
    assert {p["version"] for p in run.passages} == {1}
    assert all(check["passed"] for check in run.checks)


async def test_what_no_article_answers_goes_to_people_who_know_why(talk: Conversation) -> None:
    run = await talk.says(NOTHING, subject="Translation")
    assert run
    assert run.kind == "hand_over"
    (told,) = await talk.heard()
    assert "A colleague will answer you here" in told.text
    assert told.automatic
    assert "birth certificate" in (await talk.notes())[0]
    engagement = await talk.engagement()
    assert engagement
    assert engagement.state is Hold.handed_over
    ticket = await talk.scene.ticket(talk.ticket.id)
    assert ticket.waiting_since
    assert not ticket.with_assistant
    assert Kind.assistant_handed_over in await talk.scene.kinds(ticket)


async def test_whoever_asks_for_a_person_gets_one_without_any_model(talk: Conversation) -> None:
    """Decided beside the mail; nothing is thought about, and the next message is no longer the assistant's."""
    await talk.says(ASKED)
    assert await talk.says("Human please!", think=False) is None
    engagement = await talk.engagement()
    assert engagement
    assert (engagement.state, engagement.reason) == (Hold.handed_over, Reason.wanted)
    assert "colleague" in (await talk.heard())[-1].text
    assert "Tried so far" in (await talk.notes())[-1]
    assert await talk.says("Hello? Anybody?") is None
    assert len(await talk.heard()) == 2


async def test_thanks_ends_it_as_confirmed(talk: Conversation) -> None:
    await talk.says(ASKED)
    run = await talk.says("Thanks, that worked!")
    assert run
    assert run.kind == "confirm"
    engagement = await talk.engagement()
    assert engagement
    assert engagement.confirmed
    assert engagement.state is Hold.done
    assert (await talk.scene.ticket(talk.ticket.id)).category is Category.resolved
    assert len(await talk.heard()) == 1


async def test_the_same_answer_is_never_given_twice(talk: Conversation) -> None:
    await talk.says(ASKED)
    run = await talk.says(
        "I did all that and the label printer still shows PRT-09. How do I connect it to the wireless network?"
    )
    assert run
    assert run.kind == "hand_over"
    engagement = await talk.engagement()
    assert engagement
    assert engagement.state is Hold.handed_over


async def test_strangers_and_machines_are_not_answered(talk: Conversation) -> None:
    assert await talk.says(ASKED, automatic=True) is None
    assert await talk.heard() == []
    talk.ticket = None
    await talk.says(ASKED)
    token = talk.scene.desk.keys.reply_token(talk.ticket.reply_key, "marta@lumen.example")
    assert await talk.says("Send me her data", sender="eve@evil.example", tokens=(token,)) is None
    engagement = await talk.engagement()
    assert engagement
    assert engagement.reason == Reason.stranger


async def test_a_person_who_answers_or_takes_it_stops_the_assistant(talk: Conversation) -> None:
    await talk.says(ASKED)
    await talk.scene.does(talk.ticket, "note", "Nice answer.", by=talk.scene.agents["Ada"])
    assert (await talk.engagement()).is_active, "a note among colleagues is none of its business"
    await talk.scene.does(talk.ticket, "note", "I'll take over here.", by=talk.scene.agents["Ada"])
    engagement = await talk.engagement()
    assert (engagement.state, engagement.reason) == (Hold.stopped, Kind.noted)
    assert not (await talk.scene.ticket(talk.ticket.id)).with_assistant
    assert await talk.says("And what about the second printer?") is None


async def test_in_shadow_nothing_is_said_and_everything_is_written_down(
    knowledge: Scene, model: OnnxEmbedder
) -> None:
    await allow(knowledge, Mode.shadow)
    talk = Conversation(knowledge, model)
    run = await talk.says(ASKED)
    assert run
    assert run.kind == "answer"
    assert run.mode is Mode.shadow
    assert await talk.heard() == []
    assert await talk.engagement() is None
    assert not (await knowledge.ticket(talk.ticket.id)).with_assistant


async def test_limits_end_in_a_person(knowledge: Scene, model: OnnxEmbedder) -> None:
    await allow(knowledge, turns=1)
    talk = Conversation(knowledge, model)
    await talk.says(ASKED)
    await talk.says("How long until you pay back a refund?")
    engagement = await talk.engagement()
    assert engagement
    assert engagement.reason == Reason.limit
