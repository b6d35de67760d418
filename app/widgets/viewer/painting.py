"""Marks and texts on an X-ray: corners, rulers, scale bar, legend, stamp, magnifying glass."""

import math
from dataclasses import dataclass, field

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QTextOption

from app.i18n import tr
from app.widgets.signs import draw_sign
from app.widgets.viewer.layers import heat_table
from app.widgets.viewer.picture import FilmGeometry
from app.widgets.viewer.state import FilmState
from core.images.film import Spacing

PLAIN = QColor("#dce3ea")  # on black in either theme
FAINT = QColor("#9aa7b4")
MARK = QColor("#ffd166")  # what changes how the film reads: flipped, inverted; the chosen ruler
_RULER, _OUTLINE, _FRAME = QColor("#7fe3d4"), QColor("#58c7f3"), QColor("#4db6ac")
_SHADE = QColor(0, 0, 0, 170)  # beside thin lines
_GROUND = QColor(0, 0, 0, 150)  # under texts
_STAMP, _STAMP_GROUND = QColor("#231a00"), QColor("#f0b429")
MARGIN_PX = 8.0
_PADDING_PX = 4.0
_LEAST_ROOM_PX = 40  # for words; in less nothing is written
_STAMP_PADDING_PX = 6.0
_STAMP_LINES = 3
_GLASS_RADIUS_PX = 120.0
_GLASS_TIMES = 2.5  # as large as around it
_GLASS_SCALES = (1.0, 40.0)  # least and most pixels of the screen a pixel of the film
_BAR_PX = 130.0  # at most, of the scale bar
_BAR_ROOM_PX = 320.0  # in less there is none
_LEGEND_PX, _LEGEND_HEIGHT_PX = 110.0, 8.0


def draw_sentence(painter: QPainter, room: QRectF, text: str) -> None:
    """Write a sentence into the middle, in place of a film."""
    painter.setPen(PLAIN)
    how = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(room.adjusted(24, 24, -24, -24), int(how), text)


def draw_frame(painter: QPainter, place: QRect) -> None:
    """Draw the frame of the pane that takes the keys."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_FRAME, 1))
    painter.drawRect(place.adjusted(0, 0, -1, -1))


def draw_outline(painter: QPainter, lines: list[QLineF]) -> None:
    """Draw the border of a mask."""
    for colour, thickness in ((_SHADE, 2.4), (_OUTLINE, 1.2)):
        painter.setPen(QPen(colour, thickness))
        painter.drawLines(lines)


def draw_ruler(painter: QPainter, line: QLineF, *, is_chosen: bool) -> None:
    """Draw a ruler with an arm across each end."""
    across = line.normalVector().unitVector()
    arm = QPointF(across.dx(), across.dy()) * 6
    for pen in (QPen(_SHADE, 3.2), QPen(MARK if is_chosen else _RULER, 1.4)):
        painter.setPen(pen)
        painter.drawLine(line)
        for place in (line.p1(), line.p2()):
            painter.drawLine(place - arm, place + arm)


def draw_cross(painter: QPainter, place: QPointF) -> None:
    """Mark the place that the mouse is on in another pane."""
    for pen in (QPen(_SHADE, 3.2), QPen(_RULER, 1.2)):
        painter.setPen(pen)
        for way in (QPointF(1, 0), QPointF(-1, 0), QPointF(0, 1), QPointF(0, -1)):
            painter.drawLine(place + way * 4, place + way * 11)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and its colour."""

    text: str
    colour: QColor = field(default_factory=lambda: PLAIN)
    is_cut_in_the_middle: bool = False  # where it is too long: the end of a file name tells more


def draw_corner(
    painter: QPainter, room: QRectF, lines: list[Line], corner: Qt.AlignmentFlag
) -> None:
    """Write lines into a corner.

    Args:
        painter: Its font is used.
        room: Whose corner it is; the lines take at most half of its width.
        lines: From the top; empty ones are left out.
        corner: A horizontal and a vertical alignment.
    """
    metrics = QFontMetricsF(painter.font())
    most = room.width() / 2 - 1.5 * MARGIN_PX
    texts = [(_cut(line, metrics, most), line.colour) for line in lines if line.text]
    if not texts or most < _LEAST_ROOM_PX:
        return
    width = max(metrics.horizontalAdvance(text) for text, _ in texts) + 2 * _PADDING_PX
    height = metrics.height() * len(texts) + 2 * _PADDING_PX
    left, top = room.left() + MARGIN_PX, room.top() + MARGIN_PX
    if corner & Qt.AlignmentFlag.AlignRight:
        left = room.right() - MARGIN_PX - width
    if corner & Qt.AlignmentFlag.AlignBottom:
        top = room.bottom() - MARGIN_PX - height
    place = QRectF(left, top, width, height)
    _draw_ground(painter, place)
    for row, (text, colour) in enumerate(texts):
        painter.setPen(colour)
        x = left + _PADDING_PX
        if corner & Qt.AlignmentFlag.AlignRight:
            x = place.right() - _PADDING_PX - metrics.horizontalAdvance(text)
        y = top + _PADDING_PX + metrics.height() * row + metrics.ascent()
        painter.drawText(QPointF(x, y), text)


def _draw_ground(painter: QPainter, place: QRectF) -> None:
    """Darken the film where something is written."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GROUND)
    painter.drawRoundedRect(place, 3, 3)


def draw_label(painter: QPainter, place: QPointF, text: str, room: QRectF) -> None:
    """Write one line beside a place, kept inside the room."""
    metrics = QFontMetricsF(painter.font())
    size = (metrics.horizontalAdvance(text) + 2 * _PADDING_PX, metrics.height() + 2)
    left = min(max(place.x() + 8, room.left()), room.right() - size[0])
    top = min(max(place.y() - size[1] / 2, room.top()), room.bottom() - size[1])
    ground = QRectF(left, top, *size)
    _draw_ground(painter, ground)
    painter.setPen(PLAIN)
    painter.drawText(QPointF(left + _PADDING_PX, top + 1 + metrics.ascent()), text)


def draw_stamp(painter: QPainter, room: QRectF, text: str) -> float:
    """Write a warning across the top of the room.

    Returns:
        How much of the room's height it takes.
    """
    metrics = QFontMetricsF(painter.font())
    sign = metrics.height()
    indent = sign + 2.5 * _STAMP_PADDING_PX
    words = QRectF(
        room.left() + indent,
        room.top() + _STAMP_PADDING_PX,
        room.width() - indent - _STAMP_PADDING_PX,
        metrics.height() * _STAMP_LINES + 1,
    )
    if words.width() < _LEAST_ROOM_PX:
        return 0.0
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop
    option = QTextOption(flags)
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    needed = painter.boundingRect(words, text, option).height()
    height = min(max(needed, metrics.height()), words.height()) + 2 * _STAMP_PADDING_PX
    painter.fillRect(QRectF(room.left(), room.top(), room.width(), height), _STAMP_GROUND)
    place = QRectF(room.left() + _STAMP_PADDING_PX, room.top() + _STAMP_PADDING_PX, sign, sign)
    draw_sign(painter, place, "warning", _STAMP, _STAMP_GROUND)
    painter.setPen(_STAMP)
    painter.save()
    painter.setClipRect(QRectF(room.left(), room.top(), room.width(), height))
    painter.drawText(words, text, option)
    painter.restore()
    return height


def _cut(line: Line, metrics: QFontMetricsF, most: float) -> str:
    mode = (
        Qt.TextElideMode.ElideMiddle if line.is_cut_in_the_middle else Qt.TextElideMode.ElideRight
    )
    return metrics.elidedText(" ".join(line.text.split()), mode, most)


def draw_magnifier(
    painter: QPainter, state: FilmState, geometry: FilmGeometry, pointer: QPointF
) -> None:
    """Draw the glass; it shows the film alone, without heat, so that one sees beneath it."""
    radius = min(_GLASS_RADIUS_PX, geometry.room.width() / 3, geometry.room.height() / 3)
    if radius < 20:
        return
    scale = min(max(geometry.scale * _GLASS_TIMES, _GLASS_SCALES[0]), _GLASS_SCALES[1])
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
    painter.setPen(QPen(PLAIN, 1.5))
    painter.drawEllipse(glass)
    painter.restore()


def round_length(most: float) -> float:
    """Return the greatest of 1, 2 or 5 times a power of ten that is not above `most` > 0."""
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
    if room.width() < _BAR_ROOM_PX or unit <= 0:
        return bottom
    length_mm = round_length(_BAR_PX / unit * a_pixel)
    length = length_mm / a_pixel * unit
    text = tr("{length} mm", length=f"{length_mm:,g}")
    if spacing.is_at_detector:
        text = tr("{length} mm at the detector", length=f"{length_mm:,g}")
    metrics = QFontMetricsF(painter.font())
    width = max(length, metrics.horizontalAdvance(text)) + 2 * _PADDING_PX
    height = metrics.height() + 10 + _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    _draw_ground(painter, ground)
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


def draw_legend(painter: QPainter, room: QRectF, bottom: float) -> None:
    """Draw what the colours of a heat map mean, above `bottom`."""
    metrics = QFontMetricsF(painter.font())
    low, high = tr("low"), tr("high")
    words = metrics.horizontalAdvance(low) + metrics.horizontalAdvance(high) + 12
    title = tr("Speaks for this class")
    width = max(_LEGEND_PX + words, metrics.horizontalAdvance(title)) + 2 * _PADDING_PX
    if width + 2 * MARGIN_PX > room.width():
        return
    height = 2 * metrics.height() + 2 * _PADDING_PX
    ground = QRectF(room.right() - MARGIN_PX - width, bottom - height, width, height)
    _draw_ground(painter, ground)
    painter.setPen(PLAIN)
    first = ground.top() + _PADDING_PX + metrics.ascent()
    second = first + metrics.height()
    painter.drawText(QPointF(ground.left() + _PADDING_PX, first), title)
    x = ground.left() + _PADDING_PX
    painter.drawText(QPointF(x, second), low)
    x += metrics.horizontalAdvance(low) + 6
    y = second - metrics.ascent() / 2 - _LEGEND_HEIGHT_PX / 2 + 1
    place = QRectF(x, y, _LEGEND_PX, _LEGEND_HEIGHT_PX)
    painter.fillRect(place, QColor("black"))
    colours = heat_table(1.0)
    strip = QImage(colours.data, 256, 1, 4 * 256, QImage.Format.Format_ARGB32_Premultiplied)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, strip.copy())
    painter.setPen(QPen(PLAIN, 0.6))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(place)
    painter.drawText(QPointF(place.right() + 6, second), high)
