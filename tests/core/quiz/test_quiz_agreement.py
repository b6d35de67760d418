import numpy as np
import pytest

from core.evaluation.metrics import confusion_matrix
from core.quiz.score_card import cohen_kappa, kappa_interval, mcnemar_p
from core.statistics import wilson_interval


@pytest.mark.parametrize(("part", "whole"), [(0, 5), (1, 5), (14, 20), (20, 20), (37, 72)])
def test_the_interval_of_a_share_equals_scipys(part: int, whole: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(part, whole).proportion_ci(method="wilson")
    assert wilson_interval(part, whole) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("part", "whole"), [(1, 0), (6, 5), (-1, 5), (0, 0)])
def test_a_share_of_nothing_is_refused(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        wilson_interval(part, whole)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_kappa_equals_scikit_learns(seed: int, n_classes: int) -> None:
    from sklearn.metrics import cohen_kappa_score

    random = np.random.default_rng(seed)
    truth = random.integers(0, n_classes, 30)
    answers = np.where(random.random(30) < 0.6, truth, random.integers(0, n_classes, 30))
    kappa = cohen_kappa(confusion_matrix(truth, answers, n_classes))
    assert kappa == pytest.approx(cohen_kappa_score(truth, answers), abs=1e-12)


def test_classes_that_nobody_named_do_not_change_kappa() -> None:
    small = np.array([[3, 1], [2, 4]])
    large = np.zeros((5, 5), np.int64)
    large[1:3, 1:3] = small
    assert cohen_kappa(large) == cohen_kappa(small)


def test_answering_always_the_same_is_worth_nothing() -> None:
    assert cohen_kappa(np.array([[5, 0, 0], [5, 0, 0], [5, 0, 0]])) == 0


def test_where_there_is_one_class_only_kappa_has_no_meaning() -> None:
    counts = np.array([[7, 0], [0, 0]])
    assert cohen_kappa(counts) is None
    assert kappa_interval(counts) is None


def test_no_film_has_no_kappa() -> None:
    with pytest.raises(ValueError, match="no film"):
        cohen_kappa(np.zeros((3, 3), np.int64))


def test_a_flawless_reading_of_nine_films_is_no_certainty() -> None:
    counts = np.diag([3, 3, 3])
    low, high = kappa_interval(counts) or (0, 0)
    assert cohen_kappa(counts) == 1
    assert high == 1
    assert 0.4 < low < 0.6


def test_the_interval_holds_kappa_and_shrinks_with_films() -> None:
    counts = np.array([[6, 1, 0], [2, 4, 1], [1, 0, 5]])
    widths = []
    for times in (1, 4):
        low, high = kappa_interval(counts * times) or (0, 0)
        assert low < (cohen_kappa(counts * times) or 0) < high
        widths.append(high - low)
    assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("accuracy", [0.6, 0.97])
def test_about_95_of_100_intervals_hold_the_true_kappa(accuracy: float) -> None:
    # Twenty-one films, seven of each of three classes: chance agrees in a third of them.
    random = np.random.default_rng(0)
    true_kappa = (accuracy - 1 / 3) / (2 / 3)
    shares = np.full((3, 3), (1 - accuracy) / 2) + np.eye(3) * (1.5 * accuracy - 0.5)
    n_held = 0
    for _ in range(400):
        low, high = kappa_interval(np.array([random.multinomial(7, row) for row in shares])) or (
            1,
            0,
        )
        n_held += low <= true_kappa <= high
    assert 0.92 * 400 <= n_held <= 0.995 * 400


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 5), (3, 3), (2, 11), (0, 8)])
def test_the_test_of_changes_equals_the_exact_binomial_one(one: int, other: int) -> None:
    from scipy.stats import binomtest

    assert mcnemar_p(one, other) == pytest.approx(binomtest(one, one + other, 0.5).pvalue)
    assert mcnemar_p(one, other) == mcnemar_p(other, one)


def test_where_nothing_changed_there_is_nothing_to_find() -> None:
    assert mcnemar_p(0, 0) == 1
