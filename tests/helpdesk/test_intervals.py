"""How sure results of surveys are: against published values, and against what intervals promise."""

import random
from collections import Counter

import pytest

from helpdesk.satisfaction.intervals import mean, promoter_score, student, wilson


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_shares_have_wilsons_interval(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.value == successes / n


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    [
        (1, 12.706),
        (2, 4.303),
        (3, 3.182),
        (5, 2.571),
        (10, 2.228),
        (30, 2.042),
        (120, 1.980),
        (10_000, 1.960),
    ],
)
def test_students_quantiles_are_those_of_the_tables(degrees: int, quantile: float) -> None:
    assert student(degrees) == pytest.approx(quantile, abs=0.004)


def test_nothing_is_said_of_no_answers() -> None:
    assert wilson(0, 0) is None
    assert mean({}) is None
    assert promoter_score(0, 0, 0) is None


def test_three_equal_answers_are_not_certainty() -> None:
    """Three fives are an average of 5, that may well be one below 4."""
    found = mean({5: 3})
    assert found is not None
    assert (found.value, found.high, found.n) == (5, 5, 3)
    assert 2 < found.low < 4


def test_one_answer_says_nothing_of_the_average() -> None:
    found = mean({4: 1})
    assert found is not None
    assert (found.low, found.value, found.high) == (1, 4, 5)


def test_many_answers_have_the_textbooks_interval() -> None:
    """800 answers with an average of 4.25 and a deviation of 0.829: 4.25 ± 1.96 * 0.829 / √800."""
    found = mean({3: 200, 4: 200, 5: 400})
    assert found is not None
    assert found.value == 4.25
    assert (found.low, found.high) == pytest.approx((4.1925, 4.3075), abs=0.005)


def test_a_promoter_score_counts_promoters_less_detractors() -> None:
    """50 promoters, 30 passives and 20 detractors: 30, by the adjusted interval from 13.8 to 43.6."""
    found = promoter_score(50, 30, 20)
    assert found is not None
    assert found.value == 30
    above, below = 50.75 / 103, 20.75 / 103
    half = 1.959964 * ((above + below - (above - below) ** 2) / 103) ** 0.5
    assert (found.low, found.high) == pytest.approx(
        (100 * (above - below - half), 100 * (above - below + half)), abs=0.01
    )
    assert (round(found.low), round(found.high)) == (14, 44)


def test_intervals_never_leave_the_scale() -> None:
    for n in range(1, 200):
        for found, low, high in [
            (wilson(n, n), 0, 1),
            (wilson(0, n), 0, 1),
            (mean({1: n}), 1, 5),
            (promoter_score(n, 0, 0), -100, 100),
            (promoter_score(0, 0, n), -100, 100),
        ]:
            assert found is not None
            assert low <= found.low <= found.value <= found.high <= high


@pytest.mark.parametrize("n", [5, 20, 60])
def test_the_truth_lies_within_as_often_as_is_said(n: int) -> None:
    """Of 2,000 surveys of a known crowd, about 95 % have its true values within their intervals."""
    chance = random.Random(f"satisfaction {n}")  # noqa: S311 - the same surveys in every run
    scores, weights = [1, 2, 3, 4, 5], [0.08, 0.07, 0.1, 0.3, 0.45]
    average = sum(s * w for s, w in zip(scores, weights, strict=True))
    hits = Counter[str]()
    for _ in range(2_000):
        given = Counter(chance.choices(scores, weights, k=n))
        share, middle = wilson(given[4] + given[5], n), mean(given)
        net = promoter_score(given[5], given[4], given[1] + given[2] + given[3])
        assert share is not None
        assert middle is not None
        assert net is not None
        hits["share"] += share.low <= 0.75 <= share.high
        hits["mean"] += middle.low <= average <= middle.high
        hits["net"] += net.low <= 20 <= net.high
    assert all(0.925 <= count / 2_000 <= 0.995 for count in hits.values()), hits
