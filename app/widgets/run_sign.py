"""A shape for how a run stands, so that colour is not needed to tell them apart."""

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from app.widgets.severity_sign import SCALE, sign_icon

RunSign = Literal["tick", "play", "pause", "stop", "warning", "error"]
_INSET = 2.0  # of the shapes in their square


def run_sign(sign: RunSign, colour: str, ground: str, size_px: int) -> QIcon:
    """The sign as an icon; colours as #rrggbb, `ground` of what is cut into the shape."""
    if sign in ("warning", "error"):
        return sign_icon(sign, colour, ground, size_px)
    picture = QPixmap(round(size_px * SCALE), round(size_px * SCALE))
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(SCALE)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    side = size_px - 2 * _INSET
    _draw(painter, sign, QRectF(_INSET, _INSET, side, side), QColor(ground))
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt would tint it
    return icon


def _draw(painter: QPainter, sign: RunSign, place: QRectF, ground: QColor) -> None:
    side = place.width()
    match sign:
        case "tick":
            painter.drawEllipse(place)
            pen = QPen(ground, max(1.5, side / 8))
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            corner = place.topLeft() + QPointF(side * 0.44, side * 0.68)
            painter.drawLine(place.topLeft() + QPointF(side * 0.27, side * 0.52), corner)
            painter.drawLine(corner, place.topLeft() + QPointF(side * 0.74, side * 0.33))
        case "play":
            corners = [
                place.topLeft() + QPointF(side * 0.12, 0),
                place.bottomLeft() + QPointF(side * 0.12, 0),
                QPointF(place.right(), place.center().y()),
            ]
            painter.drawPolygon(QPolygonF(corners))
        case "pause":
            for left in (0.12, 0.58):
                painter.drawRect(
                    QRectF(place.left() + left * side, place.top(), side * 0.3, place.height())
                )
        case _:
            painter.drawRect(place.adjusted(1, 1, -1, -1))
