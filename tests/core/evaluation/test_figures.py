import time

import numpy as np
import pytest
from sklearn import metrics

from core.evaluation.figures import Answered, Figure, figures


def answered(n: int = 400, c: int = 3, per_patient: int = 2, seed: int = 0) -> Answered:
    """Draw answers that are right more often than not."""
    random = np.random.default_rng(seed)
    truth = np.sort(random.integers(0, c, n))
    logits = random.normal(size=(n, c)) + 1.5 * np.eye(c)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Answered(probabilities, probabilities.argmax(axis=1), truth, np.arange(n) // per_patient)


def by_name(found: Answered) -> dict[tuple[str, int | None], Figure]:
    return {(one.name, one.label): one for one in figures(found)}


def test_values_are_scikit_learns():
    given = answered()
    found = by_name(given)
    truth, predicted, p = given.truth, given.predicted, given.probabilities
    for label in range(3):
        is_one, said = truth == label, predicted == label
        expected = {
            "sensitivity": metrics.recall_score(is_one, said),
            "specificity": metrics.recall_score(~is_one, ~said),
            "ppv": metrics.precision_score(is_one, said),
            "npv": metrics.precision_score(~is_one, ~said),
            "f1": metrics.f1_score(is_one, said),
            "auroc": metrics.roc_auc_score(is_one, p[:, label]),
            "average_precision": metrics.average_precision_score(is_one, p[:, label]),
        }
        for name, value in expected.items():
            assert found[name, label].value == pytest.approx(value), name
    assert found["balanced_accuracy", None].value == pytest.approx(
        metrics.balanced_accuracy_score(truth, predicted)
    )
    assert found["macro_f1", None].value == pytest.approx(
        metrics.f1_score(truth, predicted, average="macro")
    )
    assert found["log_loss", None].value == pytest.approx(metrics.log_loss(truth, p))
    assert found["brier", None].value == pytest.approx(
        sum(metrics.brier_score_loss(truth == label, p[:, label]) for label in range(3))
    )
    for one in found.values():
        if one.interval is not None:
            assert one.interval[0] <= one.value <= one.interval[1], one


@pytest.mark.parametrize(
    ("change", "name", "label", "why"),
    [
        ("no class 2", "sensitivity", 2, "no X-ray of this class"),
        ("no class 2", "balanced_accuracy", None, "a class has no X-ray"),
        ("class 2 alone", "specificity", 2, "no X-ray of another class"),
        ("never named", "ppv", 2, "never named"),
        ("one image", "auroc", 0, "no X-ray of another class"),
        ("one patient", "balanced_accuracy", None, "too few patients"),
        ("nan", "auroc", 1, "no finite numbers"),
        ("nan", "log_loss", None, "no finite numbers"),
        ("right", "balanced_accuracy", None, "too few errors"),
    ],
)
def test_what_cannot_be_computed_says_why(change, name, label, why):
    given = answered()
    p, predicted, truth, patients = (
        given.probabilities.copy(),
        given.predicted.copy(),
        given.truth.copy(),
        given.patients.copy(),
    )
    match change:
        case "no class 2":
            given = given.only(truth != 2)
        case "class 2 alone":
            given = given.only(truth == 2)
        case "never named":
            given = Answered(p, np.minimum(predicted, 1), truth, patients)
        case "one image":
            given = given.only([0])
        case "one patient":
            given = Answered(p, predicted, truth, patients * 0)
        case "nan":
            given = Answered(p * np.nan, predicted, truth, patients)
        case "right":
            given = Answered(p, truth, truth, patients)
    found = by_name(given)[name, label]
    assert why in str(found.missing)
    assert found.interval is None
    values = found.to_json(("a", "b", "c"))
    assert values["value"] is None or np.isfinite(values["value"])


def test_ties_and_one_image_a_patient_have_their_methods():
    given = answered(per_patient=1)
    flat = Answered(np.full((400, 3), 1 / 3), given.predicted, given.truth, given.patients)
    assert by_name(flat)["auroc", 0].value == 0.5
    found = by_name(given)
    assert "DeLong" in str(found["auroc", 0].method)
    assert str(found["sensitivity", 0].method) == "Wilson"
    assert "Obuchowski" in str(by_name(answered())["auroc", 0].method)


@pytest.mark.slow
def test_ten_thousand_images_of_ten_classes_take_seconds():
    given = answered(10_000, 10)
    start = time.process_time()
    assert len(list(figures(given))) == 10 * 7 + 5
    assert time.process_time() - start < 10
