"""Confidence intervals of shares and of areas under the ROC curve."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]  # the lower and the upper end

Z_95 = 1.959963984540054  # of the normal distribution: 95 % lie within
N_DRAWS = 500
LEVEL = 0.95

_MOST_CELLS = 2_000_000  # of the arrays of one block of draws; 16 MB each


def wilson_interval(part: int, whole: int) -> Interval:
    """Return the 95 % interval of a share (Wilson, JASA 1927), which holds for few films too.

    Six lines of our own: importing scipy.stats takes 1.5 s, and a score card waits for this.

    Args:
        part: How many of `whole`.
        whole: At least 1.

    Raises:
        ValueError: `part` is no part of `whole`, or nothing was counted.
    """
    if not 0 <= part <= whole or whole == 0:
        raise ValueError(f"{part} is no part of {whole}")
    share, squared = part / whole, Z_95**2
    middle = (share + squared / (2 * whole)) / (1 + squared / whole)
    spread = math.sqrt(share * (1 - share) / whole + squared / (4 * whole**2))
    half = Z_95 * spread / (1 + squared / whole)
    # Rounding must not leave 0 or 1 outside an interval that begins or ends there.
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return low, high


def auroc_interval(
    scores: NDArray[np.floating[Any]],
    is_positive: NDArray[np.bool_],
    groups: NDArray[Any],
    seed: int,
    n_draws: int = N_DRAWS,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Return the interval of an area under the ROC curve, had other patients been examined.

    Percentile bootstrap (Efron and Tibshirani, 1993) that draws patients, not films: films of
    one patient resemble each other. Draws without a positive or a negative are left out.

    Args:
        scores: Shape (N,), finite.
        is_positive: Shape (N,).
        groups: The patient of each film, of any comparable type, shape (N,).
        seed: The same seed gives the same interval.
        n_draws: How many times the patients are drawn.
        level: Part of the draws inside the interval.

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: The shapes differ, a score is not finite, or one side is empty.
    """
    if scores.ndim != 1 or scores.shape != is_positive.shape:
        raise ValueError(f"scores of shape {scores.shape}, positives of {is_positive.shape}")
    if not np.isfinite(scores).all():
        raise ValueError("a score is not a finite number")
    if not 0 < is_positive.sum() < len(scores):
        raise ValueError("positives and negatives are both needed")
    names, group_of = np.unique(groups, return_inverse=True)
    if group_of.shape != scores.shape:
        raise ValueError(f"{group_of.size} groups for {scores.size} scores")
    random = np.random.default_rng(seed)
    order = np.argsort(scores, kind="stable")
    ordered, group_of, positive = scores[order], group_of[order], is_positive[order]
    first = np.searchsorted(ordered, ordered[positive], "left")  # of the equal scores
    last = np.searchsorted(ordered, ordered[positive], "right")
    per_block = max(1, _MOST_CELLS // len(scores))
    areas = []
    for start in range(0, n_draws, per_block):
        n = min(per_block, n_draws - start)
        times = random.multinomial(len(names), np.full(len(names), 1 / len(names)), n)  # (n, G)
        weights = times.astype(np.float64)[:, group_of]  # (n, N)
        below = np.zeros((n, len(scores) + 1))  # weight of the negatives before each place
        np.cumsum(np.where(positive, 0, weights), axis=1, out=below[:, 1:])
        of_positives = weights[:, positive]
        above = (of_positives * (below[:, first] + below[:, last])).sum(axis=1) / 2
        pairs = of_positives.sum(axis=1) * below[:, -1]
        areas.append(above[pairs > 0] / pairs[pairs > 0])
    found = np.concatenate(areas)
    if not len(found):  # one patient has all positives or all negatives, and was never drawn
        return 0.0, 1.0
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
