"""A heat map over a film, at the resolution of the screen."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QSizeF
from PySide6.QtGui import QImage, QPainter

from app.widgets.viewer.heat_colours import heat_table
from app.widgets.viewer.orientation import Orientation
from app.widgets.viewer.placement import Placement
from app.widgets.viewer.resampling import Pyramid


class HeatLayer:
    """Draws heat over a film.

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
        """The heat at a fraction of the film's width and height, without smoothing."""
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
