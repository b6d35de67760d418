"""Signs of severity, of a run's state and of a verdict, told apart by shape and not by colour."""

import math
from collections.abc import Mapping
from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QIcon,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy

from app.i18n import say
from app.widgets.labels import MIDDLE_GREY, plain_tip
from app.widgets.page import TranslatedWidget
from core.prediction.verdict import Level, level_meaning, level_words

Sign = Literal["error", "warning", "note", "tick", "play", "pause", "stop"]

SMALL_PX, MEDIUM_PX, HEADLINE_PX = 16, 24, 32
GAP_PX = 8  # between sign and word
_SCALE = 2.0  # of icons: finer for screens with many pixels
_BOLD_FROM_PX: Final = 24  # a verdict this large stands beside a headline
_OCTAGON_CUT: Final = 0.293  # of a side, at each corner of a regular octagon in a square
_VERDICT_COLOURS: Final[Mapping[Level, str]] = {
    "no_warnings": "good",
    "caution": "warning",
    "not_reliable": "danger",
    "cannot_be_checked": "muted",
}


def draw_sign(painter: QPainter, place: QRectF, sign: str, colour: QColor, ground: QColor) -> None:
    """Draw a sign whose shape tells it from the others.

    Args:
        painter: Antialiased.
        place: A square.
        sign: One of `Sign`; any other is drawn as a note.
        colour: Of the shape.
        ground: Of what is cut into it.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    middle, radius = place.center(), place.width() / 2
    inner = place.adjusted(1, 1, -1, -1)
    cut = QPen(ground, max(1.5, radius / 3.5), c=Qt.PenCapStyle.FlatCap)
    match sign:
        case "error":  # an octagon with a cross
            angles = [math.pi * (2 * corner + 1) / 8 for corner in range(8)]
            corners = [middle + QPointF(math.cos(a), math.sin(a)) * radius for a in angles]
            painter.drawPolygon(QPolygonF(corners))
            painter.setPen(cut)
            arm = radius * 0.42
            painter.drawLine(middle + QPointF(-arm, -arm), middle + QPointF(arm, arm))
            painter.drawLine(middle + QPointF(arm, -arm), middle + QPointF(-arm, arm))
        case "warning":  # a triangle with a "!"
            corners = [QPointF(middle.x(), place.top()), place.bottomRight(), place.bottomLeft()]
            painter.drawPolygon(QPolygonF(corners))
            painter.setPen(cut)
            painter.drawLine(middle + QPointF(0, -radius / 3), middle + QPointF(0, radius * 0.35))
            painter.drawLine(middle + QPointF(0, radius * 0.52), middle + QPointF(0, radius * 0.8))
        case "tick":  # in a disc
            painter.drawEllipse(inner)
            side = inner.width()
            painter.setPen(QPen(ground, max(1.5, side / 8), c=Qt.PenCapStyle.RoundCap))
            corner = _at(inner, (0.44, 0.68))
            painter.drawLine(_at(inner, (0.27, 0.52)), corner)
            painter.drawLine(corner, _at(inner, (0.74, 0.33)))
        case "play":
            corners = [_at(inner, point) for point in ((0.12, 0.0), (0.12, 1.0), (1.0, 0.5))]
            painter.drawPolygon(QPolygonF(corners))
        case "pause":
            side = inner.width()
            for left in (0.12, 0.58):
                painter.drawRect(QRectF(inner.left() + left * side, inner.top(), 0.3 * side, side))
        case "stop":
            painter.drawRect(inner.adjusted(1, 1, -1, -1))
        case _:  # a disc with an "i"
            painter.drawEllipse(inner)
            painter.setPen(cut)
            painter.drawLine(middle + QPointF(0, -radius * 0.1), middle + QPointF(0, radius * 0.55))
            painter.drawLine(
                middle + QPointF(0, -radius * 0.55), middle + QPointF(0, -radius * 0.28)
            )


def sign_icon(sign: str, colour: str, ground: str, size_px: int) -> QIcon:
    """Return a sign as an icon; colours as #rrggbb, see `draw_sign`."""
    picture = QPixmap(round(size_px * _SCALE), round(size_px * _SCALE))
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(_SCALE)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    place = QRectF(1, 1, size_px - 2, size_px - 2)
    draw_sign(painter, place, sign, QColor(colour), QColor(ground))
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # else Qt would tint it
    return icon


def verdict_colour(level: Level, colours: Mapping[str, str]) -> QColor:
    """Return the colour of a verdict among a theme's named colours."""
    return QColor(colours.get(_VERDICT_COLOURS[level], MIDDLE_GREY))


def draw_verdict(
    painter: QPainter,
    rect: QRectF,
    level: Level,
    colours: Mapping[str, str],
    ground: str = "panel",
) -> None:
    """Draw a tick in a disc, a "!" in a triangle, a bar in an octagon or a "?" in a square.

    Args:
        painter: Left as it was.
        rect: The sign fills the largest square in its middle.
        level: Of a verdict.
        colours: A theme's, see `resources.colours`.
        ground: The name of the colour that shows through what is cut into the sign.
    """
    side = min(rect.width(), rect.height())
    if side < 1:
        return
    place = QRectF(0, 0, side, side)
    place.moveCenter(rect.center())
    cut = QColor(colours.get(ground, "#ffffff"))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(verdict_colour(level, colours))
    match level:
        case "no_warnings":
            draw_sign(painter, place, "tick", verdict_colour(level, colours), cut)
        case "caution":
            # A triangle looks smaller than a disc of its width.
            draw_sign(painter, place, "warning", verdict_colour(level, colours), cut)
        case "not_reliable":
            near, far = _OCTAGON_CUT, 1 - _OCTAGON_CUT
            corners = [(near, 0.0), (far, 0.0), (1.0, near), (1.0, far)]
            corners += [(far, 1.0), (near, 1.0), (0.0, far), (0.0, near)]
            painter.drawPolygon(QPolygonF([_at(place, corner) for corner in corners]))
            painter.setPen(QPen(cut, max(1.6, side * 0.17), c=Qt.PenCapStyle.RoundCap))
            painter.drawLine(_at(place, (0.26, 0.5)), _at(place, (0.74, 0.5)))
        case _:
            inset = side * 0.04
            painter.drawRoundedRect(
                place.adjusted(inset, inset, -inset, -inset), side / 8, side / 8
            )
            _draw_question(painter, place, cut)
    painter.restore()


class VerdictSign(TranslatedWidget):
    """One verdict: its sign, and beside it the word.

    Args:
        size_px: Of the sign, 16 to 48.
        has_words: Whether the word stands beside it; else only in the tooltip.
    """

    def __init__(self, size_px: int = MEDIUM_PX, *, has_words: bool = True) -> None:
        super().__init__()
        self._size_px, self._has_words = size_px, has_words
        self._level: Level | None = None
        self._colours: Mapping[str, str] = {}
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    @property
    def level(self) -> Level | None:
        """The verdict that is shown; None: none yet."""
        return self._level

    def show_verdict(self, level: Level | None) -> None:
        """Draw another verdict; None: nothing."""
        self._level = level
        self.retranslate()

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self.update()

    def retranslate(self) -> None:
        level = self._level
        self._words = "" if level is None else say(level_words(level))
        self.setAccessibleName(self._words)
        self.setToolTip("" if level is None else plain_tip(say(level_meaning(level))))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        words_px = 0
        if self._has_words:
            metrics = QFontMetrics(self._word_font())
            words_px = GAP_PX + metrics.horizontalAdvance(self._words) + 1
        return QSize(self._size_px + words_px, max(self._size_px, self.fontMetrics().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._size_px, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._level is None:
            return
        painter = QPainter(self)
        top = (self.height() - self._size_px) / 2
        place = QRectF(0, top, self._size_px, self._size_px)
        draw_verdict(painter, place.adjusted(1, 1, -1, -1), self._level, self._colours)
        if not self._has_words:
            return
        painter.setFont(self._word_font())
        painter.setPen(self.palette().text().color())
        room = QRectF(self.rect())
        room.setLeft(self._size_px + GAP_PX)
        fitting = painter.fontMetrics().elidedText(
            self._words, Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), fitting)

    def _word_font(self) -> QFont:
        font = QFont(self.font())
        if self._size_px >= _BOLD_FROM_PX:
            font.setWeight(QFont.Weight.DemiBold)
        if self._size_px >= HEADLINE_PX:
            font.setPointSizeF(font.pointSizeF() * 1.3)
        return font


def _at(place: QRectF, share: tuple[float, float]) -> QPointF:
    return QPointF(place.left() + share[0] * place.width(), place.top() + share[1] * place.height())


def _draw_question(painter: QPainter, place: QRectF, colour: QColor) -> None:
    side = place.width()
    hook = QPainterPath()
    bow = QRectF(_at(place, (0.34, 0.2)), _at(place, (0.66, 0.52)))
    hook.arcMoveTo(bow, 175)
    hook.arcTo(bow, 175, -235)
    hook.quadTo(_at(place, (0.5, 0.53)), _at(place, (0.5, 0.64)))
    pen = QPen(colour, max(1.6, side * 0.11))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(hook)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    dot = max(1.0, side * 0.07)
    painter.drawEllipse(_at(place, (0.5, 0.8)), dot, dot)
