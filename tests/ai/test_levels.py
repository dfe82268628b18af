"""Drafts appear where the knowledge base answers, and not where it does not: on the demo's own letters."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ai.answerability import FEATURES, gate
from ai.embedding import OnnxEmbedder
from ai.evaluation.answers import evaluate_answers
from ai.evaluation.sets import Question, SetArticle
from ai.levels import FEW, AnswerLevel, Neighbourhood, level, level_of, measure
from ai.questions import asked
from ai.suggestions import Reason, Suggestion, suggest
from ai.triage.reading import triage
from ai.verdicts import Verdict
from helpdesk.cli.demo import content
from helpdesk.database import committed
from helpdesk.statuses import Category
from kb.articles import Article
from kb.index import index_changed, weigh_lexemes
from kb.search import FoundPassage, Hit
from tests.scenes import Scene, mail

NOT_LOOKED_AT_YET = (Category.new, Category.open)


def demos_letters() -> Iterator[Question]:
    """Each ticket as it began, with the articles that answer it; tickets that nobody judged are left out."""
    lines = (Path(content.FOLDER) / "letters.jsonl").read_text().splitlines()
    answers = {row["subject"]: tuple(row["article_ids"]) for row in map(json.loads, lines)}
    for ticket in content.load().tickets:
        if ticket.subject in answers and ticket.category in NOT_LOOKED_AT_YET:
            text = asked(ticket.subject, ticket.messages[0].text)
            yield Question(ticket.subject, text, answers[ticket.subject])


async def test_most_of_the_demos_letters_get_a_draft_and_no_wrong_one(
    session: AsyncSession, model: OnnxEmbedder
) -> None:
    articles = [SetArticle(a.slug, a.title, a.body) for a in content.load().articles]
    measured, _ = await evaluate_answers(session, model, articles, list(demos_letters()))
    drafts = measured["drafts"]
    answered, right = drafts["answered"], drafts["answered_from_the_right_article"]
    assert answered["n"] == 14
    assert answered["value"] * right["value"] >= 0.55
    assert right["value"] >= 0.9
    assert drafts["false_answers"]["impossible"] == {"value": 0, "n": 6, "interval": [0, 0.3903]}
    assert measured["threshold"] > drafts["threshold"]


@pytest.fixture
async def workshop(scene: Scene, model: OnnxEmbedder) -> Scene:
    """A desk that knows the demo's articles."""
    async with committed(scene.desk.sessions) as session:
        for told in content.load().articles:
            article = Article.write(told.title, told.body, slug=told.slug)
            article.publish()
            session.add(article)
        await session.flush()
        while await index_changed(session, model, limit=40):
            pass
        await weigh_lexemes(session)
        await measure(session, model)
    return scene


async def answer_to(scene: Scene, model: OnnxEmbedder, text: str, subject: str = "A question") -> Suggestion:
    """Offered or withheld."""
    ticket = await scene.receives(mail(text, subject=subject, name="Marta Lind"))
    (message,) = await scene.messages(ticket)
    async with committed(scene.desk.sessions) as session:
        await triage(session, model, [message.id])
        await suggest(session, model, await scene.ticket(ticket.id, session))
        found = await session.scalars(select(Suggestion).where(Suggestion.message_id == message.id))
        return found.one()


async def test_what_is_near_an_article_is_not_answered_by_it(workshop: Scene, model: OnnxEmbedder) -> None:
    """A letter about labels, beside two articles about the label printer that say nothing of its wish."""
    wish = next(t for t in content.load().tickets if t.subject == "Labels for very small objects")
    planted = await answer_to(workshop, model, wish.messages[0].text, wish.subject)
    assert planted.reason in (Reason.not_sure, Reason.only_near)
    assert str(planted.explanation).startswith("The nearest article")
    asked_there = await answer_to(
        workshop, model, "Our label printer only makes blank labels. What is wrong?"
    )
    assert asked_there.is_open


async def test_an_idle_subject_seldom_makes_an_answer(session: AsyncSession, model: OnnxEmbedder) -> None:
    """Two of these 45 pass: what stands in a subject moves a question that lies close to an article."""
    articles = [SetArticle(a.slug, a.title, a.body) for a in content.load().articles]
    without = [question.question for question in content.questions() if question.slug is None]
    letters = [Question("", asked(subject, q), ()) for subject in ("", "A question", "Help") for q in without]
    measured, _ = await evaluate_answers(session, model, articles, letters)
    false = measured["drafts"]["false_answers"]["impossible"]
    assert false["n"] == 45
    assert false["value"] <= 0.15


async def test_no_draft_mixes_two_languages(workshop: Scene, model: OnnxEmbedder) -> None:
    german = "Guten Tag, unser Etikettendrucker meldet PRT-09 und blinkt blau. Was sollen wir tun?"
    assert (await answer_to(workshop, model, german, "Drucker PRT-09")).reason is Reason.other_language


async def test_drafts_read_as_letters(workshop: Scene, model: OnnxEmbedder) -> None:
    """No heading, table or Markdown is left in them, steps are whole, and the place fits the sentence that asks."""
    steps = await answer_to(
        workshop, model, "A customer wants everything deleted. Where do I erase her personal data?"
    )
    assert "says:\n\n1. Open the customer" in steps.body
    assert "\n2. Read the list" in steps.body
    assert "\n3. Type the customer's name" in steps.body
    table = await answer_to(
        workshop, model, "How many custom fields may we add on Team and on Plus, in total?"
    )
    assert "- Fields in total: Solo 5, Team 20, Plus 60" in table.body
    lost = await answer_to(
        workshop,
        model,
        "I lost my phone and have no recovery codes. Who resets my second factor?",
        "phone gone",
    )
    assert "Reset second factor" in lost.body
    for body in (steps.body, table.body, lost.body):
        assert body.startswith("Hello Marta,\n\n")
        assert not any(mark in body for mark in ("**", "](", " | ", "\n#"))


def hit(dense: float) -> Hit:
    passage = FoundPassage(chunk_id=1, position=1, path="", text="x", dense=dense, lexical=0, words=())
    numbers = {"dense": dense, "title_score": 0.0, "lexical": 0.0, "coverage": 0.0, "fused": dense}
    names = {"slug": "a", "title": "A", "category": "", "locale": "en"}
    return Hit(article_id=1, version=1, passages=(passage,), **names, **numbers)  # type: ignore[arg-type]


def around(nearest: float) -> list[list[Hit]]:
    """40 neighbours between 0 and there."""
    return [[hit(nearest * n / 40), hit(0.0), hit(0.0)] for n in range(1, 41)]


def test_what_is_usual_at_a_desk_decides_what_is_near():
    """The same hits answer where articles lie far from each other, and not where they lie close."""
    dense, sparse = Neighbourhood.of(around(0.9)), Neighbourhood.of(around(0.4))
    found = [hit(0.7), hit(0.1), hit(0.1)]
    strict, mild = level_of(dense, 0.05), level_of(sparse, 0.05)
    assert not strict.lets_through(strict.chance(found), found)
    assert mild.lets_through(mild.chance(found), found)
    assert not mild.lets_through(mild.chance([hit(0.39), hit(0.0), hit(0.0)]), [hit(0.39)])
    assert not mild.lets_through(1.0, [])


def test_no_more_neighbours_pass_than_the_chosen_share():
    known = Neighbourhood.of(around(0.9))
    for risk in (0.05, 0.15, 0.3):
        threshold = known.threshold(risk)
        assert sum(chance > threshold for chance in known.chances) <= risk * 40
    assert known.threshold(0.05) > known.threshold(0.15) > known.threshold(0.3)


def test_what_agents_reject_raises_the_threshold_and_what_they_use_never_lowers_it():
    known = Neighbourhood.of(around(0.9))
    plain = level_of(known, 0.15).threshold
    span = 1 - plain
    used = [Verdict(plain + span * n / 101, right=True) for n in range(1, 101)]
    assert level_of(known, 0.15, used).threshold == plain
    rejected = [Verdict(each.chance, right=n >= 50) for n, each in enumerate(used)]
    assert plain + span * 0.35 < level_of(known, 0.15, rejected).threshold < plain + span * 0.55
    assert level_of(known, 0.15, rejected[:20]).threshold == plain  # too few to say


def test_the_shipped_gate_fits_its_numbers():
    assert len(gate().stored.weights) == len(gate().stored.usual.means) == len(FEATURES)
    assert gate().chance([]) == 0
    assert 0 <= gate().chance_of([1e6] * len(FEATURES)) <= 1


async def test_a_few_articles_say_nothing_about_neighbours(scene: Scene, model: OnnxEmbedder) -> None:
    async with committed(scene.desk.sessions) as session:
        article = Article.write("Refunds", "We pay back within 14 days.")
        article.publish()
        session.add(article)
        await session.flush()
        await index_changed(session, model)
        await weigh_lexemes(session)
        for _ in range(2):  # the second renews the first
            assert await measure(session, model) == level_of(Neighbourhood.shipped(), FEW)
        kept = (await session.scalars(select(AnswerLevel))).one()
        assert kept.embedder == model.name
        kept.about = {"written": "by another version"}
        await session.flush()
        assert await level(session, model) == level_of(Neighbourhood.shipped(), FEW)
        assert (await level(session, model, alone=True)).threshold > (await level(session, model)).threshold
