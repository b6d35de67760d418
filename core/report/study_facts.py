"""An evaluation as plain numbers and as tables, for JSON and CSV."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from core.data.unpacked import showable
from core.errors import Message
from core.evaluation.comparison import HALF_WIDTH, ModelComparison, Subgroup
from core.evaluation.curves import CalibrationCurve, Curve
from core.evaluation.elsewhere import Count
from core.evaluation.figures import PRIMARY, Figure
from core.evaluation.intervals import Area, Share
from core.evaluation.lung_tests import LungTests
from core.evaluation.study import Answer, Study
from core.statistics import Interval

FIGURE_NAMES = {
    "sensitivity": Message("Sensitivity"),
    "specificity": Message("Specificity"),
    "auroc": Message("AUROC"),
    "ppv": Message("PPV"),
    "npv": Message("NPV"),
    "f1": Message("F1"),
    "average_precision": Message("Average precision"),
    "accuracy": Message("Accuracy"),
    "balanced_accuracy": Message("Balanced accuracy"),
    "macro_f1": Message("Mean F1 of the classes"),
    "log_loss": Message("Log loss"),
    "brier": Message("Brier score"),
}

_PROPERTY_NAMES = {
    "sex": Message("sex"),
    "age": Message("age"),
    "view": Message("projection"),
    "maker": Message("maker"),
    "source": Message("source"),
    "format": Message("file format"),
    "size": Message("size"),
}
_SIZES = {"small": Message("small"), "large": Message("large")}
FLOW_COLUMNS = (Message("Part"), Message("Class"), Message("X-rays"), Message("Patients"))
PART_NAMES = {
    "train": Message("training"),
    "validation": Message("validation"),
    "test": Message("test"),
    "kept": Message("kept apart"),
    "unknown": Message("of no part"),
}


def study_json(study: Study) -> dict[str, Any]:
    """Return every figure with method and interval, curves and lists as plain JSON types."""
    return {
        "figures": [
            {**one.to_json(study.classes), "primary": one.name in PRIMARY} for one in study.figures
        ],
        "patients_known": study.are_patients_known,
        "flow": {
            "found": study.flow.n_found,
            "refused": study.flow.n_refused,
            "duplicates": study.flow.n_duplicates,
            "left_out": study.flow.n_left_out,
            "of_other_parts": study.flow.n_not_chosen,
            "used": study.flow.n_used,
            "parts": [
                {
                    "part": one.part,
                    "class": one.name,
                    "n": one.n,
                    "patients": one.n_patients,
                }
                for one in study.flow.parts
            ],
        },
        "curves": {
            "roc": _by_class(study, study.roc),
            "precision_recall": _by_class(study, study.precision_recall),
        },
        "calibration": {
            "before": _calibrations(study, study.calibration_before),
            "after": _calibrations(study, study.calibration),
            "ece_before": study.ece[0],
            "ece_after": study.ece[1],
        },
        "not_sure": {
            "n": study.doubt.n,
            "n_sure": study.doubt.n_sure,
            "accuracy": study.doubt.accuracy,
            "accuracy_of_sure": study.doubt.accuracy_of_sure,
            "set_coverage": {
                name: {"covered": covered, "n": n}
                for name, (covered, n) in zip(study.classes, study.doubt.coverage, strict=True)
            },
            "risk_coverage": _points(study.doubt.curve),
        },
        "operating_point": study.operating_point.to_json(),
        "subgroups": [
            {
                "property": one.name,
                "value": one.value,
                "n": one.n,
                "patients": one.n_patients,
                "small": one.is_small,
                "figures": [figure.to_json(study.classes) for figure in one.figures],
            }
            for one in study.subgroups
        ],
        "hard_cases": {
            "confident_mistakes": [_answer(study, one) for one in study.mistakes],
            "unsure_hits": [_answer(study, one) for one in study.unsure_hits],
            "training": None
            if study.training is None
            else {
                "n": study.training.n,
                "highest_loss": [_answer(study, one) for one in study.training.highest_loss],
                "classes_told_without_lungs": list(study.training.confounded),
            },
        },
        "planner": [
            {
                "class": study.classes[one.label],
                "sensitivity": one.sensitivity,
                "n": one.n,
                "patients": one.n_patients,
                "half_width": HALF_WIDTH,
                "needed": one.needed,
                "needed_patients": one.needed_patients,
            }
            for one in study.plans
        ],
        "lung_tests": None if study.lungs is None else lungs_json(study.lungs, study.classes),
        "elsewhere": [
            {
                "dataset": one.dataset or None,
                "accuracy": _count(one.right),
                "sensitivity": {
                    name: _count(count)
                    for name, count in zip(study.classes, one.classes, strict=True)
                },
                "difference": None
                if one.difference is None
                else {
                    "value": one.difference[0],
                    "low": one.difference[1][0],
                    "high": one.difference[1][1],
                    "method": "Newcombe",
                },
                "acquisition": None if one.acquisition is None else str(one.acquisition),
            }
            for one in study.places
        ],
        "comparison": None if study.comparison is None else comparison_json(study.comparison),
        "repeats": None if study.spread is None else study.spread.to_json(),
        "learning_curve": None if study.learning is None else study.learning.to_json(),
        "splits": None if study.splits is None else study.splits.to_json(),
    }


def _by_class(study: Study, curves: Sequence[Curve | None]) -> dict[str, Any]:
    pairs = zip(study.classes, curves, strict=True)
    return {name: None if curve is None else _points(curve) for name, curve in pairs}


def _points(curve: Curve) -> dict[str, list[float] | None]:
    return {
        "x": curve.x.tolist(),
        "y": curve.y.tolist(),
        "low": None if curve.low is None else curve.low.tolist(),
        "high": None if curve.high is None else curve.high.tolist(),
    }


def _calibrations(study: Study, curves: Sequence[CalibrationCurve | None]) -> dict[str, Any]:
    return {
        name: None
        if one is None
        else {
            **_points(one.curve),
            "slope": one.slope,
            "intercept": one.intercept,
            "counts": one.counts.tolist(),
            "positives": one.positives.tolist(),
        }
        for name, one in zip(study.classes, curves, strict=True)
    }


def _answer(study: Study, one: Answer) -> dict[str, Any]:
    return {
        "file": showable(one.name),
        "true_class": study.classes[one.truth],
        "predicted": study.classes[one.predicted],
        "probability": one.probability,
        "loss": one.loss,
        "shortcut_score": one.shortcut,
        "nearest_training": [
            {"file": showable(near.name), "class": study.classes[near.label], "sha256": near.digest}
            for near in one.nearest
        ],
    }


def lungs_json(lungs: LungTests, classes: Sequence[str]) -> dict[str, Any]:
    """Return the lung tests as plain JSON types."""
    return {
        "n": lungs.n_films,
        "n_without_reliable_lungs": lungs.n_without_lungs,
        "chance": lungs.chance,
        "removed": [
            {
                "kept": one.kept,
                "fill": one.fill,
                "right": _share(one.right),
                "same_answer": _share(one.same_answer),
                "auroc": {
                    name: None if area is None else _area(area)
                    for name, area in zip(classes, one.areas, strict=True)
                },
            }
            for one in lungs.removals
        ],
        "swapped": [
            {
                "same_class": one.is_control,
                "followed_frame": _share(one.followed_frame),
                "followed_lungs": _share(one.followed_lungs),
            }
            for one in lungs.swaps
        ],
        "probes": [
            {
                "class": classes[one.label],
                "asked": one.asked,
                "n": one.n,
                "auroc": _area(one.area),
                "control": _area(one.control),
                "fails": one.fails,
            }
            for one in lungs.probes
        ],
        "retrained": None
        if lungs.retrained is None
        else {
            "n_train": lungs.retrained.n_train,
            "n_without_reliable_lungs": lungs.retrained.n_without_lungs,
            "right": _share(lungs.retrained.right),
            "chance": lungs.retrained.chance,
            "auroc": {
                name: None if area is None else _area(area)
                for name, area in zip(classes, lungs.retrained.areas, strict=True)
            },
        },
        "failed": list(lungs.failed),
        "told_without_lungs": [classes[label] for label in lungs.told_without_lungs],
        "summary": str(lungs.summary),
    }


def comparison_json(found: ModelComparison) -> dict[str, Any]:
    """Return the comparison of models as plain JSON types."""
    return {
        "models": [{"model": one.name, "accuracy": _share(one.right)} for one in found.models],
        "n_left_out": found.n_left_out,
        "pairs": [
            {
                "first": found.models[one.first].name,
                "second": found.models[one.second].name,
                "only_first_right": one.test.only_first,
                "only_second_right": one.test.only_second,
                "p": one.test.p,
                "p_corrected": one.corrected,
                "method": str(one.test.method),
            }
            for one in found.pairs
        ],
    }


def comparison_rows(study: Study) -> Iterator[list[str]]:
    """Yield each two of the compared models, the head first; nothing where none were compared."""
    found = study.comparison
    if found is None:
        return
    for number, pair in enumerate(comparison_json(found)["pairs"]):
        if not number:
            yield list(pair)
        yield [_cell(value) for value in pair.values()]


def spread_rows(study: Study) -> Iterator[list[str]]:
    """Yield how each figure varies between seeds, the head first; nothing where that is unknown."""
    if study.spread is None:
        return
    yield ["figure", "class", "mean", "sd", "min", "max", "models"]
    for one in study.spread.to_json()["spread"]:
        yield [*map(_cell, one.values()), str(len(study.spread.repeats))]


def learning_rows(study: Study) -> Iterator[list[str]]:
    """Yield the figures by the number of training patients, the head first; or nothing."""
    if study.learning is None:
        return
    yield ["training patients", "training X-rays", "figure", "class", "value", "low", "high"]
    for model in study.learning.to_json()["models"]:
        for one in model["figures"]:
            values = [one[key] for key in ("figure", "class", "value", "low", "high")]
            yield [str(model["train_patients"]), str(model["n_train"]), *map(_cell, values)]


def _count(one: Count) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {"value": one.value, "low": low, "high": high, "n": one.n}


def count_text(one: Count) -> str:
    """Return a share as "0.885 (0.691–0.963)", or a dash where there is no X-ray."""
    if one.value is None or one.interval is None:
        return "–"
    low, high = one.interval
    return f"{one.value:.3f} ({low:.3f}–{high:.3f})"


def difference_text(found: tuple[float, Interval] | None) -> str:
    """Return a difference as "-0.120 (-0.180 to -0.060)", or a dash."""
    if found is None:
        return "–"
    value, (low, high) = found
    return f"{value:+.3f} ({low:+.3f} – {high:+.3f})"


def place_rows(study: Study) -> Iterator[list[str]]:
    """Yield the tests of the model at home and elsewhere, the head first; or nothing."""
    if study.places:
        yield ["dataset", "X-rays", "accuracy", *study.classes, "difference", "acquisition"]
    for one in study.places:
        yield [
            one.dataset or "own test",
            str(one.right.n),
            count_text(one.right),
            *map(count_text, one.classes),
            difference_text(one.difference),
            "" if one.acquisition is None else str(one.acquisition),
        ]


def split_rows(study: Study) -> Iterator[list[str]]:
    """Yield the accuracy by patient and by image for each seed, the head first; or nothing."""
    if study.splits is None:
        return
    yield ["seed", "accuracy by patient", "accuracy by image", "test X-rays", "leaking"]
    for one in study.splits.to_json()["pairs"]:
        yield [_cell(value) for value in one.values()]


def p_text(p: float) -> str:
    """Return a p-value as papers print it."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def share_text(one: Share) -> str:
    """Return a share as "0.885 (0.691–0.963)"."""
    low, high = one.interval
    return f"{one.value:.3f} ({low:.3f}–{high:.3f})"


def _share(one: Share) -> dict[str, Any]:
    low, high = one.interval
    return {"value": one.value, "low": low, "high": high, "n": one.n, "patients": one.n_patients}


def _area(one: Area) -> dict[str, Any]:
    low, high = one.interval
    return {"value": one.value, "low": low, "high": high, "patients": one.n_patients}


def figure_rows(study: Study) -> Iterator[list[str]]:
    """Yield the table of all figures, its head first."""
    yield ["figure", "class", "value", "low", "high", "method", "n", "patients", "missing"]
    for one in study.figures:
        values = one.to_json(study.classes)
        yield [_cell(value) for value in values.values()]


def confusion_rows(study: Study) -> Iterator[list[str]]:
    """Yield the confusion matrix, its head first: rows true, columns predicted."""
    yield ["true class", *study.classes]
    counts = confusion(study)
    for name, row in zip(study.classes, counts.tolist(), strict=True):
        yield [name, *map(str, row)]


def confusion(study: Study) -> Any:
    """Return the counts of each true and predicted class, (C, C)."""
    c = study.answered.n_classes
    counts = np.zeros((c, c), np.int64)
    np.add.at(counts, (study.answered.truth, study.answered.predicted), 1)
    return counts


def answer_rows(study: Study) -> Iterator[list[str]]:
    """Yield a row for each X-ray, its head first."""
    yield ["file", "true class", "predicted", "probability", "sure", *study.classes]
    for row, one in enumerate(study.answers):
        yield [
            showable(one.name),
            study.classes[one.truth],
            study.classes[one.predicted],
            _cell(one.probability),
            "yes" if one.is_sure else "no",
            *(_cell(value) for value in study.answered.probabilities[row].tolist()),
        ]


def case_rows(study: Study) -> Iterator[list[str]]:
    """Yield the hard cases, the head first."""
    yield [
        "list",
        "file",
        "true class",
        "predicted",
        "probability",
        "loss",
        "shortcut score",
        "nearest training X-rays",
    ]
    training = () if study.training is None else study.training.highest_loss
    for title, cases in (
        ("confident mistakes", study.mistakes),
        ("least sure right answers", study.unsure_hits),
        ("training, highest loss", training),
    ):
        for one in cases:
            near = [f"{showable(each.name)} ({study.classes[each.label]})" for each in one.nearest]
            yield [
                title,
                showable(one.name),
                study.classes[one.truth],
                study.classes[one.predicted],
                _cell(one.probability),
                _cell(one.loss),
                _cell(one.shortcut),
                "; ".join(near),
            ]


def flow_rows(study: Study) -> Iterator[list[str]]:
    """Yield X-rays and patients by part and class, the head first."""
    yield ["part", "class", "X-rays", "patients"]
    for one in study.flow.parts:
        yield [one.part, showable(one.name), str(one.n), str(one.n_patients)]


def property_name(one: Subgroup) -> Message:
    """Name the property that a subgroup shares."""
    return _PROPERTY_NAMES[one.name]


def property_value(one: Subgroup) -> Message | str:
    """Name the value of it, which may be a text of the dataset."""
    return _SIZES[one.value] if one.name == "size" else one.value


def subgroup_rows(study: Study) -> Iterator[list[str]]:
    """Yield the accuracy of each subgroup, the head first."""
    yield ["property", "value", "X-rays", "patients", "accuracy", "low", "high"]
    for one in study.subgroups:
        for figure in one.figures:
            low, high = figure.interval or (None, None)
            yield [
                one.name,
                one.value,
                str(one.n),
                str(one.n_patients),
                *(_cell(value) for value in (figure.value, low, high)),
            ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def figure_text(one: Figure | None) -> str:
    """Return a figure as "0.885 (0.691 to 0.963)", or a dash where there is none."""
    if one is None or one.value is None:
        return "–"
    if one.interval is None:
        return f"{one.value:.3f}"
    low, high = one.interval
    return f"{one.value:.3f} ({low:.3f}–{high:.3f})"
