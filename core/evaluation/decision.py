"""Thresholds, prevalences and costs: what follows from the answers where they are used."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.figures import Answered
from core.evaluation.intervals import Floats, Ints, clustered_share
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
    random = np.random.default_rng(seed)
    drawn = np.stack(
        [
            random.dirichlet(row * number + 0.5, N_DRAWS)
            for row, number in zip(rates, numbers, strict=True)
        ],
        axis=1,
    )  # (draws, C, C)
    return [
        {
            "ppv": _with_interval(_ppv, rates, drawn, prevalence, label),
            "npv": _with_interval(_npv, rates, drawn, prevalence, label),
        }
        for label in range(len(rates))
    ]


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


def expected_matrix(rates: Floats, prevalence: Floats) -> Floats:
    """Return the confusion matrix in shares of all X-rays at other prevalences, (C, C)."""
    return rates * prevalence[:, None]


def mean_cost(rates: Floats, prevalence: Floats, costs: Floats) -> float | None:
    """Return the cost of an X-ray; None where a class has no X-ray.

    Args:
        rates: From `rates_of`, (C, C).
        prevalence: Of each class, (C,).
        costs: Of each answer to each true class, (C, C), 0 on the diagonal.
    """
    total = float((expected_matrix(rates, prevalence) * costs).sum())
    return total if np.isfinite(total) else None


def cheapest_answers(probabilities: Floats, costs: Floats) -> Ints:
    """Return the answers of the least expected cost, (N,)."""
    return np.asarray((probabilities @ costs).argmin(axis=1), np.int64)


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
