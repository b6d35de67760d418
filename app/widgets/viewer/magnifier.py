"""A round glass over the film that shows what is under the pointer larger."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from app.widgets.film_geometry import FilmGeometry
from app.widgets.viewer.film_state import FilmState

_RADIUS_PX = 120.0
_TIMES = 2.5  # as large as around it
_LEAST_SCALE = 1.0  # pixels of the screen a pixel of the film
_MOST_SCALE = 40.0
_RIM = QColor("#dce3ea")


def draw_magnifier(
    painter: QPainter, state: FilmState, geometry: FilmGeometry, pointer: QPointF
) -> None:
    """Draw the glass; it shows the film alone, without heat, so that one sees beneath it."""
    radius = min(_RADIUS_PX, geometry.room.width() / 3, geometry.room.height() / 3)
    if radius < 20:
        return
    scale = min(max(geometry.scale * _TIMES, _LEAST_SCALE), _MOST_SCALE)
    seen = 2 * radius * geometry.ratio / scale  # pixels of the film
    middle = geometry.film_point(pointer)
    box = QRectF(middle.x() - seen / 2, middle.y() - seen / 2, seen, seen)
    side = max(1, round(2 * radius * geometry.ratio))
    picture = state.picture.glimpse(box, QSize(side, side), state.orientation)
    glass = QRectF(pointer.x() - radius, pointer.y() - radius, 2 * radius, 2 * radius)
    shape = QPainterPath()
    shape.addEllipse(glass)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipPath(shape)
    painter.drawImage(glass, picture)
    painter.setClipping(False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 160), 4))
    painter.drawEllipse(glass)
    painter.setPen(QPen(_RIM, 1.5))
    painter.drawEllipse(glass)
    painter.restore()
