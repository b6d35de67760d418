"""What is written in the corners of a film: small, on a dark ground, never markup."""

from dataclasses import dataclass, field

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QTextOption

from app.widgets.severity_sign import draw_sign

PLAIN = QColor("#dce3ea")  # on black in either theme
FAINT = QColor("#9aa7b4")
MARK = QColor("#ffd166")  # what changes how the film reads: flipped, inverted
_GROUND = QColor(0, 0, 0, 150)
_STAMP, _STAMP_GROUND = QColor("#231a00"), QColor("#f0b429")
MARGIN_PX = 8.0
_PADDING_PX = 4.0
_STAMP_PADDING_PX = 6.0
_STAMP_LINES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text and its colour."""

    text: str
    colour: QColor = field(default_factory=lambda: PLAIN)
    is_cut_in_the_middle: bool = False  # where it is too long: the end of a file name tells more


def draw_corner(
    painter: QPainter, room: QRectF, lines: list[Line], corner: Qt.AlignmentFlag
) -> QRectF:
    """Write lines into a corner.

    Args:
        painter: Its font is used.
        room: Whose corner it is; the lines take at most half of its width.
        lines: From the top; empty ones are left out.
        corner: A horizontal and a vertical alignment.

    Returns:
        What was covered.
    """
    metrics = QFontMetricsF(painter.font())
    most = room.width() / 2 - 1.5 * MARGIN_PX
    texts = [(_cut(line, metrics, most), line.colour) for line in lines if line.text]
    if not texts or most < 40:
        return QRectF()
    width = max(metrics.horizontalAdvance(text) for text, _ in texts) + 2 * _PADDING_PX
    height = metrics.height() * len(texts) + 2 * _PADDING_PX
    left, top = room.left() + MARGIN_PX, room.top() + MARGIN_PX
    if corner & Qt.AlignmentFlag.AlignRight:
        left = room.right() - MARGIN_PX - width
    if corner & Qt.AlignmentFlag.AlignBottom:
        top = room.bottom() - MARGIN_PX - height
    place = QRectF(left, top, width, height)
    draw_ground(painter, place)
    for row, (text, colour) in enumerate(texts):
        painter.setPen(colour)
        x = left + _PADDING_PX
        if corner & Qt.AlignmentFlag.AlignRight:
            x = place.right() - _PADDING_PX - metrics.horizontalAdvance(text)
        y = top + _PADDING_PX + metrics.height() * row + metrics.ascent()
        painter.drawText(QPointF(x, y), text)
    return place


def draw_ground(painter: QPainter, place: QRectF) -> None:
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
    draw_ground(painter, ground)
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
    if words.width() < 40:
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
