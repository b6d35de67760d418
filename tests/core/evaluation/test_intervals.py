import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score

from core.evaluation.intervals import (
    area_under_curve,
    bootstrap_interval,
    clustered_share,
    per_patient,
)


def test_shares_of_independent_images_are_wilsons_worked_example():
    # Newcombe, Statistics in Medicine 1998, table I: 81 of 263, 15 of 148.
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        found = clustered_share(np.arange(n) < hits, np.arange(n))
        assert found.interval == pytest.approx((low, high), abs=5e-5)
        assert found.design_effect == 1


def hanley() -> tuple[np.ndarray, np.ndarray]:
    """Return ratings of 109 CT images (Hanley and McNeil, Radiology 1982)."""
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    ratings = [np.repeat(np.arange(5.0), counts) for counts in (normal, abnormal)]
    return np.concatenate(ratings), np.repeat([False, True], [58, 51])


def test_the_area_has_delongs_standard_error_of_the_worked_example():
    scores, positive = hanley()
    found = area_under_curve(scores, positive, np.arange(109))
    assert found.value == pytest.approx(0.8932, abs=5e-5)  # Stata, manual of roctab
    assert found.standard_error == pytest.approx(0.0307, abs=5e-5)
    assert found.value == pytest.approx(roc_auc_score(positive, scores))


def test_images_that_are_stored_twice_narrow_no_interval():
    scores, positive = hanley()
    once = area_under_curve(scores, positive, np.arange(109))
    twice = area_under_curve(np.tile(scores, 2), np.tile(positive, 2), np.tile(np.arange(109), 2))
    assert twice.standard_error == pytest.approx(once.standard_error, rel=0.01)
    hits = np.arange(40) < 31
    share = clustered_share(np.tile(hits, 3), np.tile(np.arange(40), 3))
    assert share.design_effect == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("area", [0.0, 1.0])
def test_an_area_without_an_error_has_a_bound_on_one_side(area):
    scores = np.arange(30.0)
    positive = scores >= 20 if area else scores < 20
    found = area_under_curve(scores, positive, np.arange(30))
    low, high = found.interval
    assert found.is_one_sided
    assert (high if area else low) == area
    assert 0 < high - low < 0.35


def test_one_patient_on_a_side_gives_no_interval():
    patients = np.array([0, 0, 1, 2, 3])
    found = area_under_curve(
        np.array([0.4, 0.9, 0.1, 0.5, 0.3]), np.array([1, 1, 0, 0, 0], bool), patients
    )
    assert np.isnan(found.standard_error)


@pytest.mark.parametrize("icc", [0.0, 0.5])
@pytest.mark.parametrize(("n_patients", "truth"), [(15, 0.9), (60, 0.95)])
def test_intervals_hold_the_truth_as_often_as_they_say(icc, n_patients, truth):
    random, n = np.random.default_rng(3), 300
    held = {"share": 0, "area": 0}
    for _ in range(n):
        patients = np.repeat(np.arange(n_patients), random.integers(1, 6, n_patients))
        own = np.full(n_patients, truth)
        if icc:
            own = random.beta(truth * (1 - icc) / icc, (1 - truth) * (1 - icc) / icc, n_patients)
        hits = random.random(len(patients)) < own[patients]
        low, high = clustered_share(hits, patients).interval
        held["share"] += low <= truth <= high
        positive = patients % 2 == 0
        scores = ndtri(truth) * 2**0.5 * positive + random.normal(
            0, (1 - icc) ** 0.5, len(patients)
        )
        scores += random.normal(0, icc**0.5, n_patients)[patients]
        low, high = area_under_curve(scores, positive, patients).interval
        held["area"] += low <= truth <= high
    for name, count in held.items():
        assert 0.9 <= count / n <= 0.995, name  # 0.93 to 0.98, and what 300 draws vary by


def test_the_bootstrap_is_scipys():
    random = np.random.default_rng(0)
    values = random.gamma(2, size=60)
    counts = np.stack([values, np.ones(60)], axis=1)
    found = bootstrap_interval(counts, lambda sums: sums[..., 0] / sums[..., 1], 0, 4000)
    known = bootstrap((values,), np.mean, n_resamples=4000, method="BCa", random_state=1)
    assert found == pytest.approx(known.confidence_interval, abs=0.04)


def test_counts_are_summed_by_patient():
    values = np.array([[1.0, 2], [3, 4], [5, 6]])
    assert per_patient(values, np.array([7, 3, 7])).tolist() == [[3, 4], [6, 8]]
