"""A run's curve the size of a stamp."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

SIZE_PX = QSize(72, 28)
SCALE = 2.0  # finer for screens with many pixels
_MARGIN_PX = 3
_DOT_PX = 2.0


def curve_thumbnail(values: Sequence[float], colour: str) -> QPixmap:
    """Draw values from left to right, the greatest at the top; gaps where they are no numbers.

    Args:
        values: One an epoch.
        colour: As #rrggbb.
    """
    picture = QPixmap(SIZE_PX * SCALE)
    picture.fill(Qt.GlobalColor.transparent)
    numbers = [value for value in values if math.isfinite(value)]
    if not numbers:
        return picture
    low, high = min(numbers), max(numbers)
    right, bottom = SIZE_PX.width() - 2 * _MARGIN_PX, SIZE_PX.height() - 2 * _MARGIN_PX
    painter = QPainter(picture)
    painter.scale(SCALE, SCALE)
    painter.translate(_MARGIN_PX, _MARGIN_PX)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colour), 1.4))
    line = QPolygonF()
    for place, value in enumerate(values):
        if math.isfinite(value):
            height = (value - low) / (high - low) if high > low else 0.5
            line.append(QPointF(right * place / max(1, len(values) - 1), bottom * (1 - height)))
        else:
            painter.drawPolyline(line)
            line.clear()
    painter.drawPolyline(line)
    if not line.isEmpty():  # where the run stands now
        painter.setBrush(QColor(colour))
        painter.drawEllipse(line.last(), _DOT_PX, _DOT_PX)
    painter.end()
    picture.setDevicePixelRatio(SCALE)
    return picture
