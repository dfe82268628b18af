"""The assistant in the console: its settings, its place at a ticket, and a place to try it."""

import asyncio
import json
from collections.abc import AsyncIterator
from html import unescape

import pytest
from sqlalchemy import select

from ai.assistant import acting, starting, trying
from ai.assistant.rows import Act, ActState, Confirmation, Mode, Policy, Run, State, Tool
from ai.assistant.running import Answering
from ai.embedding import OnnxEmbedder
from ai.providers import SCRIPTS, Purpose, ScriptedModel
from ai.writing import ModelFailed
from helpdesk import signing
from helpdesk.database import committed
from helpdesk.engagements import Engagement, Hold
from helpdesk.events import ASSISTANT
from helpdesk.holding import held as locked
from helpdesk.ports import Prompt
from kb.articles import Article
from tests.ai.assistant.conftest import publish
from tests.ai.test_suggestions import ASKED, OTHERS, PRINTER
from tests.models import model, model_home
from tests.scenes import Scene, mail
from tests.web.served import Console
from tests.web.test_drafting import connected

__all__ = ["model", "model_home"]
FORM = {
    "topic": "", "mode": "answer", "team": "", "turns": "6", "seconds": "20", "tokens": "30000", "cost": "0.5",
    "per_contact": "20", "per_day": "500", "name": "Milo", "tone": "", "language": "", "instructions": "",
    "announcement": "",
}  # fmt: skip


class Loaded:
    """In place of loading a model that the test has loaded already."""

    def __init__(self, model: OnnxEmbedder) -> None:
        self.model = model

    async def embedder(self, _session: object) -> OnnxEmbedder:
        return self.model


async def policies(scene: Scene) -> list[Policy]:
    async with scene.desk.sessions() as session:
        return list(await session.scalars(select(Policy).order_by(Policy.id)))


async def holding(scene: Scene) -> int:
    """A ticket that the assistant has answered; its number."""
    ticket = await scene.receives(mail(ASKED))
    async with committed(scene.desk.sessions) as session:
        held = await locked(session, ticket.id)
        assert held
        session.add(
            Engagement(ticket_id=held.id, state=Hold.active, turns=1, tokens=0, cost=0.0, asked_back=0)
        )
        held.reply("Hold the power key.", by=ASSISTANT)
    return ticket.number


async def test_a_line_is_made_changed_and_removed(console: Console) -> None:
    scene, ada = console.scene, await console.person("Ada")
    page = (await ada.look("/settings/assistant")).text
    assert "It does nothing yet" in page
    assert (
        "Choose an inbox" in (await ada.does("/settings/assistant/policies", data=FORM | {"inbox": "0"})).text
    )
    made = FORM | {"inbox": str(scene.inbox.id), "mode": "shadow"}
    assert (
        (await ada.does("/settings/assistant/policies", data=made))
        .headers["hx-redirect"]
        .endswith("done=added")
    )
    assert (await ada.does("/settings/assistant/policies", data=made)).status_code == 409
    (policy,) = await policies(scene)
    assert policy.mode is Mode.shadow
    page = (await ada.look("/settings/assistant")).text
    assert "Support" in page
    assert "Any topic" in page
    assert "Shadow" in page
    at = f"/settings/assistant/policies/{policy.id}"
    assert "Milo" in (await ada.look(at)).text
    await ada.does(f"{at}/mode", data={"mode": "answer"})
    assert [p.mode for p in await policies(scene)] == [Mode.answer]
    assert (await ada.does(at, data=made | {"turns": "99"})).status_code in {400, 422}
    assert (await ada.does(f"{at}/removal", data={"confirmation": "wrong"})).status_code in {400, 422}
    await ada.does(f"{at}/removal", data={"confirmation": "Support"})
    assert await policies(scene) == []


async def test_only_who_manages_rules_sees_the_settings(console: Console) -> None:
    liam = await console.person("Liam")
    for path in ("", "/policies/new", "/tools/new", "/try"):
        assert (await liam.look(f"/settings/assistant{path}")).status_code == 403


async def test_a_tool_is_checked_before_it_is_kept(console: Console) -> None:
    scene, ada = console.scene, await console.person("Ada")
    form = {
        "name": "order_status", "url": "https://shop.example.com/status", "description": "Looks up an order",
        "examples": "Where is my order?\n", "reply": "It is {status}.", "needs_identity": "true",
        "confirmation": "none", "active": "true", "amount_field": "", "amount_limit": "",
        "arguments": json.dumps({"properties": {"order": {"type": "string"}}, "required": ["order"]}),
    }  # fmt: skip
    tools = "/settings/assistant/tools"
    for wrong in (
        {"url": "http://169.254.169.254/latest"},
        {"arguments": "{"},
        {"arguments": '{"properties": {"a": {"type": "string", "pattern": "("}}}'},
        {"amount_field": "nothing"},
        {"name": "my_tickets"},
    ):
        assert (await ada.does(tools, data=form | wrong)).status_code in {400, 403, 409, 422}, wrong
    made = await ada.does(tools, data=form)
    assert "done=added" in made.headers["hx-redirect"]
    async with scene.desk.sessions() as session:
        (tool,) = await session.scalars(select(Tool))
    page = unescape((await ada.look(f"{tools}/{tool.id}")).text)
    assert "whsec_" in page
    assert "Where is my order?" in page
    await ada.does(f"{tools}/{tool.id}/removal", data={"confirmation": "order_status"})
    assert (await ada.look(f"{tools}/{tool.id}")).status_code == 404


async def test_a_colleague_takes_over_and_hands_back(console: Console) -> None:
    """What the assistant wrote and has not left is taken back; the list and the ticket say who has it."""
    scene = console.scene
    number = await holding(scene)
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{number}")).text
    assert "The assistant answers this customer" in page
    assert "Take over" in page
    assert "Assistant" in (await ada.look("/tickets?view=all")).text
    answer = await ada.does(f"/tickets/{number}/assistant/stop")
    assert "1 message of the assistant was taken back" in answer.text
    assert "Hold the power key" not in answer.text
    assert (await ada.does(f"/tickets/{number}/assistant/stop")).status_code == 409
    assert "Hand back" in answer.text
    back = await ada.does(f"/tickets/{number}/assistant/hand-back")
    assert "The assistant answers this customer" in back.text
    async with scene.desk.sessions() as session:
        states = list(await session.scalars(select(Engagement.state).order_by(Engagement.id)))
    assert states == [Hold.stopped, Hold.active]


async def test_what_it_did_is_told_at_the_ticket_and_can_be_done_again(
    console: Console, model: OnnxEmbedder
) -> None:
    scene = console.scene
    await publish(
        scene,
        model,
        Article.write("Label printer shows PRT-09: lost the wireless network", PRINTER, slug="prt-09"),
        *(Article.write(title, body) for title, body in OTHERS.items()),
    )
    async with committed(scene.desk.sessions) as session:
        session.add(Policy(inbox_id=scene.inbox.id, topic="", mode=Mode.suggest))
    ticket = await scene.receives(mail(ASKED, subject="Printer shows PRT-09"))
    message = (await scene.messages(ticket))[-1]
    async with committed(scene.desk.sessions) as session:
        run = await starting.consider(session, message.id)
    assert run
    await Answering(scene.desk, model).answer(run.id)
    console.app.state.lookup.answering = Loaded(model)
    ada = await console.person("Ada")
    page = (await ada.look(f"/tickets/{ticket.number}")).text
    assert "Use its answer" in page
    assert "Only listened" in page
    told = unescape((await ada.look(f"/tickets/{ticket.number}/assistant")).text)
    assert "Would have answered" in told
    assert "Hold the power key" in told
    assert "version 1" in told
    assert "Every sentence is said by a passage it cites" in told
    composer = await ada.does(f"/tickets/{ticket.number}/assistant/runs/{run.id}/composer", "GET")
    assert "Hold the power key" in composer.text
    again = await ada.does(f"/tickets/{ticket.number}/assistant/runs/{run.id}/again", "GET")
    assert "It decides the same again" in again.text
    assert (await ada.look(f"/tickets/{ticket.number}/assistant/runs/{run.id + 99}/again")).status_code == 404
    tried = await ada.does("/settings/assistant/try", data={"text": ASKED, "subject": "", "policy": ""})
    assert "Hold the power key" in tried.text
    nothing = await ada.does(
        "/settings/assistant/try",
        data={"text": "Translate my birth certificate", "subject": "", "policy": ""},
    )
    assert "A colleague will answer you here" in nothing.text
    async with scene.desk.sessions() as session:
        assert len(list(await session.scalars(select(Run)))) == 1, "nothing is kept of what was tried"


class Stuck(ScriptedModel):
    """Takes the question, and says nothing."""

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        self.prompts.append(prompt)
        await asyncio.sleep(600)
        yield ""


async def test_who_tries_it_out_is_told_that_the_model_is_slow_or_fails(
    console: Console, model: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(console.scene, model, Article.write("Label printer shows PRT-09", PRINTER, slug="prt-09"))
    console.app.state.lookup.answering = Loaded(model)
    ada = await console.person("Ada")

    async def tried() -> str:
        answer = await ada.does("/settings/assistant/try", data={"text": ASKED, "subject": "", "policy": ""})
        assert answer.status_code == 200
        assert "A colleague will answer you here" in answer.text
        return unescape(answer.text)

    failing = await connected(console, [ModelFailed("It is on fire.")], Purpose.assist)
    monkeypatch.setitem(SCRIPTS, "mine", failing)
    failed = await tried()
    assert "Handed over because something went wrong" in failed
    assert "It is on fire." in failed
    monkeypatch.setitem(SCRIPTS, "mine", Stuck([]))
    monkeypatch.setattr(trying, "SECONDS", 0.2)
    assert "Handed over because it took too long" in await tried()


async def test_a_tool_that_waits_for_a_colleague_is_allowed_or_refused_once(console: Console) -> None:
    scene = console.scene
    ticket = await scene.receives(mail("Refund me"))
    message = (await scene.messages(ticket))[-1]
    async with committed(scene.desk.sessions) as session:
        tool = Tool(
            name="refund", url="https://127.0.0.1:9/refund", schema={"properties": {}}, reply="Done.", examples=[],
            confirmation=Confirmation.agent, sealed_secret=scene.desk.keys.seal(signing.new_secret()),
        )  # fmt: skip
        run = Run(ticket_id=ticket.id, message_id=message.id, inbox_id=scene.inbox.id, mode=Mode.answer,
                  state=State.done, due_at=message.created_at)  # fmt: skip
        session.add_all([tool, run])
        await session.flush()
        acts = [
            Act(
                ticket_id=ticket.id,
                run_id=run.id,
                tool="refund",
                state=ActState.asked_agent,
                idempotency_key=str(n),
            )
            for n in range(2)
        ]
        session.add_all(acts)
    ada = await console.person("Ada")
    assert "The assistant would use refund" in (await ada.look(f"/tickets/{ticket.number}")).text
    at = f"/tickets/{ticket.number}/assistant/acts"
    refused = await ada.does(f"{at}/{acts[0].id}/refusal")
    assert "Nothing was done" in refused.text
    assert (await ada.does(f"{at}/{acts[0].id}/permission")).status_code == 409
    allowed = await ada.does(f"{at}/{acts[1].id}/permission")
    assert allowed.status_code == 200
    assert "refund is being asked" in allowed.text
    assert f"{acts[1].id}/permission" not in allowed.text, "nobody allows it twice"
    assert (await ada.does(f"{at}/{acts[1].id}/permission")).status_code == 409
    await acting.act(scene.desk)
    await acting.act(scene.desk)
    notes = [m.text for m in await scene.messages(ticket) if m.direction == "note"]
    assert len(notes) == 1, "what came of it is said once"
    assert notes[0].startswith("refund: ")
    assert "is being asked" not in (await ada.look(f"/tickets/{ticket.number}")).text
    async with scene.desk.sessions() as session:
        states = list(await session.scalars(select(Act.state).order_by(Act.id)))
    assert states == [ActState.refused, ActState.failed], "a private address is never called"
