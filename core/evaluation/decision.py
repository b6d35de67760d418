"""Thresholds, prevalences and costs: what follows from the answers where they are used."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.figures import Answered
from core.evaluation.intervals import Floats, clustered_share
from core.models.operating_point import LEAST_THRESHOLD, MOST_THRESHOLD
from core.statistics import Interval

N_DRAWS: Final = 2000


def threshold_for_sensitivity(
    answered: Answered, thresholds: Floats, label: int, sensitivity: float
) -> float | None:
    """Return the largest threshold of a class with at least this sensitivity, others as they are.

    Args:
        answered: Answers to validation X-rays.
        thresholds: Of all classes, (C,).
        label: The class.
        sensitivity: 0 to 1.

    Returns:
        None: the class has no X-ray, or no threshold gives as much.
    """
    of_class = answered.probabilities[answered.truth == label]
    if not len(of_class):
        return None
    rivals = np.delete(of_class / thresholds, label, axis=1).max(axis=1)
    # The class wins where p / t is at least the best of the others.
    limits = np.sort(of_class[:, label] / np.maximum(rivals, 1e-12))[::-1]
    needed = int(np.ceil(sensitivity * len(limits) - 1e-9))
    found = MOST_THRESHOLD if needed == 0 else float(limits[needed - 1]) * (1 - 1e-9)
    return min(found, MOST_THRESHOLD) if found >= LEAST_THRESHOLD else None


def rates_of(answered: Answered) -> tuple[Floats, Floats]:
    """Return how often each true class is given each answer, (C, C), and effective numbers, (C,).

    A class without an X-ray has a row of NaN.
    """
    c = answered.n_classes
    rates, numbers = np.full((c, c), np.nan), np.zeros(c)
    for label in range(c):
        members = answered.truth == label
        if not members.any():
            continue
        rates[label] = np.bincount(answered.predicted[members], minlength=c) / members.sum()
        found = clustered_share((answered.predicted == label)[members], answered.patients[members])
        numbers[label] = found.n / found.design_effect
    return rates, numbers


def predictive_values(
    rates: Floats, numbers: Floats, prevalence: Floats, seed: int = 0
) -> list[dict[str, tuple[float, Interval] | None]]:
    """Return PPV and NPV of each class at other prevalences, with 95 % intervals.

    The intervals are quantiles of draws of the rates (Dirichlet, Jeffreys' prior, effective
    numbers of X-rays).

    Args:
        rates: From `rates_of`, (C, C).
        numbers: Likewise, (C,).
        prevalence: Of each class, (C,), sums to 1.
        seed: The same seed gives the same intervals.
    """
    if not np.isfinite(rates).all():
        return [{"ppv": None, "npv": None} for _ in numbers]
    drawn = _drawn(rates, numbers, seed)
    return [
        {
            "ppv": _with_interval(_ppv, rates, drawn, prevalence, label),
            "npv": _with_interval(_npv, rates, drawn, prevalence, label),
        }
        for label in range(len(rates))
    ]


def _drawn(rates: Floats, numbers: Floats, seed: int) -> Floats:
    """Draw rates as they may truly be, (draws, C, C)."""
    random = np.random.default_rng(seed)
    rows = zip(rates, numbers, strict=True)
    return np.stack([random.dirichlet(row * number + 0.5, N_DRAWS) for row, number in rows], axis=1)


def _with_interval(
    value: Any, rates: Floats, drawn: Floats, prevalence: Floats, label: int
) -> tuple[float, Interval] | None:
    found = float(value(rates, prevalence, label))
    if not np.isfinite(found):
        return None
    low, high = np.quantile(value(drawn, prevalence, label), [0.025, 0.975])
    return found, (min(float(low), found), max(float(high), found))


def _ppv(rates: Floats, prevalence: Floats, label: int) -> Floats:
    called = rates[..., :, label] * prevalence
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(called[..., label] / called.sum(axis=-1))


def _npv(rates: Floats, prevalence: Floats, label: int) -> Floats:
    others = (1 - rates[..., :, label]) * prevalence
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - others[..., label] / others.sum(axis=-1))


def expected_counts(rates: Floats, prevalence: Floats, n: int = 1000) -> Floats | None:
    """Return the confusion matrix of `n` X-rays at other prevalences, (C, C), rows true.

    None where a class has no X-ray.
    """
    counts = rates * prevalence[:, None] * n
    return counts if np.isfinite(counts).all() else None


def mean_cost(
    answered: Answered, prevalence: Floats, costs: Floats, seed: int = 0
) -> tuple[float, Interval] | None:
    """Return the mean cost of an X-ray with its 95 % interval; None where a class has no X-ray.

    Args:
        answered: N answers.
        prevalence: Of each class where the model is used, (C,), sums to 1.
        costs: Of each answer (column) to each true class (row), (C, C), 0 on the diagonal.
        seed: As for `predictive_values`, whose draws these are.
    """
    rates, numbers = rates_of(answered)
    if not np.isfinite(rates).all():
        return None
    weights = prevalence[:, None] * costs
    found = float((rates * weights).sum())
    drawn = (_drawn(rates, numbers, seed) * weights).sum(axis=(1, 2))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return found, (min(float(low), found), max(float(high), found))


def cheapest(answered: Answered, prevalence: Floats, costs: Floats) -> Answered:
    """Return the answers of the least expected cost (Elkan, IJCAI 2001).

    Args:
        answered: N answers, whose probabilities hold for the classes' shares among them.
        prevalence: As for `mean_cost`; the probabilities are brought to it.
        costs: Likewise.
    """
    own = np.bincount(answered.truth, minlength=answered.n_classes) / len(answered.truth)
    ratio = np.divide(prevalence, own, out=np.zeros_like(own), where=own > 0)
    # Its sum does not matter for which cost is least.
    expected = (answered.probabilities * ratio) @ costs
    return replace(answered, predicted=np.asarray(expected.argmin(axis=1), np.int64))


def with_prevalence(
    shares: Mapping[int, float], n_classes: int, moved: int, share: float
) -> NDArray[np.float64]:
    """Set one class's prevalence and scale the others so that all sum to 1.

    Args:
        shares: Class -> prevalence before.
        n_classes: C.
        moved: The class that is set.
        share: Its new prevalence, 0 to 1.
    """
    values = np.array([shares[label] for label in range(n_classes)], np.float64)
    others = values.sum() - values[moved]
    if others > 0:
        values *= (1 - share) / others
    else:
        values[:] = (1 - share) / (n_classes - 1)
    values[moved] = share
    return values
