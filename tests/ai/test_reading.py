"""Mood, language and the matter of a letter."""

import numpy as np
import pytest

from ai.embedding import OnnxEmbedder
from ai.evaluation.intents import best
from ai.evaluation.intervals import auroc, bootstrap, macro_f1, wilson
from ai.evaluation.sentiment import evaluate_sentiment
from ai.evaluation.sets import labelled
from ai.fewshot import FewShot
from ai.heads import head
from ai.language import language_of
from ai.ngrams import COLUMNS
from ai.predictions import Sentiment
from ai.questions import matter
from ai.regression import MANY
from ai.sentiment import FrustrationReader, SentimentReader, side_of
from ai.triage.packing import packed, unpacked
from helpdesk.ports import Vectors
from tests.conftest import CORPORA, missing


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I hate this, you stole my money and nobody answers. Disgusting!!!", Sentiment.very_negative),
        ("The scanner still does not work and it is the second time I ask.", Sentiment.negative),
        ("Which cable do I need for the scanner?", Sentiment.neutral),
        ("Thanks, the scanner works again.", Sentiment.positive),
        ("Wow, you are wonderful, I love it! Best support ever!", Sentiment.very_positive),
    ],
)
async def test_five_steps_of_mood(model: OnnxEmbedder, text: str, label: Sentiment) -> None:
    (scores,) = await SentimentReader(model).classify([text])
    assert scores.label == label
    assert 0.45 <= scores.confidence <= 1
    assert sum(scores.all.values()) == pytest.approx(1, abs=1e-4)


async def test_mentions_and_links_carry_no_mood(model: OnnxEmbedder) -> None:
    plain, full = await SentimentReader(model).classify(
        ["Which cable do I need?", "@acme_help Which cable do I need? https://hate.example/awful"]
    )
    assert plain.label == full.label == Sentiment.neutral


async def test_frustration_is_more_than_a_complaint(model: OnnxEmbedder) -> None:
    angry, calm = await FrustrationReader(model).classify(
        [
            "This is the fifth time I explain it. I am fed up with you!",
            "Could you send me the manual, please?",
        ]
    )
    assert (angry.label, calm.label) == ("frustrated", "calm")


class Foreign:
    name = "another-model@1"
    dimensions = 384

    async def embed(self, texts: list[str]) -> Vectors:
        return np.ones((len(texts), 384), np.float32)


async def test_coefficients_are_not_used_on_another_models_vectors() -> None:
    (scores,) = await SentimentReader(Foreign()).classify(["I hate it"])  # type: ignore[arg-type]
    assert scores.label is None
    assert "another-model@1" in scores.reasons[0]


def test_shipped_coefficients_are_small_and_plain() -> None:
    for name in ("sentiment", "frustration", "very_negative", "very_positive"):
        assert head(name).weights.shape[1] == 384


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wo bleibt mein Paket? Ich warte seit Montag.", "de"),
        ("Where is my parcel? I have waited since Monday.", "en"),
        ("Mon colis n'est toujours pas arrivé, que faire ?", "fr"),
        ("¿Dónde está mi paquete? Lo espero desde el lunes.", "es"),
        ("ok thanks", None),
        ("4711 / 0815 !!!", None),
    ],
)
def test_language_or_silence(text: str, language: str | None) -> None:
    assert language_of(text).label == language


def test_the_matter_of_a_letter_is_what_stands_between_its_courtesies() -> None:
    letter = "Hi there,\n\nthe printer is dead.\n\nKind regards\nNiamh\nFinance, Brightwater\n"
    assert matter(letter) == "the printer is dead."
    assert (
        matter("Hello my printer prints nothing since today\n")
        == "Hello my printer prints nothing since today"
    )
    assert matter("Liebes Team,\n\nnichts geht.\n\nHerzliche Grüße\nUte") == "nichts geht."
    assert matter("Thanks") == "Thanks"


async def test_a_few_examples_are_enough_to_tell_topics_apart(model: OnnxEmbedder) -> None:
    examples = {
        "money": [
            "I was charged twice",
            "where is my invoice",
            "please refund me",
            "change the card on file",
        ],
        "printer": ["labels come out blank", "the printer is offline", "paper jam", "which ribbon do I need"],
        "booking": [
            "customers cannot book",
            "move my appointment",
            "the calendar shows no slots",
            "block a day",
        ],
    }
    texts = [text for group in examples.values() for text in group]
    labels = [label for label, group in examples.items() for _ in group]
    learned = FewShot.learn(texts, labels, await model.embed(texts))
    letters = [
        "You took the payment two times!",
        "it prints empty labels",
        "the moon is made of green cheese",
    ]
    said = learned.classify(letters, await model.embed(letters))
    assert [each.label for each in said] == ["money", "printer", None]
    assert said[0].reasons == ("I was charged twice",)
    assert said[2].confidence < 0.5 < said[0].confidence


def many(each: int) -> tuple[list[str], list[str]]:
    """Of two topics that a general model thinks alike: which of two machines it is, a letter and a number say."""
    rng = np.random.default_rng(5)
    heads = ["the {} stopped", "my {} is broken again", "what is wrong with the {}?", "the {} blinks twice"]
    names = {"presses": ["XR-14", "XR-15", "XR-19"], "printers": ["RX-41", "RX-51", "RX-91"]}
    rows = [
        (str(rng.choice(heads)).format(rng.choice(of)) + f" since {rng.integers(1, 12)} o'clock", label)
        for label, of in names.items()
        for _ in range(each)
    ]
    return [text for text, _ in rows], [label for _, label in rows]


async def test_with_many_examples_words_and_letters_tell_what_vectors_do_not(model: OnnxEmbedder) -> None:
    texts, labels = many(MANY)
    learned = FewShot.learn(texts, labels, await model.embed(texts))
    assert len(learned.weights.rarity) == COLUMNS
    few = FewShot.learn(*many(MANY - 1), (await model.embed(many(MANY - 1)[0])))
    assert not len(few.weights.rarity)
    asked = ["RX-41 makes a noise", "XR-19 makes a noise", "the RX-91 smells", "XR-14 has stopped, help"]
    said = learned.classify(asked, await model.embed(asked))
    assert [best(each) for each in said] == ["printers", "presses", "printers", "presses"]
    weights, _ = unpacked(packed(learned.weights, await model.embed(texts)))
    kept = FewShot.of(weights, learned.labels, texts, labels, await model.embed(texts))
    again = kept.classify(asked, await model.embed(asked))
    assert [each.confidence for each in again] == pytest.approx([each.confidence for each in said], abs=1e-2)


async def test_what_many_examples_tell_of_a_label_alone(model: OnnxEmbedder) -> None:
    """One example of a second label is left out in some fold: there is nothing to tell apart, and no trouble."""
    texts = [*many(MANY)[0][:MANY], *many(MANY)[0][:MANY], "the moon is made of cheese"]
    labels = ["presses"] * (len(texts) - 1) + ["moon"]
    learned = FewShot.learn(texts, labels, await model.embed(texts))
    (said,) = learned.classify(["the XR-14 stopped"], await model.embed(["the XR-14 stopped"]))
    assert best(said) == "presses"


def test_one_topic_is_no_choice(model: OnnxEmbedder) -> None:
    with pytest.raises(ValueError, match="two labels"):
        FewShot.learn(["a"], ["x"], np.ones((1, 384), np.float32))


def test_intervals() -> None:
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert auroc([0.9, 0.8], [0.1, 0.8]) == pytest.approx(0.875)
    assert macro_f1(["a", "b", "b"], ["a", "b", "a"], ["a", "b"]) == pytest.approx(2 / 3)
    low, high = bootstrap(lambda drawn: float((drawn < 50).mean()), 100)
    assert low < 0.5 < high


async def test_mood_on_strangers_tweets(model: OnnxEmbedder) -> None:
    """A slice of the airline set, on which nothing was learned; docs/ai.md has the whole of it."""
    path = CORPORA / "ai/airline/tweets.csv"
    if not path.exists():
        missing("the airline corpus")
    measured = await evaluate_sentiment(model, labelled(path)[::9])
    assert measured["macro_f1"]["value"] >= 0.62
    assert measured["expected_calibration_error"] <= 0.09
    assert side_of("very_negative") == "negative"
