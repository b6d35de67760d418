import numpy as np
import pytest

from core.errors import PneumoScopeError
from core.evaluation.comparison import (
    age_band,
    holm,
    mcnemar,
    plan,
    subgroups,
)
from core.evaluation.curves import calibration_curve, doubt, net_benefit, roc
from core.evaluation.decision import (
    cheapest,
    expected_counts,
    mean_cost,
    predictive_values,
    rates_of,
    threshold_for_sensitivity,
    with_prevalence,
)
from core.evaluation.figures import Answered
from core.models.operating_point import OperatingPoint
from tests.core.evaluation.test_figures import answered

CLASSES = ("a", "b", "c")


def test_a_lower_threshold_finds_more_of_a_class_and_reaches_the_sensitivity_asked_for():
    given = answered()
    equal = np.full(3, 0.5)
    limit = threshold_for_sensitivity(given, equal, 1, 0.95)
    point = OperatingPoint(thresholds={"a": 0.5, "b": limit, "c": 0.5})
    said = point.answers(given.probabilities, CLASSES)
    assert np.mean(said[given.truth == 1] == 1) >= 0.95
    # The largest that does: a little more misses it.
    missed = OperatingPoint(thresholds={"a": 0.5, "b": limit * 1.05, "c": 0.5})
    fewer = missed.answers(given.probabilities, CLASSES)
    assert np.mean(fewer[given.truth == 1] == 1) < 0.96
    neutral = OperatingPoint.neutral(CLASSES).answers(given.probabilities, CLASSES)
    assert neutral.tolist() == given.predicted.tolist()


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"thresholds": {"a": 0.5}},
        {"thresholds": {"a": 0.5, "b": 0.0}},
        {"thresholds": {"a": 0.5, "b": "x"}},
        {"thresholds": {"a": 0.5, "b": 0.5}, "set_on": "test"},
        {"thresholds": {"a": 0.5, "b": 0.5}, "n": -1},
        [],
    ],
)
def test_an_operating_point_that_lies_is_refused(values):
    with pytest.raises(PneumoScopeError):
        OperatingPoint.from_json(values)


def test_an_operating_point_of_other_classes_is_refused():
    with pytest.raises(PneumoScopeError, match="other"):
        OperatingPoint.neutral(("a", "other")).answers(np.full((2, 3), 1 / 3), CLASSES)


def test_predictive_values_follow_bayes_and_the_sample_at_its_own_prevalence():
    given = answered()
    rates, numbers = rates_of(given)
    own = np.bincount(given.truth) / len(given.truth)
    for label, values in enumerate(predictive_values(rates, numbers, own)):
        share, (low, high) = values["ppv"]
        said = given.predicted == label
        assert share == pytest.approx(np.mean(given.truth[said] == label))
        assert low < share < high
    rare = predictive_values(rates, numbers, np.array([0.01, 0.495, 0.495]))
    assert rare[0]["ppv"][0] < predictive_values(rates, numbers, own)[0]["ppv"][0]
    lacking, few = rates_of(given.only(given.truth != 2))
    assert predictive_values(lacking, few, own)[0] == {"ppv": None, "npv": None}


def test_prevalences_sum_to_one_whatever_is_moved():
    moved = with_prevalence({0: 0.2, 1: 0.3, 2: 0.5}, 3, 0, 0.6)
    assert moved.tolist() == pytest.approx([0.6, 0.15, 0.25])
    assert with_prevalence({0: 1.0, 1: 0.0, 2: 0.0}, 3, 0, 0.4).tolist() == pytest.approx(
        [0.4, 0.3, 0.3]
    )


def test_a_matrix_is_expected_at_any_prevalence():
    given = answered()
    rates, _ = rates_of(given)
    counts = expected_counts(rates, np.array([0.9, 0.05, 0.05]))
    assert counts.sum(axis=1) == pytest.approx([900, 50, 50])
    assert expected_counts(rates_of(given.only(given.truth != 2))[0], np.full(3, 1 / 3)) is None


def test_costs_choose_the_answer_that_costs_least():
    given = answered()
    costs = 1.0 - np.eye(3)
    own = np.bincount(given.truth) / len(given.truth)
    value, (low, high) = mean_cost(given, own, costs)
    assert value == pytest.approx(np.mean(given.truth != given.predicted))
    assert low < value < high
    assert cheapest(given, own, costs).predicted.tolist() == given.predicted.tolist()
    costs[0, 1:] = 50  # to miss class a is dear
    dear = cheapest(given, own, costs)
    assert np.mean(dear.predicted == 0) > 0.9
    assert mean_cost(dear, own, costs)[0] < mean_cost(given, own, costs)[0]
    # Where class a never occurs, nobody names it, whatever it costs.
    assert 0 not in cheapest(given, np.array([0, 0.5, 0.5]), costs).predicted
    assert mean_cost(given.only(given.truth != 2), own, costs) is None


def test_mcnemar_is_exact_for_one_image_a_patient_and_clustered_for_more():
    first = np.array([1] * 40 + [1] * 9 + [0] * 2 + [0] * 9, bool)
    second = np.array([1] * 40 + [0] * 9 + [1] * 2 + [0] * 9, bool)
    alone = mcnemar(first, second, np.arange(60))
    assert (alone.only_first, alone.only_second) == (9, 2)
    assert alone.p == pytest.approx(0.06543, abs=1e-4)  # 2 P(X <= 2), X ~ B(11, 1/2)
    # Each image stored thrice tells no more.
    thrice = mcnemar(np.tile(first, 3), np.tile(second, 3), np.tile(np.arange(60), 3))
    assert thrice.p == pytest.approx((1 - 0.9652), abs=2e-3)  # (9 - 2)^2 / 11, chi-squared
    assert mcnemar(first, first, np.arange(60)).p == 1


def test_holm_corrects_as_in_the_textbook():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_subgroups_are_counted_by_patient():
    given = answered(60, 3, 3)
    sexes = ["F" if patient % 2 else "M" for patient in given.patients]
    found = subgroups(given, {"sex": sexes, "view": ["PA"] * 60, "age": [None] * 60})
    assert [(one.value, one.n, one.n_patients, one.is_small) for one in found] == [
        ("F", 30, 10, True),
        ("M", 30, 10, True),
    ]
    assert age_band(59) == "40-59"
    assert age_band(None) is None


def test_the_planner_counts_patients_with_their_design_effect():
    halves = np.full((200, 2), 0.5)
    truth = np.repeat([0, 1], 100)
    said = np.where(np.arange(200) % 4 < 2, 0, 1)  # both X-rays of a patient alike
    single = plan(Answered(halves, said, truth, np.arange(200)), 0)
    assert (single.needed, single.needed_patients) == (385, 385)  # the textbook's number
    double = plan(Answered(halves, said, truth, np.arange(200) // 2), 0)
    assert double.needed > 1.9 * 385
    assert double.needed_patients == pytest.approx(double.needed / 2, abs=1)
    assert plan(Answered(halves, said, np.zeros(200, int), np.arange(200)), 1) is None


def test_calibration_is_one_where_the_probabilities_are_true():
    random = np.random.default_rng(0)
    p = random.uniform(0.02, 0.98, 4000)
    truth = (random.random(4000) < p).astype(np.int64)
    both = np.stack([1 - p, p], axis=1)
    found = calibration_curve(Answered(both, both.argmax(axis=1), truth, np.arange(4000)), 1)
    assert found.slope == pytest.approx(1, abs=0.08)
    assert found.intercept == pytest.approx(0, abs=0.1)
    assert np.abs(found.curve.y - found.curve.x).max() < 0.05
    sure = np.clip(p + (p - 0.5), 0.001, 0.999)
    too_sure = np.stack([1 - sure, sure], axis=1)
    worse = calibration_curve(
        Answered(too_sure, too_sure.argmax(axis=1), truth, np.arange(4000)), 1
    )
    assert worse.slope < 0.7
    assert found.counts.sum() == 4000


def test_doubt_and_net_benefit_count_what_they_say():
    given = answered()
    sets = given.probabilities > 0.3
    found = doubt(given, sets)
    sure = sets.sum(axis=1) == 1
    right = given.predicted == given.truth
    assert found.n_sure == sure.sum()
    assert found.accuracy_of_sure == pytest.approx(right[sure].mean())
    assert found.curve.y[-1] == pytest.approx(1 - right.mean())
    benefit = net_benefit(given, 0)
    called, ill = given.probabilities[:, 0] >= 0.5, given.truth == 0
    at_half = np.argmin(np.abs(benefit.thresholds - 0.5))
    assert benefit.model[at_half] == pytest.approx(
        np.mean(called & ill) - np.mean(called & ~ill), abs=1e-9
    )


def test_a_roc_curve_needs_both_sides():
    given = answered()
    assert roc(given.only(given.truth == 1), 1) is None
    curve = roc(given, 1)
    assert (curve.low <= curve.y + 1e-9).all()
    assert (curve.high >= curve.y - 1e-9).all()
