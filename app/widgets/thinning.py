"""Fewer points that look the same: a plot is some hundred pixels wide, a run a million batches."""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def every_nth(n: int, at_most: int) -> int:
    """The step of a thinned slice: a power of two, so that points that stay do not jump about."""
    return 1 << max(0, (n - 1) // at_most).bit_length()


def peaks(x: Values, y: Values, n_bins: int) -> tuple[Values, Values]:
    """The least and the greatest value of each of about `n_bins` bins, as a zigzag.

    Args:
        x: Shape (n,), ascending.
        y: Shape (n,); a bin of nothing but NaN gives NaN.
        n_bins: A curve of up to twice as many points is left as it is.
    """
    if len(y) <= 2 * n_bins:
        return x, y
    size = every_nth(len(y), n_bins)
    n_whole = len(y) // size
    bins = y[: n_whole * size].reshape(n_whole, size)
    zigzag = np.empty((n_whole, 2))
    zigzag[:, 0], zigzag[:, 1] = np.fmin.reduce(bins, axis=1), np.fmax.reduce(bins, axis=1)
    thin_x = np.repeat(x[: n_whole * size : size], 2)
    # The latest point is always there: it is the one that is looked at.
    return np.append(thin_x, x[-1]), np.append(zigzag.ravel(), y[-1])
