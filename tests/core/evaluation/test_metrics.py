import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from sklearn import metrics as oracle

from core.errors import DatasetError, PneumoScopeError
from core.evaluation.metrics import (
    ClassMeasures,
    accuracy,
    confusion_matrix,
    evaluation,
    mean_cross_entropy,
    per_class,
)


@st.composite
def labels(draw):
    """True and predicted labels of 1 to 60 images; some classes may be absent from either."""
    n_classes = draw(st.integers(2, 6))
    n = draw(st.integers(1, 60))
    label = st.integers(0, n_classes - 1)
    truth, predicted = (draw(st.lists(label, min_size=n, max_size=n)) for _ in range(2))
    return np.array(truth), np.array(predicted), n_classes


@st.composite
def scored(draw):
    n, n_classes = draw(st.integers(1, 20)), draw(st.integers(2, 5))
    logits = draw(
        arrays_of.arrays(np.float32, (n, n_classes), elements=st.floats(-50, 50, width=32))
    )
    truth = draw(st.lists(st.integers(0, n_classes - 1), min_size=n, max_size=n))
    return logits, np.array(truth)


def same(found, expected):
    """Ours says None where scikit-learn says nan."""
    if math.isnan(expected):
        return found is None
    return found == pytest.approx(expected, abs=1e-12)


@given(labels())
def test_the_confusion_matrix_is_that_of_scikit_learn(case):
    truth, predicted, n_classes = case
    expected = oracle.confusion_matrix(truth, predicted, labels=range(n_classes))
    found = confusion_matrix(truth, predicted, n_classes)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, expected)


@given(labels())
def test_accuracy_is_that_of_scikit_learn(case):
    truth, predicted, _ = case
    expected = oracle.accuracy_score(truth, predicted)
    assert accuracy(confusion_matrix(*case)) == pytest.approx(expected, abs=1e-12)


@given(labels())
def test_the_measures_of_each_class_are_those_of_scikit_learn(case):
    truth, predicted, n_classes = case
    precision, recall, f1, support = oracle.precision_recall_fscore_support(
        truth, predicted, labels=range(n_classes), zero_division=np.nan
    )
    found = per_class(confusion_matrix(truth, predicted, n_classes))
    assert len(found) == n_classes
    for index, measures in enumerate(found):
        specificity = oracle.recall_score(truth != index, predicted != index, zero_division=np.nan)
        assert measures.n == support[index]
        assert same(measures.sensitivity, recall[index])
        assert same(measures.specificity, specificity)
        assert same(measures.precision, precision[index])
        assert same(measures.f1, f1[index])


@given(scored())
def test_the_loss_is_that_of_scikit_learn(case):
    logits, truth = case
    wide = logits.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    # scikit-learn clips probabilities at the smallest float64 step, so rare ones need room.
    if probabilities[np.arange(len(truth)), truth].min() < 1e-15:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rows that sum to 1 only nearly
        expected = oracle.log_loss(truth, probabilities, labels=range(logits.shape[1]))
    assert mean_cross_entropy(logits, truth) == pytest.approx(expected, abs=1e-6)


@given(scored(), st.floats(-1e4, 1e4))
def test_the_loss_does_not_depend_on_a_shift_of_all_logits(case, shift):
    logits, truth = case
    wide = logits.astype(np.float64)
    assert mean_cross_entropy(wide + shift, truth) == pytest.approx(
        mean_cross_entropy(wide, truth), abs=1e-8
    )


def test_the_loss_of_very_large_logits_is_exact():
    logits = np.array([[1e4, 0.0], [1e4, 0.0]], np.float32)
    assert mean_cross_entropy(logits, np.array([0, 1])) == 5e3


def test_the_loss_of_equal_logits_is_the_logarithm_of_the_number_of_classes():
    assert mean_cross_entropy(np.zeros((3, 4)), np.array([0, 1, 3])) == pytest.approx(math.log(4))


def test_a_class_that_never_occurs_has_no_sensitivity():
    absent = per_class(np.array([[2, 1, 0], [0, 3, 0], [0, 0, 0]]))[2]
    assert absent == ClassMeasures(n=0, sensitivity=None, specificity=1.0, precision=None, f1=None)


def test_a_class_that_is_alone_has_no_specificity():
    alone = per_class(np.array([[3, 1], [0, 0]]))[0]
    assert alone.specificity is None
    assert alone.sensitivity == 0.75


def test_rows_of_the_confusion_are_the_true_classes():
    found = confusion_matrix(np.array([0, 0, 0]), np.array([1, 1, 0]), 2)
    assert found.tolist() == [[1, 2], [0, 0]]


@given(scored())
def test_an_evaluation_holds_together(case):
    logits, truth = case
    result = evaluation(logits, truth)
    predicted = logits.argmax(axis=1)
    assert result.n == len(truth) == result.confusion.sum()
    assert result.accuracy == pytest.approx((predicted == truth).mean())
    assert result.loss == mean_cross_entropy(logits, truth)
    assert sum(measures.n for measures in result.classes) == result.n


def test_an_evaluation_becomes_json_with_the_names_of_the_classes():
    result = evaluation(np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0]]), np.array([0, 1, 1]))
    read = json.loads(json.dumps(result.to_json(["正常肺部", "COVID"]), allow_nan=False))
    assert read["n"] == 3
    assert read["confusion"] == [[1, 0], [1, 1]]
    assert [measures["name"] for measures in read["classes"]] == ["正常肺部", "COVID"]
    assert read["classes"][1]["sensitivity"] == 0.5
    assert read["classes"][1]["precision"] == 1.0


def test_names_must_be_as_many_as_the_classes():
    result = evaluation(np.eye(2), np.array([0, 1]))
    with pytest.raises(ValueError, match="longer"):
        result.to_json(["only one"])


def test_no_images_cannot_be_evaluated():
    with pytest.raises(DatasetError, match="no images"):
        evaluation(np.zeros((0, 3), np.float32), np.zeros(0, np.int64))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_answers_that_are_not_finite_are_not_scored(value):
    logits = np.zeros((4, 2), np.float32)
    logits[1] = value
    with pytest.raises(PneumoScopeError, match="1 of 4 images"):
        evaluation(logits, np.array([0, 1, 0, 1]))


@pytest.mark.parametrize("truth", [[0, 2], [-1, 0], [[0, 1]]])
def test_labels_outside_the_classes_are_refused(truth):
    with pytest.raises(ValueError, match="numbers from 0 to 1"):
        confusion_matrix(np.array(truth), np.array([0, 1]), 2)


def test_labels_and_answers_must_be_as_many():
    with pytest.raises(ValueError, match="do not fit"):
        mean_cross_entropy(np.zeros((3, 2)), np.array([0, 1]))
    with pytest.raises(ValueError, match="3 true labels but 2"):
        confusion_matrix(np.array([0, 1, 1]), np.array([0, 1]), 2)
