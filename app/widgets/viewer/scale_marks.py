"""What tells sizes: the bar of a few centimetres, and the legend of a heat map."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen

from app.translation import tr
from app.widgets.viewer.corner_texts import MARGIN_PX, PLAIN, draw_ground
from app.widgets.viewer.heat_colours import heat_table
from core.data.images import Spacing

_WIDEST_PX = 130.0
_NARROWEST_ROOM_PX = 320.0
_PADDING_PX = 4.0
_LEGEND_PX = 110.0
_LEGEND_HEIGHT_PX = 8.0


def round_length(most: float) -> float:
    """The greatest of 1, 2 or 5 times a power of ten that is not above `most`, more than 0."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= most * (1 + 1e-9))


def draw_scale_bar(
    painter: QPainter, room: QRectF, bottom: float, spacing: Spacing, unit: float, is_turned: bool
) -> float:
    """Draw a bar that is a round number of millimetres long.

    Args:
        painter: Its font is used.
        room: At whose right side the bar stands.
        bottom: Above which place.
        spacing: Of the film's pixels.
        unit: Qt's pixels to a pixel of the film.
        is_turned: Whether the film lies on its side.

    Returns:
        Where the next thing above it may end.
    """
    a_pixel = spacing.down_mm if is_turned else spacing.across_mm
    if room.width() < _NARROWEST_ROOM_PX or unit <= 0:
        return bottom
    length_mm = round_length(_WIDEST_PX / unit * a_pixel)
    length = length_mm / a_pixel * unit
    text = tr("{length} mm", length=f"{length_mm:,g}")
    if spacing.is_at_detector:
        text = tr("{length} mm at the detector", length=f"{length_mm:,g}")
    metrics = QFontMetricsF(painter.font())
    width = max(length, metrics.horizontalAdvance(text)) + 2 * _PADDING_PX
    height = metrics.height() + 10 + _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    draw_ground(painter, ground)
    right, y = ground.right() - _PADDING_PX, ground.bottom() - 7
    painter.setPen(QPen(PLAIN, 1.5))
    left = right - length
    painter.drawLine(QPointF(left, y), QPointF(right, y))
    for x in (left, right):
        painter.drawLine(QPointF(x, y - 4), QPointF(x, y + 3))
    painter.drawText(
        QPointF(right - metrics.horizontalAdvance(text), ground.top() + 2 + metrics.ascent()), text
    )
    return ground.top() - 4


def draw_legend(painter: QPainter, room: QRectF, bottom: float) -> float:
    """Draw what the colours of a heat map mean; returns where the next thing above may end."""
    metrics = QFontMetricsF(painter.font())
    low, high = tr("low"), tr("high")
    words = metrics.horizontalAdvance(low) + metrics.horizontalAdvance(high) + 12
    title = tr("Speaks for this class")
    bar = _LEGEND_PX
    width = max(bar + words, metrics.horizontalAdvance(title)) + 2 * _PADDING_PX
    if width + 2 * MARGIN_PX > room.width():
        return bottom
    height = 2 * metrics.height() + 2 * _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    draw_ground(painter, ground)
    painter.setPen(PLAIN)
    first = ground.top() + _PADDING_PX + metrics.ascent()
    second = first + metrics.height()
    painter.drawText(QPointF(ground.left() + _PADDING_PX, first), title)
    x = ground.left() + _PADDING_PX
    painter.drawText(QPointF(x, second), low)
    x += metrics.horizontalAdvance(low) + 6
    y = second - metrics.ascent() / 2 - _LEGEND_HEIGHT_PX / 2 + 1
    place = QRectF(x, y, bar, _LEGEND_HEIGHT_PX)
    painter.fillRect(place, QColor("black"))
    colours = heat_table(1.0)
    strip = QImage(colours.data, 256, 1, 4 * 256, QImage.Format.Format_ARGB32_Premultiplied)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, strip.copy())
    painter.setPen(QPen(PLAIN, 0.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place)
    painter.drawText(QPointF(place.right() + 6, second), high)
    return ground.top() - 4
