"""Overlays on a film: heat map, outline, warning."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPoint, QSizeF
from PySide6.QtGui import QImage, QPainter

from app.widgets.viewer.picture import Orientation, Placement, Pyramid
from core.prediction.saliency_checks import USUAL_OPACITY, heat_colours


def heat_table(opacity: float) -> NDArray[np.uint32]:
    """Return the colour of each of 256 steps of heat as a premultiplied ARGB pixel.

    Args:
        opacity: Of the hottest, 0 to 1.
    """
    table = heat_colours()
    alpha = opacity * table[:, 3] / 255
    channels = (table[:, :3] * alpha[:, None]).round().astype(np.uint32)
    whole = (alpha * 255).round().astype(np.uint32)
    pixels = whole << 24 | channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]
    return pixels.astype(np.uint32)


class HeatLayer:
    """A heat map over a film.

    Args:
        heat: Shape (h, w), 0 (none, not drawn) to 1; stretched over the whole film.
    """

    def __init__(self, heat: NDArray[np.floating]) -> None:
        steps = np.nan_to_num(np.asarray(heat, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
        self._steps = (steps.clip(0.0, 1.0) * 255).round().astype(np.uint8)
        self._pyramid = Pyramid(self._steps)
        self._last: tuple[Placement, Orientation, float, QImage] | None = None

    def draw(
        self, painter: QPainter, placement: Placement, orientation: Orientation, opacity: float
    ) -> None:
        """Draw the part in sight; one unit of the painter is one pixel of the screen."""
        if placement.seen.isEmpty() or opacity <= 0:
            return
        wanted = (placement, orientation, opacity)
        if self._last is None or self._last[:3] != wanted:
            self._last = (*wanted, self._image(placement, orientation, opacity))
        place = placement.seen.topLeft() + QPoint(placement.left, placement.top)
        painter.drawImage(place, self._last[3])

    def value_at(self, across: float, down: float) -> float:
        """Return the heat at a fraction of the film's width and height, without smoothing."""
        height, width = self._steps.shape
        row = min(max(int(down * height), 0), height - 1)
        column = min(max(int(across * width), 0), width - 1)
        return float(self._steps[row, column]) / 255

    def _image(self, placement: Placement, orientation: Orientation, opacity: float) -> QImage:
        height, width = self._steps.shape
        size = QSizeF(width, height)
        shown = orientation.shown_size(size)
        box = orientation.film_rect(placement.on_film(placement.seen, *shown.toTuple()), size)
        part = placement.seen.size()
        stored = part.transposed() if orientation.is_on_its_side else part
        heat = self._pyramid.part(box, stored, is_smooth=True)
        steps = np.ascontiguousarray(orientation.applied(heat))
        pixels = heat_table(opacity).take(steps)
        rows, columns = pixels.shape
        kind = QImage.Format.Format_ARGB32_Premultiplied
        return QImage(pixels.data, columns, rows, 4 * columns, kind).copy()


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
    """Return how far along a side the border crosses it."""
    if first == second:
        return 0.5
    return min(max((0.5 - first) / (second - first), 0.0), 1.0)


def _blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return averages of three by three, so that the border has no stairs."""
    for axis in (0, 1):
        before, after = np.roll(values, 1, axis), np.roll(values, -1, axis)
        values = (before + values + after) / 3
    return values


class Overlays:
    """The overlays of one film, and how they are shown."""

    def __init__(self) -> None:
        self.heat: HeatLayer | None = None
        self.is_heat_shown = True
        self.opacity = USUAL_OPACITY
        self.lines: list[QLineF] = []  # of an outline, in fractions of the film's sides
        self.stamp = ""

    @property
    def visible_heat(self) -> HeatLayer | None:
        """The heat map, if it is there and to be seen."""
        return self.heat if self.is_heat_shown else None

    def set_heat(self, heat: NDArray[np.floating] | None) -> None:
        """Lay a heat map, shape (h, w) in [0, 1], over the film, or take it away."""
        is_map = heat is not None and heat.ndim == 2 and heat.size > 0
        self.heat = HeatLayer(heat) if heat is not None and is_map else None

    def set_outline(self, mask: NDArray[np.bool_] | None) -> None:
        """Draw the border of a mask, shape (h, w), or none."""
        self.lines = [] if mask is None else outline(np.asarray(mask, np.bool_))

    def clear(self) -> None:
        """Take away whatever belongs to the film; how it is shown stays."""
        self.heat, self.lines, self.stamp = None, [], ""
