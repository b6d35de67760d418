"""Confidence intervals of figures whose images belong to patients.

Images of one patient resemble each other, so the patient is the unit that is drawn. All intervals
are 95 % and two-sided, but where their words say otherwise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.statistics import Z_95, Interval, wilson_interval

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

N_DRAWS: Final = 2000
LEAST_CLUSTERS: Final = 2


@dataclass(frozen=True, slots=True)
class Share:
    """A share of images with its interval."""

    value: float
    interval: Interval
    n: int  # images
    n_patients: int
    design_effect: float  # at least 1; 1: as good as independent images


def clustered_share(hits: NDArray[np.bool_], patients: Ints) -> Share:
    """Return a share with Wilson's interval for the effective number of images.

    The effective number is n / d, d being the variance between patients over the binomial one
    (Rao and Scott, Biometrics 1992), at least 1. With few patients the quantile of Student's t
    takes the place of the normal one. Where all images agree no variance is seen: each patient
    counts once.

    Args:
        hits: Of each image, (n,), n at least 1.
        patients: Number of each image's patient, (n,).

    Raises:
        ValueError: There is no image, or the shapes differ.
    """
    if not len(hits) or hits.shape != patients.shape:
        raise ValueError(f"{hits.shape} images for {patients.shape} patients")
    _, cluster = np.unique(patients, return_inverse=True)
    sizes = np.bincount(cluster).astype(np.float64)
    found = np.bincount(cluster, hits)
    n, k, total = len(hits), len(sizes), int(hits.sum())
    if k == n:
        return Share(total / n, wilson_interval(total, n), n, k, 1.0)
    share = total / n
    if total in (0, n):
        effect = n / k
    elif k < LEAST_CLUSTERS:
        effect = float(n)
    else:
        spread = k / (k - 1) * float(((found - share * sizes) ** 2).sum()) / n**2
        effect = max(1.0, spread / (share * (1 - share) / n))
    return Share(share, _wilson(share, n / effect, _quantile(k)), n, k, effect)


def _quantile(n_patients: int) -> float:
    """Return the 97.5 % quantile of Student's t, n - 1 degrees of freedom."""
    from scipy.special import stdtrit  # scipy would hold up the window's start

    return float(stdtrit(max(n_patients - 1, 1), 0.975))


def _wilson(share: float, n: float, z: float) -> Interval:
    """Return Wilson's interval for a number of images that need not be whole."""
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if share == 0 else max(0.0, middle - half)
    high = 1.0 if share == 1 else min(1.0, middle + half)
    return low, high


@dataclass(frozen=True, slots=True)
class Area:
    """An area under the ROC curve with its interval."""

    value: float
    standard_error: float  # 0 where no error was seen
    interval: Interval
    is_one_sided: bool  # the area is 0 or 1: a bound of 95 % on the other side
    n_patients: int


def area_under_curve(scores: Floats, is_positive: NDArray[np.bool_], patients: Ints) -> Area:
    """Return the area under the ROC curve, its variance by placements and the interval by logits.

    One image a patient: DeLong, DeLong and Clarke-Pearson (Biometrics 1988). Several: Obuchowski
    (Biometrics 1997), which becomes the former with one. An area of 0 or 1 shows no error; its
    bound is that of a share without a miss among the patients of the smaller side.

    Args:
        scores: Of each image, higher for positive ones, (n,).
        is_positive: (n,), of both kinds at least one.
        patients: Number of each image's patient, (n,).

    Raises:
        ValueError: One kind is missing.
    """
    n_positive = int(is_positive.sum())
    n_negative = len(scores) - n_positive
    if not n_positive or not n_negative:
        raise ValueError("positives and negatives are both needed")
    positive, negative = np.sort(scores[is_positive]), np.sort(scores[~is_positive])
    placements = np.empty(len(scores))
    below, up_to = (np.searchsorted(negative, scores[is_positive], side) for side in _SIDES)
    placements[is_positive] = (below + up_to) / 2 / n_negative
    below, up_to = (np.searchsorted(positive, scores[~is_positive], side) for side in _SIDES)
    placements[~is_positive] = 1 - (below + up_to) / 2 / n_positive
    area = float(placements[is_positive].mean())
    _, cluster = np.unique(patients, return_inverse=True)
    k = int(cluster.max()) + 1
    away = placements - area
    of_positives = np.bincount(cluster, np.where(is_positive, away, 0.0), k)
    of_negatives = np.bincount(cluster, np.where(is_positive, 0.0, away), k)
    k_positive = len(np.unique(cluster[is_positive]))
    k_negative = len(np.unique(cluster[~is_positive]))
    if area in (0.0, 1.0):
        bound = 0.05 ** (1 / min(k_positive, k_negative))
        return Area(area, 0.0, (bound, 1.0) if area else (0.0, 1 - bound), True, k)
    if min(k_positive, k_negative) < LEAST_CLUSTERS:
        return Area(area, math.nan, (0.0, 1.0), False, k)
    variance = (
        _corrected(k_positive) * float((of_positives**2).sum()) / n_positive**2
        + _corrected(k_negative) * float((of_negatives**2).sum()) / n_negative**2
        + 2 * _corrected(k) * float((of_positives * of_negatives).sum()) / (n_positive * n_negative)
    )
    error = math.sqrt(max(variance, 0.0))
    logit = math.log(area / (1 - area))
    half = _quantile(k - 1) * error / (area * (1 - area))
    return Area(area, error, (_expit(logit - half), _expit(logit + half)), False, k)


_SIDES: Final = ("left", "right")


def _corrected(k: int) -> float:
    return k / (k - 1)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def bootstrap_interval(
    counts: Floats, statistic: Callable[[Floats], Floats], seed: int, n_draws: int = N_DRAWS
) -> Interval | None:
    """Return the bias-corrected, accelerated interval (Efron, JASA 1987) over patients.

    scipy.stats.bootstrap would draw every image's row; a statistic of sums needs the patients'
    counts alone, so 4,000 patients take a second instead of minutes.

    Args:
        counts: Of each patient, (P, D).
        statistic: Of sums of counts, (..., D) -> (...); NaN where it is not defined.
        seed: The same seed gives the same interval.
        n_draws: How many times the patients are drawn.

    Returns:
        None: it is not defined for most draws.
    """
    from scipy.special import ndtr, ndtri  # scipy would hold up the window's start

    random = np.random.default_rng(seed)
    n, total = len(counts), counts.sum(axis=0)
    value = float(statistic(total))
    drawn = []
    for start in range(0, n_draws, 250):
        size = min(250, n_draws - start)
        # Ten times as fast as numpy's multinomial numbers.
        chosen = random.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        times = np.bincount(chosen.ravel(), minlength=size * n).reshape(size, n)
        drawn.append(statistic(times.astype(np.float64) @ counts))
    values = np.concatenate(drawn)
    values = values[np.isfinite(values)]
    left_out = statistic(total - counts)  # the jackknife
    left_out = left_out[np.isfinite(left_out)]
    if len(values) < n_draws / 2 or len(left_out) < 2 or not math.isfinite(value):
        return None
    below = ((values < value).mean() + (values <= value).mean()) / 2
    bias = float(ndtri(np.clip(below, 1 / len(values), 1 - 1 / len(values))))
    away = left_out.mean() - left_out
    scale = float((away**2).sum()) ** 1.5
    acceleration = float((away**3).sum()) / (6 * scale) if scale else 0.0
    ends = [float(ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))) for z in (-Z_95, Z_95)]
    low, high = np.quantile(values, ends)
    return float(low), float(high)


def per_patient(values: NDArray[Any], patients: Ints) -> Floats:
    """Sum the rows of each patient's images, (N, D) -> (P, D)."""
    names, cluster = np.unique(patients, return_inverse=True)
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, cluster, values)
    return sums
