"""A shape for each severity, so that colour is not needed to tell them apart."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

SCALE = 2.0  # finer for screens with many pixels


def draw_sign(
    painter: QPainter, place: QRectF, severity: str, colour: QColor, ground: QColor
) -> None:
    """Draw an octagon with a cross, a triangle with a "!" or a disc with an "i".

    Args:
        painter: Antialiased.
        place: A square.
        severity: "error", "warning" or "note".
        colour: Of the shape.
        ground: Of what is cut into it.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    middle, radius = place.center(), place.width() / 2
    cut = QPen(ground, max(1.5, radius / 3.5), c=Qt.PenCapStyle.FlatCap)
    match severity:
        case "error":
            angles = [math.pi * (2 * corner + 1) / 8 for corner in range(8)]
            corners = [middle + QPointF(math.cos(a), math.sin(a)) * radius for a in angles]
            painter.drawPolygon(QPolygonF(corners))
            painter.setPen(cut)
            arm = radius * 0.42
            painter.drawLine(middle + QPointF(-arm, -arm), middle + QPointF(arm, arm))
            painter.drawLine(middle + QPointF(arm, -arm), middle + QPointF(-arm, arm))
        case "warning":
            corners = [QPointF(middle.x(), place.top()), place.bottomRight(), place.bottomLeft()]
            painter.drawPolygon(QPolygonF(corners))
            painter.setPen(cut)
            painter.drawLine(middle + QPointF(0, -radius / 3), middle + QPointF(0, radius * 0.35))
            painter.drawLine(middle + QPointF(0, radius * 0.52), middle + QPointF(0, radius * 0.8))
        case _:
            painter.drawEllipse(place.adjusted(1, 1, -1, -1))
            painter.setPen(cut)
            painter.drawLine(middle + QPointF(0, -radius * 0.1), middle + QPointF(0, radius * 0.55))
            painter.drawLine(
                middle + QPointF(0, -radius * 0.55), middle + QPointF(0, -radius * 0.28)
            )


def sign_icon(severity: str, colour: str, ground: str, size_px: int) -> QIcon:
    """The sign as an icon; colours as #rrggbb."""
    picture = QPixmap(round(size_px * SCALE), round(size_px * SCALE))
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(SCALE)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_sign(
        painter, QRectF(1, 1, size_px - 2, size_px - 2), severity, QColor(colour), QColor(ground)
    )
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt would tint it
    return icon
