"""How sure a reader says it is, once a desk has corrected letters that are unlike the phrases it began with."""

import numpy as np
import pytest

from ai.evaluation.sentiment import calibration_error
from ai.fewshot import FewShot
from helpdesk.ports import Vectors

TOPICS = 12
NONE = ""


class Mailbox:
    """Topics are places; phrases lie near them, letters further off, and four in ten belong nowhere."""

    def __init__(self) -> None:
        self.chance = np.random.default_rng(3)
        self.centres = self.chance.normal(size=(TOPICS, 48))

    def near(self, topics: np.ndarray, distance: np.ndarray) -> Vectors:
        drawn = self.centres[topics] + distance[:, None] * self.chance.normal(size=(len(topics), 48))
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)

    def phrases(self) -> tuple[Vectors, list[str]]:
        topics = np.repeat(np.arange(TOPICS), 8)
        return self.near(topics, np.full(len(topics), 0.5)), [str(each) for each in topics]

    def letters(self, count: int) -> tuple[Vectors, list[str]]:
        topics, lost = self.chance.integers(0, TOPICS, count), self.chance.random(count) < 0.4
        vectors = self.near(topics, np.where(lost, 1.7, 1.1))
        return vectors, [NONE if gone else str(topic) for topic, gone in zip(topics, lost, strict=True)]


def error(mailbox: Mailbox, corrected: tuple[Vectors, list[str]], *, letters: int) -> tuple[float, float]:
    """Calibration error of what is said of 600 other letters, and the share of them that it is."""
    phrases, labels = mailbox.phrases()
    vectors, said = corrected
    model = FewShot.learn(
        [f"letter{n}" for n in range(len(said))] + [f"phrase{n}" for n in range(len(labels))],
        said + labels,
        np.concatenate([vectors, phrases]),
        letters=letters,
        none=NONE,
    )
    asked, truth = mailbox.letters(600)
    read = model.classify([f"other{n}" for n in range(600)], asked)
    sure = np.array([each.label not in {None, NONE} for each in read])
    right = np.array([each.label == wanted for each, wanted in zip(read, truth, strict=True)])
    confidence = np.array([each.confidence for each in read])
    return calibration_error(confidence[sure], right[sure]), float(sure.mean())


def test_corrected_letters_say_how_sure_it_may_be():
    mailbox = Mailbox()
    corrected = mailbox.letters(120)
    before, _share = error(mailbox, corrected, letters=0)
    after, share = error(mailbox, corrected, letters=120)
    assert before > 0.08
    assert after < 0.05
    assert share > 0.5


@pytest.mark.parametrize("known", [40, 120], ids=["too few letters", "all of them belong somewhere"])
def test_letters_that_say_nothing_about_the_mailbox_change_nothing(known: int):
    mailbox = Mailbox()
    vectors, said = mailbox.letters(known)
    if known == 120:
        said = [label or "0" for label in said]
        said[0] = NONE
    made = [
        FewShot.learn([f"letter{n}" for n in range(known)], said, vectors, letters=letters, none=NONE)
        for letters in (0, known)
    ]
    assert (made[0].weights.sure == made[1].weights.sure).all()
