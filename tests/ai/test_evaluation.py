"""The measures run over files, on tables of their own, and say what is wrong with a file."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.embedding import OnnxEmbedder
from ai.evaluation.answers import evaluate_answers
from ai.evaluation.intents import evaluate_intents
from ai.evaluation.retrieval import evaluate_retrieval
from ai.evaluation.sets import articles, labelled, questions
from ai.providers.scripted import ScriptedModel
from helpdesk.cli.demo import content as demo
from helpdesk.errors import Invalid
from helpdesk.ports import Prompt
from kb.articles import Article
from kb.importers import markdown_folder
from tests.conftest import CORPORA, missing

CONTENT = Path(demo.__file__).parent / "content"


async def test_the_demos_questions(session: AsyncSession, model: OnnxEmbedder, tmp_path: Path) -> None:
    """People's own words, far from the articles': the right one is among five, and nothing false is said."""
    path = tmp_path / "articles.jsonl"
    made = markdown_folder(CONTENT / "articles")
    path.write_text("\n".join(json.dumps({"id": a.slug, "title": a.title, "text": a.body}) for a in made))
    asked = questions(CONTENT / "questions.jsonl")
    before = await session.scalar(select(func.count()).select_from(Article))
    found = await evaluate_retrieval(session, model, articles(path), asked)
    assert found["hit@1"]["value"] >= 0.65
    assert found["hit@5"]["value"] >= 0.9
    answered, cases = await evaluate_answers(session, model, articles(path), asked)
    assert answered["false_answers"]["impossible"]["value"] <= 1 / 15
    false, others = await evaluate_answers(session, model, articles(path), asked, without_gold=True)
    assert "answered" not in false
    assert false["false_answers"] == answered["false_answers"]
    assert len(others) == len(cases) - 45
    await session.rollback()
    assert await session.scalar(select(func.count()).select_from(Article)) == before


async def test_a_slice_of_wixqa(session: AsyncSession, model: OnnxEmbedder) -> None:
    folder = CORPORA / "ai/wixqa"
    if not folder.exists():
        missing("the WixQA corpus")
    asked = questions(folder / "questions.jsonl")[:24]
    wanted = {id_ for question in asked for id_ in question.articles}
    every = articles(folder / "articles.jsonl")
    some = [a for a in every if a.id in wanted] + [a for a in every if a.id not in wanted][:30]
    found = await evaluate_retrieval(session, model, some, asked)
    assert found["hit@1"]["value"] >= 0.75
    assert found["hit@1"]["n"] == 24
    assert found["hit@1"]["interval"][0] < found["hit@1"]["value"]


async def test_intents(model: OnnxEmbedder) -> None:
    phrases = {
        "card": [
            "where is my card",
            "card has not come",
            "when will I get the card",
            "my card is not here yet",
        ],
        "fee": [
            "wrong fee",
            "odd charge on my statement",
            "why do you charge a fee",
            "extra fee for a transfer",
        ],
    }
    train = [(text, label) for label, texts in phrases.items() for text in texts]
    test = [
        ("my card did not arrive", "card"),
        ("what is this fee for", "fee"),
        ("sing a song for me", "other"),
    ]
    measured = await evaluate_intents(model, train, test)
    assert (measured["accuracy"]["value"], measured["accuracy"]["n"]) == (1, 2)
    assert (measured["unknown_told"]["value"], measured["unknown_told"]["n"]) == (1, 1)

    with pytest.raises(Invalid, match="one label only"):
        await evaluate_intents(model, train[:4], test)


@pytest.mark.parametrize(
    ("line", "says"), [("{", "line is no JSON"), ("[]", "JSON object"), ('{"id": "1"}', "needs")]
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "x.jsonl").write_text("\n" + line)
    with pytest.raises(Invalid, match=f"x.jsonl:2: .*{says}"):
        articles(tmp_path / "x.jsonl")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("text,mood\na,b\n")
    with pytest.raises(Invalid, match="'sentiment' is missing"):
        labelled(tmp_path / "x.csv")


async def test_a_scripted_model_says_its_lines() -> None:
    model = ScriptedModel(["First answer.", TimeoutError("too slow")])
    assert "".join([part async for part in model.stream(Prompt(system="s", user="u"))]) == "First answer."
    with pytest.raises(TimeoutError):
        [part async for part in model.stream(Prompt(system="s", user="again"))]
    assert [prompt.user for prompt in model.prompts] == ["u", "again"]
