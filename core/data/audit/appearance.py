"""What each film looks like as a whole: brightness, borders, corners, and whether it is blank."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from core.data.audit.thumbnails import SIDE

_FRAME = 8  # pixels; 6 % of the side
_IS_FRAME = np.pad(
    np.zeros((SIDE - 2 * _FRAME, SIDE - 2 * _FRAME), np.bool_), _FRAME, constant_values=True
)
_CORNER = 24  # pixels; letters and side markers lie within it
_NEARLY_BLACK = 10  # grey levels, inclusive
_NEARLY_WHITE = 245
_BLANK_SPREAD = 2.0  # standard deviation, grey levels
_BLANK_SHARE = 0.995  # of the pixels within two grey levels of each other's middle
_BLOCK = 256  # films


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """A row of numbers for each property, shape (N,), parallel to the films."""

    mean: NDArray[np.float64]  # grey levels, 0 to 255
    spread: NDArray[np.float64]  # standard deviation in grey levels
    border_black: NDArray[np.float64]  # fraction of the outer 6 % that is nearly black
    border_white: NDArray[np.float64]  # the same for nearly white
    corner_detail: NDArray[np.float64]  # mean step between neighbours there, grey levels
    is_blank: NDArray[np.bool_]  # of one grey level, but for 0.5 % of it at the most


def measure(thumbs: NDArray[np.uint8]) -> Appearance:
    """Measure every film.

    Args:
        thumbs: Shape (N, 128, 128); may be a memory map.
    """
    starts = range(0, max(len(thumbs), 1), _BLOCK)  # no films make one empty block
    blocks = [_measure(thumbs[start : start + _BLOCK]) for start in starts]
    return Appearance(
        *(
            np.concatenate([getattr(block, field.name) for block in blocks])
            for field in fields(Appearance)
        )
    )


def _measure(thumbs: NDArray[np.uint8]) -> Appearance:
    n = len(thumbs)
    levels = np.arange(256)
    places = thumbs.reshape(n, SIDE**2).astype(np.int64) + 256 * np.arange(n)[:, None]
    counts = np.bincount(places.ravel(), minlength=256 * n).reshape(n, 256)
    shares = counts / SIDE**2  # (N, 256)
    mean = shares @ levels
    spread = np.sqrt(np.maximum(shares @ levels**2 - mean**2, 0))
    padded = np.pad(shares, ((0, 0), (2, 2)))
    near = sum(padded[:, shift : shift + 256] for shift in range(5))  # within two grey levels
    is_one_level = np.max(near, axis=1, initial=0) >= _BLANK_SHARE
    frame = thumbs[:, _IS_FRAME]  # (N, pixels of the frame)
    return Appearance(
        mean=mean,
        spread=spread,
        border_black=(frame <= _NEARLY_BLACK).mean(axis=1),
        border_white=(frame >= _NEARLY_WHITE).mean(axis=1),
        corner_detail=np.mean([_detail(corner) for corner in _corners(thumbs)], axis=0),
        is_blank=is_one_level | (spread < _BLANK_SPREAD),
    )


def _corners(thumbs: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    first, last = slice(_CORNER), slice(-_CORNER, None)
    return tuple(thumbs[:, rows, columns] for rows in (first, last) for columns in (first, last))


def _detail(corner: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The mean step to the right and down, shape (N,)."""
    levels = corner.astype(np.int16)
    right = np.abs(np.diff(levels, axis=2)).mean(axis=(1, 2))
    down = np.abs(np.diff(levels, axis=1)).mean(axis=(1, 2))
    return (right + down) / 2
