"""The Mahalanobis distance under a normal distribution of which only the widest axes are kept."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_SHRINKAGE = 0.05  # of the variances towards their mean
_LEAST_VARIANCE = 1e-9

_LARGE = 4  # times as many rows and columns as axes are wanted
_N_SPARE = 16  # axes beyond those wanted, so that these are exact
_N_ITERATIONS = 6


@dataclass(frozen=True, slots=True, eq=False)
class PooledGaussian:
    """A normal distribution whose narrow axes share one variance.

    Probabilistic principal components (Tipping and Bishop, 1999): k axes and one number describe
    what would be F x F numbers, and few points suffice to fit them.
    """

    mean: NDArray[np.float32]  # (F,)
    axes: NDArray[np.float32]  # (k, F), of length 1, perpendicular, widest first
    variances: NDArray[np.float32]  # (k + 1,): along the axes, then in any other direction

    @classmethod
    def fit(cls, points: NDArray[np.floating[Any]], n_axes: int) -> Self:
        """Fit to points of shape (N, F); there are `n_axes` axes or as many as the points fill."""
        n, width = points.shape
        mean = points.mean(axis=0, dtype=np.float64)
        centred = points - mean
        n_axes = min(n_axes, n - 1, width)
        lengths, axes = _widest(centred, n_axes)
        values = lengths**2 / (n - 1)
        total = (centred**2).sum() / (n - 1)
        average = total / width
        left = (total - values.sum()) / (width - n_axes) if width > n_axes else average
        variances = np.append(values, left) * (1 - _SHRINKAGE) + average * _SHRINKAGE
        return cls(
            mean.astype(np.float32),
            np.ascontiguousarray(axes, dtype=np.float32),
            np.maximum(variances, _LEAST_VARIANCE).astype(np.float32),
        )

    def coordinates(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Where points (N, F) lie along the axes, shape (N, k)."""
        return ((points - self.mean) @ self.axes.T).astype(np.float32, copy=False)

    def distances(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The squared Mahalanobis distance of each of the points (N, F) from the mean, (N,)."""
        centred = points - self.mean
        along = (centred @ self.axes.T).astype(np.float64)
        beside = (centred.astype(np.float64) ** 2).sum(axis=1) - (along**2).sum(axis=1)
        on_axes = (along**2 / self.variances[:-1]).sum(axis=1)
        return on_axes + np.maximum(beside, 0) / self.variances[-1]


def _widest(
    centred: NDArray[np.float64], n_axes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest singular values of (N, F) and their right vectors: (k,), (k, F).

    Of large matrices by subspace iteration (Halko, Martinsson and Tropp, SIAM Review 2011,
    algorithm 4.4), which takes a tenth of the time.
    """
    if min(centred.shape) > _LARGE * n_axes:
        random = np.random.default_rng(0)
        start = random.standard_normal((centred.shape[1], n_axes + _N_SPARE))
        basis = np.linalg.qr(centred @ start)[0]  # (N, k + spare)
        for _ in range(_N_ITERATIONS):
            basis = np.linalg.qr(centred @ (centred.T @ basis))[0]
        centred = basis.T @ centred  # (k + spare, F)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    return lengths[:n_axes], axes[:n_axes]
