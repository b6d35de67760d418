"""The Mahalanobis distance under a normal distribution of which only the widest axes are kept."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_SHRINKAGE = 0.05  # of the variances towards their mean
_LEAST_VARIANCE = 1e-9


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
        if n < width:  # the same axes from the smaller of the two matrices
            values, vectors = np.linalg.eigh(centred @ centred.T / (n - 1))
            values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
            axes = (centred.T @ vectors[:, :n_axes]).T  # (k, F)
            axes /= np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), _LEAST_VARIANCE)
        else:
            values, vectors = np.linalg.eigh(centred.T @ centred / (n - 1))
            values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
            axes = vectors[:, :n_axes].T
        average = values.sum() / width
        left = values[n_axes:].sum() / max(width - n_axes, 1) if width > n_axes else average
        variances = np.append(values[:n_axes], left) * (1 - _SHRINKAGE) + average * _SHRINKAGE
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
