"""Evaluations in the console: ordered, watched, read, compared; and a setting that would make answers worse."""

import json
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from sqlalchemy import select, update

from ai.assistant.rows import Mode, Policy
from ai.embedding import OnnxEmbedder
from ai.evaluation import instructed
from ai.evaluation.answers import ANSWERABLE, NEAR_MISS, Case, summary
from ai.evaluation.comparing import Configuration
from ai.evaluation.handing import may_take_over
from ai.evaluation.keeping import keep, new_run
from ai.evaluation.rows import ARTICLES, SOLVED, EvaluationRun, Kind, State
from ai.evaluation.running import evaluate_wanted
from ai.levels import AnswerLevel, Neighbourhood, measure
from ai.providers import SCRIPTS, Connection, Purpose, ScriptedModel, Served
from ai.providers import Kind as ModelKind
from ai.writing import ModelFailed
from helpdesk import options
from helpdesk.cli.demo import content
from helpdesk.database import committed
from helpdesk.desk import Desk
from helpdesk.events import Event
from helpdesk.events import Kind as Happening
from helpdesk.messages import Message
from helpdesk.ports import Prompt, Vectors
from kb.articles import Article
from kb.index import index_changed, weigh_lexemes
from kb.serving import EmbeddingModel, take_over, want
from tests.kb.hashing import Hashing
from tests.models import model, model_home
from tests.scenes import mail
from tests.web.served import Console
from tests.web.test_assistant import FORM as POLICY

__all__ = ["model", "model_home"]


def case(number: int, chance: float, *, kind: str = ANSWERABLE, right: bool = True, **more: object) -> Case:
    given = {
        "question": f"How do I mend number {number}?",
        "article": "mending",
        "features": (0.5,) * 7,
        "answered": chance >= 0.5,
        "expected": ("mending",) if kind == ANSWERABLE else (),
        "got": "mending" if right else "bending",
        **more,
    }
    return Case(kind=kind, right=right and kind == ANSWERABLE, chance=chance, **given)  # type: ignore[arg-type]


async def kept(desk: Desk, cases: list[Case], *, risk: float = 0.05) -> int:
    async with committed(desk.sessions) as session:
        run = new_run(Kind.answers, SOLVED)
        session.add(run)
        configuration = Configuration(embedder="m", answer_risk=risk, draft_risk=0.15)
        await keep(session, run, configuration, summary(cases), cases)
        return run.id


GOOD = [case(n, 0.9) for n in range(12)] + [case(n, 0.3, kind=NEAR_MISS) for n in range(12)]
BAD = [case(n, 0.9, right=n % 2 == 0) for n in range(12)] + [
    case(n, 0.6 if n < 3 else 0.3, kind=NEAR_MISS) for n in range(12)
]


async def test_a_run_shows_its_curve_its_failures_and_what_changed(console: Console):
    before, after = await kept(console.scene.desk, GOOD), await kept(console.scene.desk, BAD)
    ada = await console.person("Ada")
    index = (await ada.look("/settings/evaluation")).text
    assert "Solved tickets of this desk" in index
    page = (await ada.look(f"/settings/evaluation/{after}?than={before}")).text
    assert "<svg" in page
    assert "100% answered: " in page
    assert f"Worse than evaluation {before}" in page
    assert "and 9 the other way round. That is more than chance." in page
    assert "Another article was taken for the answer. 6" in page.replace("</a>", "")
    only = (await ada.look(f"/settings/evaluation/{after}?why=false_answer")).text
    assert only.count("Nothing answers this, and yet something was said.") == 4  # the chip and three
    assert "How do I mend number 2?" in only
    assert (await ada.look("/settings/evaluation/999999")).status_code == 404
    assert (await ada.look(f"/settings/evaluation/{after}?than=999999")).status_code == 404


async def test_a_customers_question_is_read_by_those_only_who_may_read_the_ticket(console: Console):
    scene = console.scene
    ticket = await scene.receives(mail("My zebra is striped the wrong way.", subject="Zebra"))
    (message,) = await scene.messages(ticket)
    run = await kept(scene.desk, [case(1, 0.9, right=False, question="Zebra", message_id=message.id)])
    ada = await console.person("Ada")
    page = (await ada.look(f"/settings/evaluation/{run}")).text
    assert "My zebra is striped the wrong way." in page
    assert f'href="/tickets/{ticket.number}"' in page
    async with committed(scene.desk.sessions) as session:
        await session.delete(await session.get_one(Message, message.id))
    assert "zebra" not in (await ada.look(f"/settings/evaluation/{run}")).text


async def test_more_risk_that_makes_it_worse_is_refused_unless_overruled(console: Console):
    """At 30 % the threshold sinks to where the near misses lie."""
    desk = console.scene.desk
    known = Neighbourhood.shipped()
    low = tuple(0.2 if n < 6 else 0.55 for n in range(10))
    async with committed(desk.sessions) as session:
        about = {"usual": {"means": known.usual.means, "deviations": known.usual.deviations}, "chances": low}
        session.add(AnswerLevel(embedder="m", threshold=0.5, closeness=0.2, articles=10, about=about))
    await kept(
        desk,
        [case(n, 0.9) for n in range(10)] + [case(n, 0.5, kind=NEAR_MISS, answered=False) for n in range(9)],
    )
    ada = await console.person("Ada")
    careful, bold = ({"draft_risk": "0.15", "answer_risk": risk} for risk in ("0.05", "0.3"))
    for wanted in (bold, careful):  # 55 % stays above these near misses
        answer = await ada.does("/settings/evaluation/risks", data=wanted)
        assert answer.status_code in {204, 303}, answer.text[:300]
    near = [case(n, 0.9, kind=NEAR_MISS, answered=False) for n in range(9)]
    await kept(desk, [*(case(n, 0.9) for n in range(10)), *near])
    answer = await ada.does("/settings/evaluation/risks", data=bold)
    assert answer.status_code == 409
    assert "9 of 19 questions of the newest evaluation would be done less well" in answer.text
    async with desk.sessions() as session:
        assert (await options.load(session)).answer_risk == 0.05
    answer = await ada.does("/settings/evaluation/risks", data={**bold, "overrule": "true"})
    assert answer.status_code in {204, 303}
    async with desk.sessions() as session:
        assert (await options.load(session)).answer_risk == 0.3


async def test_ordered_from_the_page_and_done_by_a_worker(
    console: Console, model: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(instructed, "MOST", 6)
    desk = console.scene.desk
    ada = await console.person("Ada")
    assert (await ada.does("/settings/evaluation", data={"source": SOLVED})).status_code in {204, 303}
    again = await ada.does("/settings/evaluation", data={"source": ARTICLES})
    assert again.status_code == 409
    await evaluate_wanted(desk, model)
    async with desk.sessions() as session:
        run = (await session.scalars(select(EvaluationRun))).one()
    assert run.state is State.failed
    assert "Only 0 solved tickets" in (await ada.look(f"/settings/evaluation/{run.id}")).text
    async with committed(desk.sessions) as session:
        for told in content.load().articles[:22]:
            article = Article.write(told.title, told.body, slug=told.slug)
            article.publish()
            session.add(article)
        await session.flush()
        while await index_changed(session, model, limit=40):
            pass
        await weigh_lexemes(session)
        await measure(session, model)
    assert (await ada.does("/settings/evaluation", data={"source": ARTICLES})).status_code in {204, 303}
    await evaluate_wanted(desk, model)
    async with desk.sessions() as session:
        run = (await session.scalars(select(EvaluationRun).order_by(EvaluationRun.id.desc()).limit(1))).one()
    assert (run.state, run.progress) == (State.done, 100)
    assert run.measures["answered_from_the_right_article"]["value"] >= 0.9
    page = (await ada.look(f"/settings/evaluation/{run.id}")).text
    assert "AUROC" in page
    await drafts_of_two_models(console, model)
    await other_instructions(console, model)
    await worse_vectors(console, model)


class Blind(Hashing):
    """Every text is the same to it."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return np.full((len(texts), self.dimensions), self.dimensions**-0.5, np.float32)


async def worse_vectors(console: Console, model: OnnxEmbedder) -> None:
    """A model for vectors by which answers come out worse does not take over unless somebody overrules that."""
    desk, ada, blind = console.scene.desk, await console.person("Ada"), Blind("blind@1", 384)
    async with committed(desk.sessions) as session:
        await want(session, model)
        await session.execute(update(EmbeddingModel).values(answers=EmbeddingModel.name == model.name))
        await want(session, blind)
        await index_changed(session, blind, limit=100)
        level = (await session.scalars(select(AnswerLevel.measured_at))).one()
    assert not await may_take_over(desk, blind)
    page = (await ada.look("/settings/search")).text
    assert "answers come out worse with it" in page
    assert not await may_take_over(desk, blind), "it is not measured again"
    async with desk.sessions() as session:
        runs = select(EvaluationRun.configuration["embedder"].as_string()).order_by(EvaluationRun.id.desc())
        assert (await session.scalars(runs)).all()[:2].count("blind@1") == 1
        assert (await session.scalars(select(AnswerLevel.measured_at))).one() == level
    assert (await ada.does("/settings/search/overruling")).status_code in {204, 303}
    assert await may_take_over(desk, blind)
    async with committed(desk.sessions) as session:
        assert await take_over(session, blind)
    assert (await ada.does("/settings/search/overruling")).status_code == 409


class Faithful(ScriptedModel):
    """Says the first sentence of the first passage that it is shown."""

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        passage = prompt.user.split("</untrusted")[0].split("\n")
        sentence = {"text": passage[2], "sources": ["1"], "new_paragraph": True}
        yield json.dumps({"sentences": [sentence]})


async def drafts_of_two_models(console: Console, model: OnnxEmbedder) -> None:
    """What one of them writes is let through, the other says nothing: it is not taken for drafts unless overruled."""
    desk, ada = console.scene.desk, await console.person("Ada")
    SCRIPTS["good"], SCRIPTS["mute"] = Faithful([""]), ScriptedModel([json.dumps({"sentences": []})])
    async with committed(desk.sessions) as session:
        made = [
            Connection(name=n.title(), kind=ModelKind.scripted, model=n) for n in ("good", "mute", "dead")
        ]
        session.add_all(made)
        await want(session, model)
    SCRIPTS["dead"] = ScriptedModel([ModelFailed("It is out of breath.")])
    runs = []
    for connection in made:
        wanted = {"source": ARTICLES, "model": str(connection.id)}
        assert (await ada.does("/settings/evaluation", data=wanted)).status_code in {204, 303}
        await evaluate_wanted(desk, model)
        async with desk.sessions() as session:
            newest = select(EvaluationRun).order_by(EvaluationRun.id.desc()).limit(1)
            runs.append((await session.scalars(newest)).one())
    good, mute, dead = runs
    assert (good.kind, good.state, mute.state, dead.state) == (
        Kind.drafts,
        State.done,
        State.done,
        State.failed,
    )
    assert "out of breath" in (dead.trouble or "")
    assert good.measures["answered"]["value"] > 0.5
    assert mute.measures["answered"]["value"] == 0
    assert (
        f"Worse than evaluation {good.id}"
        in (await ada.look(f"/settings/evaluation/{mute.id}?than={good.id}")).text
    )
    one, other, _ = (str(connection.id) for connection in made)
    path = "/settings/models/purposes"
    assert (await ada.does(path, data={"draft": one})).status_code == 204
    refused = await ada.does(path, data={"draft": other})
    assert refused.status_code == 409
    assert "This makes drafts worse" in refused.text
    assert (await ada.does(path, data={"draft": other, "overrule": "true"})).status_code == 204
    assert (await ada.does(path, data={"draft": one})).status_code == 204, (
        "what is better needs no overruling"
    )


class Obedient(ScriptedModel):
    """Answers where the first passage is what is asked about, unless its instructions make it shy."""

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        self.prompts.append(prompt)
        if "Out of breath" in prompt.system:
            raise ModelFailed("It is out of breath.")
        title, sentence = prompt.user.split("\n")[1:3]
        question = prompt.user.split("\n")[-2]
        known = title in question or question in sentence
        if known and "Be very careful" not in prompt.system:
            yield json.dumps({"action": "answer", "sentences": [{"text": sentence, "passages": [1]}]})
        else:
            yield json.dumps({"action": "hand_over", "summary": "Rather not."})


async def other_instructions(console: Console, model: OnnxEmbedder) -> None:
    """They are tried on the same questions as the old ones; what makes answers worse is refused unless overruled."""
    desk, ada = console.scene.desk, await console.person("Ada")
    told = SCRIPTS["obedient"] = Obedient([""])
    async with committed(desk.sessions) as session:
        connection = Connection(name="Obedient", kind=ModelKind.scripted, model="obedient")
        policy = Policy(inbox_id=console.scene.inbox.id, topic="", mode=Mode.suggest)
        session.add_all([connection, policy])
        await session.flush()
        session.add(Served(purpose=Purpose.assist, connection_id=connection.id))
    at = f"/settings/assistant/policies/{policy.id}"

    async def saves(words: str, **more: str) -> str:
        form = POLICY | {
            "inbox": str(console.scene.inbox.id),
            "mode": "suggest",
            "instructions": words,
            **more,
        }
        answer = await ada.does(at, data=form)
        assert answer.status_code in {204, 303}, answer.text[:300]
        return str(answer.headers["hx-redirect"]).partition("?")[0]

    async def now() -> str:
        async with desk.sessions() as session:
            return (await session.get_one(Policy, policy.id)).instructions

    trial = await saves("Be very careful.", name="Milo")
    assert trial.startswith("/settings/evaluation/")
    assert await now() == "", "not before they are tried"
    async with desk.sessions() as session:
        assert (await session.get_one(Policy, policy.id)).name == "Milo", "what no model reads counts at once"
    assert "being tried" in (await ada.look(at)).text
    twice = POLICY | {"inbox": str(console.scene.inbox.id), "mode": "suggest", "instructions": "Be brief."}
    assert (await ada.does(at, data=twice)).status_code == 409
    await evaluate_wanted(desk, model)
    page = (await ada.look(trial)).text
    assert "They make answers worse and do not count" in page
    assert "Worse than evaluation" in page
    assert await now() == ""
    assert "were refused" in (await ada.look(at)).text
    assert sum("Be very careful" in prompt.system for prompt in told.prompts) * 2 == len(told.prompts)
    assert (await ada.does(f"{trial}/overruling")).status_code in {204, 303}
    assert await now() == "Be very careful."
    assert (await ada.does(f"{trial}/overruling")).status_code == 409, "they count already"
    better = await saves("Be brief.")
    await evaluate_wanted(desk, model)
    assert await now() == "Be brief.", "what is no worse counts by itself"
    assert "They are no worse, and count" in (await ada.look(better)).text
    failed = await saves("Out of breath.")
    await evaluate_wanted(desk, model)
    assert "They could not be tried" in (await ada.look(failed)).text
    assert await now() == "Be brief."
    assert await saves("Out of breath.", overrule="true") == "/settings/assistant"
    assert await now() == "Out of breath."
    assert (await ada.does(f"{failed}/overruling")).status_code == 409, "the line was changed since"
    async with desk.sessions() as session:
        query = select(Event).where(Event.kind == Happening.assistant_edited).order_by(Event.id)
        events = [event.data for event in await session.scalars(query)]
    assert [(bool(data.get("overruled")), "evaluation" in data) for data in events] == [
        (False, False), (True, True), (False, False), (False, True), (False, False), (True, False)
    ]  # fmt: skip
    assert "Whatever was measured" in (await ada.look("/settings/audit")).text


async def test_more_drafts_that_are_wrong_are_refused_too(console: Console):
    """An agent's time counts less than a customer's, but it counts."""
    desk, known = console.scene.desk, Neighbourhood.shipped()
    async with committed(desk.sessions) as session:
        usual = {"means": known.usual.means, "deviations": known.usual.deviations}
        about = {"usual": usual, "chances": [*([0.2] * 12), *([0.3] * 6), 0.6, 0.6]}
        session.add(AnswerLevel(embedder="m", threshold=0.5, closeness=0.2, articles=20, about=about))
    cases = [case(n, 0.9) for n in range(10)]
    await kept(desk, [*cases, *(case(n, 0.5, kind=NEAR_MISS, answered=False) for n in range(6))])
    ada = await console.person("Ada")
    bold = {"draft_risk": "0.3", "answer_risk": "0.05"}
    answer = await ada.does("/settings/evaluation/risks", data=bold)
    assert answer.status_code == 409
    assert "This makes drafts worse: 6 of 16 questions" in answer.text
    answer = await ada.does("/settings/evaluation/risks", data={**bold, "overrule": "true"})
    assert answer.status_code in {204, 303}


async def test_only_who_manages_the_desk_measures(console: Console):
    liam = await console.person("Liam")
    assert (await liam.look("/settings/evaluation")).status_code in {403, 404}
    assert (await liam.does("/settings/evaluation", data={"source": SOLVED})).status_code in {403, 404}
    ada = await console.person("Ada")
    assert (await ada.does("/settings/evaluation", data={"source": "/etc/passwd"})).status_code == 400
