"""Traces of processing in the frame of an X-ray: texture, JPEG blocks, burned-in letters.

Measured at full size, where a file that was resized, filtered or recompressed still differs from
others, and in the outer seventh of each side alone, so that the lungs do not count: within them, a
disease changes the texture too.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

N_CELLS: Final = 4  # along each side of the frame; one for each letter or marker
TEXTURE, BLOCKS, EDGES = slice(0, 4), 4, slice(5, 5 + 4 * N_CELLS)
LENGTH: Final = EDGES.stop

_FRAME: Final = 7  # the frame is so much of a side wide
_WIDEST: Final = 146  # pixels of it that are measured, those of a side of 1024
_PERIOD: Final = 8  # pixels, of JPEG's blocks
_BLACK, _WHITE = 5, 250  # grey levels; what lies beyond is cut off and has no texture
_LEAST_PIXELS: Final = 100
_N_SHARPEST: Final = 20  # pixels of the outline of a letter
_MOST_CHANGE: Final = 4 * 255


def traces(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Measure the frame of a film.

    Args:
        pixels: Shape (H, W) or (H, W, 3), any size; colour becomes luma.

    Returns:
        Shape (21,), all finite.
    """
    image = Image.fromarray(pixels).convert("L")
    strips = _strips(np.asarray(image))
    changes = tuple(_laplacian(strip) for strip in strips)
    factor = -(-max(image.size) // (_FRAME * _WIDEST + _FRAME - 1))
    whole = changes
    if factor > 1:  # a letter is as sharp in a smaller image, which takes a fraction of the time
        small = np.asarray(image.reduce(factor))
        whole = tuple(_laplacian(strip) for strip in _strips(small))
    found = [
        *_texture(strips, changes),
        _blockiness(strips[:2]) + _blockiness(tuple(strip.T for strip in strips[2:])),
        *(
            np.log(_nearly_largest(cell) + 4)
            for axis, strip in zip((1, 1, 0, 0), whole, strict=True)
            for cell in np.array_split(strip, N_CELLS, axis)
        ),
    ]
    return np.array(found, np.float32)


def _strips(levels: NDArray[np.uint8]) -> tuple[NDArray[np.int16], ...]:
    """Return the upper, lower, left and right part of the frame, its inner side if it is wide."""
    rows, columns = (max(3, side // _FRAME) for side in levels.shape)
    above, before = max(0, rows - _WIDEST), max(0, columns - _WIDEST)
    bottom, right = len(levels) - rows, levels.shape[1] - columns
    strips = (
        levels[above:rows],
        levels[max(0, bottom) : len(levels) - above],
        levels[:, before:columns],
        levels[:, max(0, right) : levels.shape[1] - before],
    )
    return tuple(strip.astype(np.int16) for strip in strips)


def _laplacian(levels: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the absolute Laplacian of a strip (H, W), shape (H - 2, W - 2)."""
    change = 4 * levels[1:-1, 1:-1]
    for beside in (levels[1:-1, :-2], levels[1:-1, 2:], levels[:-2, 1:-1], levels[2:, 1:-1]):
        change -= beside
    return np.abs(change, out=change)


def _texture(
    strips: tuple[NDArray[np.int16], ...], changes: tuple[NDArray[np.int16], ...]
) -> tuple[float, float, float, float]:
    """Return mean, median and 90th percentile of the Laplacian as logarithms, and its zeros."""
    counts, n = np.zeros(_MOST_CHANGE + 1, np.int64), 0
    for strip, change in zip(strips, changes, strict=True):
        inner = strip[1:-1, 1:-1]
        is_seen = (inner > _BLACK) & (inner < _WHITE)
        counts += np.bincount(change[is_seen], minlength=_MOST_CHANGE + 1)
    n = int(counts.sum())
    if n < _LEAST_PIXELS:
        return np.log(0.1), np.log(0.1), np.log(0.1), 1.0
    mean = float(counts @ np.arange(_MOST_CHANGE + 1)) / n
    median, high = (_quantile(counts, share) for share in (0.5, 0.9))
    return np.log(mean + 0.1), np.log(median + 0.1), np.log(high + 0.1), counts[0] / n


def _quantile(counts: NDArray[np.int64], share: float) -> float:
    """Return a quantile of whole numbers, each spread evenly up to the next."""
    sums = counts.cumsum()
    wanted = share * sums[-1]
    place = int(np.searchsorted(sums, wanted))
    return place + 1 - float(sums[place] - wanted) / float(counts[place])


def _blockiness(strips: tuple[NDArray[np.int16], ...]) -> float:
    """Return how far the steps between columns at block borders stand out, as a logarithm.

    The borders may lie anywhere: an image that was cut or turned keeps them elsewhere.
    """
    profiles: list[NDArray[np.floating[Any]]] = []
    for strip in strips:
        steps = np.abs(np.diff(strip, axis=1))
        excess = 2 * steps[:, 1:-1] - steps[:, :-2] - steps[:, 2:]
        profiles.append(np.maximum(excess, 0).mean(axis=0))
    profile = sum(profiles[1:], profiles[0])
    if len(profile) < _PERIOD:
        return 0.0
    means = np.array([profile[phase::_PERIOD].mean() for phase in range(_PERIOD)])
    return float(np.log((means.max() + 0.05) / (np.median(means) + 0.05)))


def _nearly_largest(cell: NDArray[np.int16]) -> int:
    """Return the change at the sharpest pixels of a cell, single ones left out."""
    if cell.size <= _N_SHARPEST:
        return int(cell.max(initial=0))
    return int(np.partition(cell, -_N_SHARPEST, axis=None)[-_N_SHARPEST])
