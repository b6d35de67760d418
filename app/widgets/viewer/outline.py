"""The border of a part of the film, such as the lungs, as thin smooth lines."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF

_AROUND = 3  # pixels that are added on each side, outside of the mask

# Which two sides of a square its border crosses, by the corners that are inside: 1 the upper
# left one, 2 upper right, 4 lower right, 8 lower left (marching squares). Sides: 0 top, 1 right,
# 2 bottom, 3 left.
_CROSSED: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),),
    7: ((3, 2),), 8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),),
    13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip


def outline(mask: NDArray[np.bool_]) -> list[QLineF]:
    """Find the border between inside and outside.

    Args:
        mask: Shape (h, w).

    Returns:
        Lines in fractions of width and height, so that they fit a film of any size.
    """
    height, width = mask.shape
    inside = _blurred(_blurred(np.pad(mask.astype(np.float64), _AROUND)))
    corners = inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1]
    cases = np.zeros(corners[0].shape, np.int64)
    for place, corner in enumerate(corners):
        cases += (corner > 0.5).astype(np.int64) << place
    lines: list[QLineF] = []
    for row, column in np.argwhere((cases > 0) & (cases < 15)):
        upper_left, upper_right, lower_right, lower_left = (
            float(corner[row, column]) for corner in corners
        )
        ends = {
            0: (_crossing(upper_left, upper_right), 0.0),
            1: (1.0, _crossing(upper_right, lower_right)),
            2: (_crossing(lower_left, lower_right), 1.0),
            3: (0.0, _crossing(upper_left, lower_left)),
        }
        # A value stands for the middle of its pixel.
        x, y = column - _AROUND + 0.5, row - _AROUND + 0.5
        for first, second in _CROSSED[int(cases[row, column])]:
            (x1, y1), (x2, y2) = ends[first], ends[second]
            lines.append(
                QLineF((x + x1) / width, (y + y1) / height, (x + x2) / width, (y + y2) / height)
            )
    return lines


def _crossing(first: float, second: float) -> float:
    """How far along a side the border crosses it."""
    if first == second:
        return 0.5
    return min(max((0.5 - first) / (second - first), 0.0), 1.0)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Averages of three by three, so that the border has no stairs."""
    for axis in (0, 1):
        before, after = np.roll(values, 1, axis), np.roll(values, -1, axis)
        values = (before + values + after) / 3
    return values
