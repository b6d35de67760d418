"""Temperatures against scikit-learn's and scipy's own answers, and sets by their coverage."""

import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import log_loss

from core.prediction.calibration import (
    COVERAGE,
    HIGHEST_THRESHOLD,
    LEAST_FILMS,
    TEMPERATURES,
    Calibration,
    Coverage,
    calibration_error,
    calibration_words,
    fit_calibration,
    possible_classes,
    precise_softmax,
)


def films(n: int, scale: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits of a model whose confidence is `scale` times too large, and true classes."""
    random = np.random.default_rng(seed)
    honest = random.normal(0, 1.5, (n, 3))
    labels = np.array([random.choice(3, p=row / row.sum()) for row in precise_softmax(honest)])
    return (honest * scale).astype(np.float32), labels


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_the_model_too_sure(scale: float) -> None:
    logits, labels = films(4000, scale)
    found = fit_calibration(logits, labels)
    assert found is not None
    assert found.temperature == pytest.approx(scale, rel=0.1)
    assert found.loss_after <= found.loss_before + 1e-9
    assert found.ece_after < 0.03


def test_a_temperature_is_kept_only_where_it_helps_films_that_it_was_not_fitted_on() -> None:
    found = {
        name: fit_calibration(*films(n, scale, seed))
        for name, n, scale, seed in (("too sure", 400, 3.0, 0), ("honest", 60, 1.0, 3))
    }
    assert found["too sure"] is not None
    assert found["honest"] is not None
    assert found["too sure"].status == "corrected"
    assert found["honest"].status == "as_is"
    assert found["honest"].temperature == 1.0
    assert found["honest"].is_calibrated
    assert found["honest"].cv_loss_after >= found["honest"].cv_loss_before
    for one in found.values():
        assert one is not None
        assert f"calibration error {one.ece_before:.1%}" in str(calibration_words(one)[0]).lower()


def test_probabilities_that_nothing_mends_are_not_called_calibrated() -> None:
    """One class is told too surely, the others not surely enough: no one temperature serves."""
    told = np.repeat([0, 1], 60)
    logits = np.zeros((120, 3))
    logits[np.arange(120), told] = np.where(told == 0, 3.0, 1.0)
    is_right = np.concatenate([np.arange(60) < 45, np.ones(60, np.bool_)])
    labels = np.where(is_right, told, 2)
    found = fit_calibration(logits, labels, [str(number // 2) for number in range(120)])
    assert found is not None
    assert found.status == "unknown"
    assert (found.temperature, found.is_calibrated) == (1.0, False)
    assert "Not calibrated" in str(calibration_words(found)[0])


def test_the_models_own_test_contradicts_the_coverage_where_an_interval_rules_it_out() -> None:
    logits, labels = films(400, 1.0)
    found = fit_calibration(logits, labels)
    assert found is not None

    def with_coverage(*counts: tuple[int, int]) -> Calibration:
        coverage = tuple(Coverage(*one) for one in counts)
        n = sum(one.n for one in coverage)
        return dataclasses.replace(found, coverage=coverage, n_test=n)

    assert with_coverage((30, 27), (30, 26)).contradicted_by is None
    assert with_coverage((30, 30), (30, 19)).contradicted_by == Coverage(30, 19)  # one class
    assert with_coverage((30, 23), (30, 23)).contradicted_by is not None  # both together
    assert with_coverage((9, 0), (60, 60)).contradicted_by is None  # too few to contradict
    tested = found.tested(logits, labels)
    assert sum(one.n_covered for one in tested.coverage) / 400 == tested.test_coverage


def test_no_other_temperature_has_a_smaller_loss() -> None:
    logits, labels = films(300, 2.0)
    found = fit_calibration(logits, labels)
    assert found is not None

    def loss(temperature: float) -> float:
        return float(log_loss(labels, precise_softmax(logits / temperature)))

    assert found.loss_after == pytest.approx(loss(found.temperature), abs=1e-6)
    assert found.loss_before == pytest.approx(loss(1.0), abs=1e-6)
    doubt = 1 / 302
    targets = np.eye(3)[labels] * (1 - doubt) + doubt / 3

    def smoothed(temperature: float) -> float:
        return float(-(targets * np.log(precise_softmax(logits / temperature))).sum(axis=1).mean())

    for factor in (0.97, 1.03):
        assert smoothed(found.temperature) < smoothed(found.temperature * factor)


def test_the_order_of_the_classes_stays() -> None:
    logits, labels = films(200, 3.0)
    found = fit_calibration(logits, labels)
    assert found is not None
    np.testing.assert_array_equal(found.probabilities(logits).argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(found.probabilities(logits).sum(axis=1), 1, atol=1e-6)


def test_too_few_films_calibrate_nothing() -> None:
    logits, labels = films(LEAST_FILMS, 1.0)
    assert fit_calibration(logits, labels) is not None
    assert fit_calibration(logits[1:], labels[1:]) is None


def test_a_model_that_is_always_right_gets_no_absurd_temperature() -> None:
    labels = np.arange(90) % 3
    logits = np.eye(3, dtype=np.float32)[labels] * 5
    found = fit_calibration(logits, labels)
    assert found is not None
    assert found.temperature > TEMPERATURES[0]
    assert found.probabilities(logits).max() == pytest.approx(1 - 2 / 3 / 92, abs=1e-4)
    assert found.set_threshold == HIGHEST_THRESHOLD


def test_the_possible_classes_hold_the_true_one_as_often_as_promised() -> None:
    """On films that took no part in the fit; the promise is an average over such draws."""
    covered = []
    for seed in range(40):
        logits, labels = films(600, 2.0, seed)
        found = fit_calibration(logits[:100], labels[:100])
        assert found is not None
        tested = found.tested(logits[100:], labels[100:])
        assert tested.n_test == 500
        covered.append(tested.test_coverage)
    assert np.mean(covered) > COVERAGE - 0.01
    assert np.mean(covered) < 0.97


def test_classes_remain_possible_from_the_threshold_on_the_most_probable_first() -> None:
    for probabilities, threshold, possible in (
        ([0.3, 0.1, 0.6], 0.3, (2, 0)),
        ([0.3, 0.1, 0.6], 0.31, (2,)),
        ([0.3, 0.1, 0.6], 0.05, (2, 0, 1)),
        ([0.46, 0.31, 0.23], 0.37, (0, 1)),  # less than one half is never sure
        ([0.51, 0.3, 0.19], 0.37, (0,)),
        ([0.3, 0.3, 0.4], 0.8, (2, 0)),  # no class fits: the two most probable are in doubt
    ):
        assert possible_classes(np.array(probabilities, np.float32), threshold) == possible


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.35, 0.65]] * 10)
    labels = np.array([0] * 6 + [1] * 4 + [1] * 8 + [0] * 2)
    expected = (abs(0.9 - 0.6) * 10 + abs(0.65 - 0.8) * 10) / 20
    assert calibration_error(probabilities, labels) == pytest.approx(expected)


def test_it_passes_through_json() -> None:
    found = fit_calibration(*films(80, 2.0))
    assert found is not None
    found = found.tested(*films(20, 2.0, 1))
    assert Calibration.from_json(json.loads(json.dumps(found.to_json()))) == found


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"temperature": True},
        {"temperature": "1"},
        {"temperature": [1.0]},
        {"set_threshold": -0.1},
        {"set_threshold": 1.5},
        {"n": -1},
        {"n": 3.0},
        {"n": 10**30},
        {"loss_before": float("inf")},
        {"ece_after": 2.0},
        {"test_coverage": -1},
        {"strange": 1},
    ],
)
def test_a_calibration_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    found = fit_calibration(*films(80, 2.0))
    assert found is not None
    with pytest.raises(ValueError, match="not a calibration"):
        Calibration.from_json({**dataclasses.asdict(found), **change})


def test_a_calibration_that_lacks_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a calibration"):
        Calibration.from_json({"temperature": 1.0})
