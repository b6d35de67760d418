"""Every figure of an evaluation with its interval, method and number of images and patients.

A figure that cannot be computed says why; none is ever shown as 0 or nan.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import Message
from core.evaluation.intervals import (
    N_DRAWS,
    Floats,
    Ints,
    area_under_curve,
    bootstrap_interval,
    clustered_share,
    per_patient,
)
from core.statistics import Interval

LEAST_PATIENTS: Final = 20  # of each class, for the interval of a figure over all classes
LEAST_ERRORS: Final = 5
PRIMARY: Final = ("sensitivity", "specificity", "auroc", "balanced_accuracy")
SEED: Final = 20260101  # of the bootstrap: the same answers give the same intervals

_NO_POSITIVE = Message("no X-ray of this class")
_NO_NEGATIVE = Message("no X-ray of another class")
_NEVER_NAMED = Message("the model never named this class")
_NEVER_OTHER = Message("the model named this class for every X-ray")
_NOT_FINITE = Message("the model's answers are no finite numbers")
_MISSING_CLASS = Message("a class has no X-ray")
_FEW_PATIENTS = Message("too few patients for an interval")
_FEW_ERRORS = Message("too few errors for an interval")
_UNSTABLE = Message("not defined when other patients are drawn")

_WILSON = Message("Wilson")
_WILSON_CLUSTERED = Message("Wilson, design effect {effect}")
_DELONG = Message("DeLong, logit scale")
_OBUCHOWSKI = Message("Obuchowski (clustered), logit scale")
_ONE_SIDED = Message("one-sided 95% bound")
_BOOTSTRAP = Message("bootstrap over patients, bias-corrected and accelerated")


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers to images whose classes and patients are known."""

    probabilities: Floats  # (N, C), rows sum to 1
    predicted: Ints  # (N,)
    truth: Ints  # (N,)
    patients: Ints  # (N,), numbers that only tell them apart

    @property
    def n_classes(self) -> int:
        """The number of classes."""
        return self.probabilities.shape[1]

    def only(self, chosen: NDArray[Any]) -> "Answered":
        """Return the answers of an index or mask."""
        return Answered(
            self.probabilities[chosen],
            self.predicted[chosen],
            self.truth[chosen],
            self.patients[chosen],
        )


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one class, or of all."""

    name: str  # such as "sensitivity"
    label: int | None  # of the class; None: of all
    value: float | None
    interval: Interval | None
    method: Message | None  # of the interval
    n: int  # images
    n_patients: int
    missing: Message | None = None  # why there is no value, or no interval

    def to_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "figure": self.name,
            "class": None if self.label is None else classes[self.label],
            "value": self.value,
            "low": self.interval[0] if self.interval else None,
            "high": self.interval[1] if self.interval else None,
            "method": None if self.method is None else str(self.method),
            "n": self.n,
            "patients": self.n_patients,
            "missing": None if self.missing is None else str(self.missing),
        }


def figures(answered: Answered) -> Iterator[Figure]:
    """Yield all figures, those of the classes first, as they are computed."""
    for label in range(answered.n_classes):
        yield from class_figures(answered, label)
    yield from overall_figures(answered)


def class_figures(answered: Answered, label: int) -> Iterator[Figure]:
    """Yield the figures of one class against the rest."""
    truth, predicted = answered.truth == label, answered.predicted == label
    yield _share(answered, "sensitivity", label, predicted, truth, _NO_POSITIVE)
    yield _share(answered, "specificity", label, ~predicted, ~truth, _NO_NEGATIVE)
    yield _area(answered, label)
    yield _share(answered, "ppv", label, truth, predicted, _NEVER_NAMED)
    yield _share(answered, "npv", label, ~truth, ~predicted, _NEVER_OTHER)
    yield _f1(answered, label)
    yield _average_precision(answered, label)


def overall_figures(answered: Answered) -> Iterator[Figure]:
    """Yield the figures over all classes."""
    everyone = np.ones(len(answered.truth), np.bool_)
    hits = answered.predicted == answered.truth
    yield _share(answered, "accuracy", None, hits, everyone, _MISSING_CLASS)
    yield from _macro(answered)
    yield from _losses(answered)


def _empty(
    answered: Answered, name: str, label: int | None, missing: Message, n: int = 0
) -> Figure:
    return Figure(name, label, None, None, None, n, 0, missing)


def _share(
    answered: Answered,
    name: str,
    label: int | None,
    hits: NDArray[np.bool_],
    among: NDArray[np.bool_],
    missing: Message,
) -> Figure:
    if not among.any():
        return _empty(answered, name, label, missing)
    found = clustered_share(hits[among], answered.patients[among])
    method = _WILSON
    if found.n_patients < found.n:
        method = Message(_WILSON_CLUSTERED.template, effect=f"{found.design_effect:.2f}")
    return Figure(name, label, found.value, found.interval, method, found.n, found.n_patients)


def _area(answered: Answered, label: int) -> Figure:
    positive, scores = answered.truth == label, answered.probabilities[:, label]
    for is_missing, why in ((not positive.any(), _NO_POSITIVE), (positive.all(), _NO_NEGATIVE)):
        if is_missing:
            return _empty(answered, "auroc", label, why)
    if not np.isfinite(scores).all():
        return _empty(answered, "auroc", label, _NOT_FINITE)
    area, n = area_under_curve(scores, positive, answered.patients), len(scores)
    if math.isnan(area.standard_error):
        return Figure("auroc", label, area.value, None, None, n, area.n_patients, _FEW_PATIENTS)
    method = _DELONG if area.n_patients == n else _OBUCHOWSKI
    if area.is_one_sided:
        method = _ONE_SIDED
    return Figure("auroc", label, area.value, area.interval, method, n, area.n_patients)


def _f1(answered: Answered, label: int) -> Figure:
    truth, predicted = answered.truth == label, answered.predicted == label
    if not truth.any():
        return _empty(answered, "f1", label, _NO_POSITIVE)
    counts = np.stack([truth & predicted, truth, predicted], axis=1).astype(np.float64)

    def f1(sums: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2 * sums[..., 0] / (sums[..., 1] + sums[..., 2])

    return _bootstrapped(answered, "f1", label, counts, f1, truth, truth & ~predicted)


def _average_precision(answered: Answered, label: int) -> Figure:
    from sklearn.metrics import average_precision_score

    truth, scores = answered.truth == label, answered.probabilities[:, label]
    if not truth.any():
        return _empty(answered, "average_precision", label, _NO_POSITIVE)
    if not np.isfinite(scores).all():
        return _empty(answered, "average_precision", label, _NOT_FINITE)
    value = float(average_precision_score(truth, scores))
    n, n_patients = len(truth), len(np.unique(answered.patients))
    return Figure("average_precision", label, value, None, None, n, n_patients)


def _bootstrapped(
    answered: Answered,
    name: str,
    label: int | None,
    counts: Floats,
    statistic: Callable[[Floats], Floats],
    members: NDArray[np.bool_],
    errors: NDArray[np.bool_],
) -> Figure:
    """Give a figure of summed counts its interval where there is enough to draw from."""
    value = float(statistic(counts.sum(axis=0)))
    n, n_patients = len(counts), len(np.unique(answered.patients))
    if len(np.unique(answered.patients[members])) < LEAST_PATIENTS:
        return Figure(name, label, value, None, None, n, n_patients, _FEW_PATIENTS)
    if errors.sum() < LEAST_ERRORS:
        return Figure(name, label, value, None, None, n, n_patients, _FEW_ERRORS)
    drawn = per_patient(counts, answered.patients)
    interval = bootstrap_interval(drawn, statistic, SEED, N_DRAWS)
    if interval is None:
        return Figure(name, label, value, None, None, n, n_patients, _UNSTABLE)
    return Figure(name, label, value, interval, _BOOTSTRAP, n, n_patients)


def _class_counts(answered: Answered) -> Floats:
    """Return for each image, by class: answered correctly, of it, and named, (N, 3 C).

    The whole confusion matrix would take a million columns for a thousand classes.
    """
    n, c = len(answered.truth), answered.n_classes
    rows, counts = np.arange(n), np.zeros((n, 3 * c))
    hits = answered.truth == answered.predicted
    counts[rows[hits], answered.truth[hits]] = 1
    counts[rows, c + answered.truth] = 1
    counts[rows, 2 * c + answered.predicted] = 1
    return counts


def _macro(answered: Answered) -> Iterator[Figure]:
    c = answered.n_classes
    names = ("balanced_accuracy", "macro_f1")
    if len(np.unique(answered.truth)) < c:
        yield from (_empty(answered, name, None, _MISSING_CLASS) for name in names)
        return

    def balanced(sums: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (sums[..., :c] / sums[..., c : 2 * c]).mean(axis=-1)

    def macro_f1(sums: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            ratios = 2 * sums[..., :c] / (sums[..., c : 2 * c] + sums[..., 2 * c :])
        return ratios.mean(axis=-1)

    wrong = answered.predicted != answered.truth
    fewest = min(range(c), key=lambda k: len(np.unique(answered.patients[answered.truth == k])))
    calmest = min(range(c), key=lambda k: int((wrong & (answered.truth == k)).sum()))
    members, errors = answered.truth == fewest, wrong & (answered.truth == calmest)
    counts = _class_counts(answered)
    for name, statistic in zip(names, (balanced, macro_f1), strict=True):
        yield _bootstrapped(answered, name, None, counts, statistic, members, errors)


def _losses(answered: Answered) -> Iterator[Figure]:
    """Yield log loss and Brier score, the latter over all classes (0 to 2)."""
    names = ("log_loss", "brier")
    if not np.isfinite(answered.probabilities).all():
        yield from (_empty(answered, name, None, _NOT_FINITE) for name in names)
        return
    rows = np.arange(len(answered.truth))
    likelihood = np.clip(answered.probabilities[rows, answered.truth], 1e-15, 1)
    hits = np.zeros_like(answered.probabilities)
    hits[rows, answered.truth] = 1
    each = (-np.log(likelihood), ((answered.probabilities - hits) ** 2).sum(axis=1))
    for name, values in zip(names, each, strict=True):
        counts = np.stack([values, np.ones(len(values))], axis=1)
        everyone = np.ones(len(values), np.bool_)
        yield _bootstrapped(answered, name, None, counts, _mean, everyone, everyone)


def _mean(sums: Floats) -> Floats:
    return sums[..., 0] / sums[..., 1]
