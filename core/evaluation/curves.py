"""Curves of an evaluation: ROC, precision-recall, calibration, doubt, and net benefit."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.evaluation.figures import Answered
from core.evaluation.intervals import Floats, Ints, clustered_share

MOST_POINTS: Final = 200  # of a drawn curve
_N_GRID: Final = 41
_LEAST_WEIGHT: Final = 5.0  # images: where fewer lie near, the calibration curve is not drawn
_FAR: Final = 30.0  # of a logit
N_BINS: Final = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of a curve, with a band where it has one."""

    x: Floats
    y: Floats
    low: Floats | None = None
    high: Floats | None = None


def roc(answered: Answered, label: int) -> Curve | None:
    """Return sensitivity over 1 - specificity, with the interval of each sensitivity.

    None where the class or the rest has no image.
    """
    from sklearn.metrics import roc_curve

    positive, scores = answered.truth == label, answered.probabilities[:, label]
    if positive.all() or not positive.any() or not np.isfinite(scores).all():
        return None
    across, up, limits = roc_curve(positive, scores, drop_intermediate=True)
    chosen = _some(len(across))
    of_positives, patients = scores[positive], answered.patients[positive]
    ends = [
        clustered_share(of_positives >= limit, patients).interval
        for limit in limits[chosen].tolist()
    ]
    low, high = np.array(ends).T
    return Curve(across[chosen], up[chosen], low, high)


def precision_recall(answered: Answered, label: int) -> Curve | None:
    """Return PPV over sensitivity; None where the class has no image."""
    from sklearn.metrics import precision_recall_curve

    positive, scores = answered.truth == label, answered.probabilities[:, label]
    if not positive.any() or not np.isfinite(scores).all():
        return None
    precision, recall, _ = precision_recall_curve(positive, scores)
    chosen = _some(len(recall))
    return Curve(recall[::-1][chosen], precision[::-1][chosen])


def _some(n: int) -> Ints:
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(np.int64))


@dataclass(frozen=True, slots=True)
class CalibrationCurve:
    """Frequency of a class where the model gave it a probability."""

    curve: Curve  # smoothed
    counts: Ints  # (10,), images by tenths of the probability
    positives: Ints  # (10,), of the class
    slope: float | None  # of the logit; 1 where calibrated, below 1 where too sure
    intercept: float | None  # of the logit; 0 where calibrated; above 0 where too low


def calibration_curve(answered: Answered, label: int) -> CalibrationCurve | None:
    """Return how often images of a probability are of the class; None where that cannot be.

    The curve is a local mean with Gaussian weights in the logit, its band Wilson's interval for
    the weights' effective number. Slope and intercept are those of logistic recalibration (Cox,
    1958; Van Calster et al., BMC Medicine 2019).
    """
    positive = answered.truth == label
    scores = answered.probabilities[:, label].astype(np.float64)
    if positive.all() or not positive.any() or not np.isfinite(scores).all():
        return None
    logits = _logit(scores)
    width = max(0.35, 1.06 * float(np.std(logits)) * len(logits) ** -0.2)
    low, high = np.quantile(logits, [0.01, 0.99])
    grid = np.linspace(low, high, _N_GRID)
    weights = np.exp(-(((grid[:, None] - logits) / width) ** 2) / 2)
    total = weights.sum(axis=1)
    n = total**2 / (weights**2).sum(axis=1)
    whole = clustered_share(positive, answered.patients)
    is_drawn = n >= _LEAST_WEIGHT
    y = np.clip((weights @ positive)[is_drawn] / total[is_drawn], 0, 1)
    lower, upper = _wilson(y, n[is_drawn] / whole.design_effect)
    bins = np.minimum((scores * N_BINS).astype(np.int64), N_BINS - 1)
    slope, intercept = recalibration(logits, positive)
    return CalibrationCurve(
        Curve(1 / (1 + np.exp(-grid[is_drawn])), y, lower, upper),
        np.bincount(bins, minlength=N_BINS),
        np.bincount(bins[positive], minlength=N_BINS),
        slope,
        intercept,
    )


def _logit(scores: Floats) -> Floats:
    inner = np.clip(scores, 1e-6, 1 - 1e-6)
    return np.log(inner / (1 - inner))


def _wilson(share: Floats, n: Floats) -> tuple[Floats, Floats]:
    squared = 1.96**2
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = 1.96 / (1 + squared / n) * np.sqrt(share * (1 - share) / n + squared / (4 * n**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def recalibration(logits: Floats, positive: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Return calibration slope and calibration in the large; None where they have no bound."""
    slope, _ = _logistic(np.stack([np.ones_like(logits), logits], axis=1), positive, 0.0)
    _, intercept = _logistic(np.ones((len(logits), 1)), positive, logits)
    return slope, intercept


def _logistic(
    columns: Floats, positive: NDArray[np.bool_], offset: Floats | float
) -> tuple[float | None, float | None]:
    """Fit by Newton's method; return the last and the first coefficient."""
    weights = np.zeros(columns.shape[1])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-np.clip(columns @ weights + offset, -_FAR, _FAR)))
        spread = expected * (1 - expected)
        hessian = columns.T @ (columns * spread[:, None])
        if np.linalg.cond(hessian) > 1e12:
            return None, None  # the class is told apart without a mistake
        step = np.linalg.solve(hessian, columns.T @ (positive - expected))
        weights += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            return float(weights[-1]), float(weights[0])
    return None, None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Answers that are told as not sure, and how right the others are."""

    n_sure: int
    n: int
    accuracy: float | None
    accuracy_of_sure: float | None
    curve: Curve  # wrong share of the answers over the share that is given
    coverage: tuple[tuple[int, int], ...]  # of each class: covered by its prediction set, all


def doubt(answered: Answered, sets: NDArray[np.bool_]) -> Doubt:
    """Return what saying "not sure" is worth (El-Yaniv and Wiener, JMLR 2010).

    Args:
        answered: N answers, at least one.
        sets: The classes that remain possible, (N, C).
    """
    right = answered.predicted == answered.truth
    is_sure = sets.sum(axis=1) == 1
    order = np.argsort(-answered.probabilities.max(axis=1), kind="stable")
    given = np.arange(1, len(order) + 1)
    risk = (~right[order]).cumsum() / given
    chosen = _some(len(order))
    covered = sets[np.arange(len(order)), answered.truth]
    return Doubt(
        int(is_sure.sum()),
        len(order),
        float(right.mean()),
        float(right[is_sure].mean()) if is_sure.any() else None,
        Curve(given[chosen] / len(order), risk[chosen]),
        tuple(
            (int(covered[answered.truth == label].sum()), int((answered.truth == label).sum()))
            for label in range(answered.n_classes)
        ),
    )


@dataclass(frozen=True, slots=True)
class NetBenefit:
    """Net benefit of treating by the model, everybody and nobody (which is 0)."""

    thresholds: Floats
    model: Floats
    everybody: Floats


def net_benefit(answered: Answered, label: int, prevalence: float | None = None) -> NetBenefit:
    """Return the decision curve of a class against the rest (Vickers and Elkin, 2006).

    Args:
        answered: N answers.
        label: The class.
        prevalence: Of the class where it is used, 0 to 1; None: as here.
    """
    positive, scores = answered.truth == label, answered.probabilities[:, label]
    share = float(positive.mean()) if prevalence is None else prevalence
    thresholds = np.linspace(0.01, 0.99, 99)
    called = scores[:, None] >= thresholds  # (N, 99)
    found = called[positive].mean(axis=0) if positive.any() else np.zeros(99)
    mistaken = called[~positive].mean(axis=0) if not positive.all() else np.zeros(99)
    odds = thresholds / (1 - thresholds)
    return NetBenefit(
        thresholds,
        share * found - (1 - share) * mistaken * odds,
        share - (1 - share) * odds,
    )
