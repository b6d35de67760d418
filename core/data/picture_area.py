"""The area of an X-ray in its file, without borders, letterboxes, round masks and shared frames."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.cache import SIDE
from core.data.image_file import Images

_EVEN_RANGE = 4  # grey levels in one row or column: JPEG leaves about as much in a black border
_LEAST_SIDE = 0.4  # of a thumbnail; an X-ray that fills less is a dark one, not a framed one
_BLOCK = 256  # films

_NEARLY_BLACK, _NEARLY_WHITE = 6, 249  # grey levels; of a mask
_LEAST_CORNER = 0.01  # of the picture; less is no mask

_COMMON_DEVIATION = 2.0  # grey levels from the median of all, in the middle
_LEAST_LINE = 0.2  # of a row or column that differs
_LEAST_OWN, _MOST_OWN = 0.15, 0.97  # of the thumbnail
_FRAME_STEP = 6.0  # grey levels
_MOST_OF_FRAME = 0.9


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Rows and columns of thumbnails that show the X-ray: integers, shape (N,)."""

    top: NDArray[np.int64]
    bottom: NDArray[np.int64]  # exclusive
    left: NDArray[np.int64]
    right: NDArray[np.int64]  # exclusive

    @property
    def are_cut(self) -> bool:
        """True where some box is less than its thumbnail."""
        return bool(
            self.top.any()
            or self.left.any()
            or (self.bottom < SIDE).any()
            or (self.right < SIDE).any()
        )

    @property
    def shortest_side(self) -> NDArray[np.int64]:
        """The rows or columns of each box, whichever are fewer, shape (N,)."""
        return np.minimum(self.bottom - self.top, self.right - self.left)

    def inside(self, side: int) -> NDArray[np.float32]:
        """Return 1 inside the boxes of thumbnails of `side` pixels and 0 outside, (N, H, H)."""
        middles = (np.arange(side) + 0.5) * SIDE / side
        rows = (middles >= self.top[:, None]) & (middles < self.bottom[:, None])
        columns = (middles >= self.left[:, None]) & (middles < self.right[:, None])
        return (rows[:, :, None] & columns[:, None, :]).astype(np.float32)

    def cut(self, thumbs: Images, side: int) -> NDArray[np.float32]:
        """Stretch the boxes to squares.

        Args:
            thumbs: Shape (N, 128, 128).
            side: Pixels.

        Returns:
            Mean grey levels, shape (N, side, side).
        """
        cut = np.empty((len(thumbs), side, side), np.float32)
        for start in range(0, len(thumbs), _BLOCK):
            part = slice(start, start + _BLOCK)
            down = _averages(self.top[part], self.bottom[part], side)
            across = _averages(self.left[part], self.right[part], side)
            cut[part] = down @ thumbs[part].astype(np.float32) @ across.transpose(0, 2, 1)
        return cut


def _averages(first: NDArray[np.int64], last: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """Return weights that average pixels `first` to `last` to `side` of them, (N, side, 128)."""
    edges = first[:, None] + (last - first)[:, None] * np.arange(side + 1) / side
    begin, end = edges[:, :-1, None], edges[:, 1:, None]
    pixels = np.arange(SIDE)
    overlap = np.minimum(end, pixels + 1) - np.maximum(begin, pixels)
    weights: NDArray[np.float32] = (np.clip(overlap, 0, None) / (end - begin)).astype(np.float32)
    return weights


def boxes(thumbs: Images) -> Boxes:
    """Cut even rows and columns away at the edges of thumbnails, shape (N, 128, 128)."""
    n = len(thumbs)
    rows, columns = np.ones((n, SIDE), np.bool_), np.ones((n, SIDE), np.bool_)
    for start in range(0, n, _BLOCK):
        part = slice(start, start + _BLOCK)
        films = np.asarray(thumbs[part])
        for _ in range(2):  # a frame hides bars inside it
            rows[part] = _uneven(films, columns[part]) & rows[part]
            columns[part] = _uneven(films.transpose(0, 2, 1), rows[part]) & columns[part]
            rows[part], columns[part] = _filled(rows[part]), _filled(columns[part])
    (top, bottom), (left, right) = _ends(rows), _ends(columns)
    is_small = (bottom - top < _LEAST_SIDE * SIDE) | (right - left < _LEAST_SIDE * SIDE)
    for ends, whole in ((top, 0), (bottom, SIDE), (left, 0), (right, SIDE)):
        ends[is_small] = whole
    return Boxes(top, bottom, left, right)


def _uneven(films: NDArray[np.uint8], columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell for each row, (N, 128), if it has several grey levels in these columns."""
    counted = columns[:, None, :]
    highest = np.where(counted, films, 0).max(axis=2).astype(np.int16)
    return highest - np.where(counted, films, 255).min(axis=2) > _EVEN_RANGE


def _filled(lines: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Count even lines between uneven ones as uneven."""
    before = np.logical_or.accumulate(lines, axis=1)
    return before & np.logical_or.accumulate(lines[:, ::-1], axis=1)[:, ::-1]


def _ends(lines: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    first = lines.argmax(axis=1)
    last = SIDE - lines[:, ::-1].argmax(axis=1)
    # The line beside a border is half border.
    return np.where(first > 0, first + 1, first), np.where(last < SIDE, last - 1, last)


def outside(films: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the black or white around a round mask, and what turning an X-ray left at its corners.

    Args:
        films: Grey levels, shape (N, H, W).

    Returns:
        Shape (N, H, W): pixels that are nearly black or white and connected to a corner.
    """
    from scipy.ndimage import label  # scipy would hold up the window's start

    found = np.zeros(films.shape, np.bool_)
    for extreme in (films <= _NEARLY_BLACK, films >= _NEARLY_WHITE):
        corners = extreme[:, [0, 0, -1, -1], [0, -1, 0, -1]]
        for film in np.flatnonzero(corners.any(axis=1)):
            areas, _ = label(extreme[film])
            for area in set(areas[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()) - {0}:
                inside = areas == area
                if inside.mean() >= _LEAST_CORNER:
                    found[film] |= inside
    return found


@dataclass(frozen=True, slots=True, eq=False)
class SharedFrame:
    """A frame that many pictures share around their X-rays, such as the window of a viewer."""

    median: NDArray[np.float32]  # (128, 128)
    is_common: NDArray[np.bool_]  # (128, 128)
    box: tuple[int, int, int, int]  # top, bottom, left, right of what differs, as in `Boxes`

    @classmethod
    def of(cls, thumbs: NDArray[np.uint8]) -> "SharedFrame | None":
        """Find the frame of most of many pictures, (N, 128, 128); None: they have none."""
        films = thumbs.astype(np.float32)
        median = np.median(films, axis=0)
        is_common = np.median(np.abs(films - median), axis=0) <= _COMMON_DEVIATION
        differs = ~is_common
        rows, columns = (np.flatnonzero(differs.mean(axis=axis) > _LEAST_LINE) for axis in (1, 0))
        if not len(rows) or not len(columns):
            return None
        box = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        area = (box[1] - box[0]) * (box[3] - box[2]) / SIDE**2
        is_common[box[0] : box[1], box[2] : box[3]] = False
        return cls(median, is_common, box) if _LEAST_OWN <= area <= _MOST_OWN else None

    def is_around(self, thumbs: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Tell which pictures have it, shape (N,)."""
        steps = np.abs(thumbs.astype(np.float32) - self.median)[:, self.is_common]
        has_it: NDArray[np.bool_] = (steps <= _FRAME_STEP).mean(axis=1) >= _MOST_OF_FRAME
        return has_it

    def without(self, thumbs: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Blacken it."""
        top, bottom, left, right = self.box
        inside = np.zeros_like(thumbs)
        inside[:, top:bottom, left:right] = thumbs[:, top:bottom, left:right]
        return inside
