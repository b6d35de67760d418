import numpy as np
import pytest

from core.statistics import auroc_interval, wilson_interval


def test_the_interval_of_a_share_is_that_of_scipy():
    from scipy.stats import binomtest

    for whole in (1, 2, 7, 30, 1000):
        for part in {0, 1, whole // 3, whole - 1, whole}:
            theirs = binomtest(part, whole).proportion_ci(0.95, method="wilson")
            assert wilson_interval(part, whole) == pytest.approx((theirs.low, theirs.high))
    for part, whole in ((1, 0), (-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no part of"):
            wilson_interval(part, whole)


def test_perfect_scores_have_no_width():
    is_positive = np.arange(20) >= 10

    assert auroc_interval(np.arange(20.0), is_positive, np.arange(20), 0) == (1, 1)


def test_a_weighted_draw_equals_the_area_of_repeated_films():
    from sklearn.metrics import roc_auc_score

    random = np.random.default_rng(0)
    scores, is_positive = random.integers(0, 9, 60) / 1.0, random.random(60) < 0.4
    groups = random.integers(0, 25, 60)

    interval = auroc_interval(scores, is_positive, groups, seed=3, n_draws=1)

    _, group_of = np.unique(groups, return_inverse=True)
    n_groups = group_of.max() + 1
    draw = np.random.default_rng(3).multinomial(n_groups, np.full(n_groups, 1 / n_groups), 1)
    times = draw[0][group_of]
    expected = roc_auc_score(np.repeat(is_positive, times), np.repeat(scores, times))
    assert interval == pytest.approx((expected, expected), abs=1e-12)


def test_the_interval_is_the_same_for_the_same_seed():
    random = np.random.default_rng(0)
    scores, is_positive = random.normal(size=80), random.random(80) < 0.5

    one, again, other = (auroc_interval(scores, is_positive, np.arange(80), s) for s in (1, 1, 2))

    assert one == again
    assert one != other


def test_films_of_one_patient_widen_the_interval():
    random = np.random.default_rng(0)
    is_positive = random.random(40) < 0.5
    scores = random.normal(size=40) + is_positive
    ten_each = [np.repeat(values, 10) for values in (scores, is_positive, np.arange(40))]

    low, high = auroc_interval(*ten_each, seed=0)
    low_alone, high_alone = auroc_interval(*ten_each[:2], np.arange(400), seed=0)

    assert high - low > 2 * (high_alone - low_alone)


def test_about_95_of_100_intervals_hold_the_true_area():
    n_held = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        is_positive = np.arange(200) < 100
        low, high = auroc_interval(random.normal(size=200), is_positive, np.arange(200), seed, 200)
        n_held += low <= 0.5 <= high

    assert 88 <= n_held <= 99


def test_patients_may_have_names():
    scores, is_positive = np.arange(4.0), np.array([False, True, False, True])

    low, high = auroc_interval(scores, is_positive, np.array(["b", "a", "c", "a"]), 0)

    assert 0 <= low <= high <= 1


def test_draws_without_a_positive_are_left_out():
    scores, is_positive = np.arange(6.0), np.arange(6) == 5

    assert auroc_interval(scores, is_positive, np.arange(6), 0) == (1, 1)


def test_what_has_no_area_is_refused():
    for scores, is_positive, message in (
        ([0.0, 1.0], [True, True], "both needed"),
        ([], [], "both needed"),
        ([np.nan, 1.0], [True, False], "not a finite number"),
        ([0.0, 1.0, 2.0], [True, False], "shape"),
    ):
        with pytest.raises(ValueError, match=message):
            auroc_interval(np.array(scores), np.array(is_positive, bool), np.arange(len(scores)), 0)
