"""Caches made by hand, for tests of what reads them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.cache import ImageCache
from core.images.fingerprint import LENGTH
from core.images.traces import LENGTH as N_TRACES


def cache_of(
    rows: dict[str, int],
    grey: NDArray[np.uint8],
    colour_rows: dict[str, int],
    colour: NDArray[np.uint8],
) -> ImageCache:
    """A cache of these squares (N, S, S), with black thumbnails and no headers."""
    thumbnails = np.zeros((len(grey), 128, 128), np.uint8)
    return ImageCache(
        folder=Path(),
        size=grey.shape[1],
        rows=rows,
        grey=grey,
        thumbnails=thumbnails,
        prints=np.zeros((len(grey), LENGTH), np.float32),
        traces=np.zeros((len(grey), N_TRACES), np.float32),
        headers={},
        colour_rows=colour_rows,
        colour=colour,
        unreadable={},
    )
