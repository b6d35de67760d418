"""One film of the list: picture, name, verdict, answer and how probable, a quiet last line."""

import logging
from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.widgets.reading_list.model import AnyIndex, ReadingListModel
from app.widgets.reading_list.pictures import RowPictures
from app.widgets.reading_list.row import ReadingRow, RowWords
from app.widgets.trust.verdict_sign import draw_verdict

SIDE_PX: Final = 48  # of the picture
SIGN_PX: Final = 16
PAD_PX: Final = 8
EDGE_PX: Final = 3  # of the bar at a chosen row's left
_MAX_TEXTS: Final = 4000

State = QStyle.StateFlag
Elide = Qt.TextElideMode
RIGHT, LEFT = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft

log = logging.getLogger(__name__)


class ReadingDelegate(QStyledItemDelegate):
    """Draws a row; every error on the way is logged, because Qt would end the program."""

    def __init__(self, model: ReadingListModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._pictures = RowPictures()
        self._colours: Mapping[str, str] = {}
        # Finding where to cut a text costs as much as drawing it.
        self._elided: dict[tuple[str, int, Elide, bool], str] = {}
        self._in_two: dict[tuple[str, int], tuple[str, str]] = {}

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours, see `resources.colours`."""
        self._colours = colours

    def forget(self) -> None:
        """Measure texts anew, after the font changed, and let pictures go."""
        self._elided.clear()
        self._in_two.clear()
        self._pictures.clear()

    def row_height(self, font: QFont) -> int:
        """The same for all rows."""
        lines = 2 * QFontMetrics(font).height() + QFontMetrics(_small(font)).height()
        return max(SIDE_PX, lines + 2) + 2 * PAD_PX - 4

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(0, self.row_height(option.font))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        painter.save()
        try:
            key = self._model.key_at(index.row())
            film = self._model.film(key) if key is not None else None
            if film is not None:
                self._draw(painter, option, film, self._model.words(film.key))
        except Exception:
            log.exception("a row of the list cannot be drawn")
        finally:
            painter.restore()

    def _draw(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        film: ReadingRow,
        words: RowWords,
    ) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell, palette = option.rect, option.palette
        self._draw_ground(painter, cell, palette, option.state)
        picture = QRect(cell.left() + PAD_PX + EDGE_PX, 0, SIDE_PX, SIDE_PX)
        picture.moveTop(cell.top() + (cell.height() - SIDE_PX) // 2)
        self._draw_picture(painter, picture, film, palette)
        left = picture.right() + 1 + PAD_PX
        room = QRect(left, cell.top(), cell.right() - PAD_PX - left, cell.height())
        self._draw_lines(painter, room, film, words, option)

    def _draw_ground(
        self, painter: QPainter, cell: QRect, palette: QPalette, state: QStyle.StateFlag
    ) -> None:
        """Chosen: filled, with a bar at the left. Current while the keys work here: framed."""
        is_selected = bool(state & State.State_Selected)
        if is_selected:
            painter.fillRect(cell, palette.highlight())
            painter.fillRect(QRect(cell.topLeft(), QSize(EDGE_PX, cell.height())), palette.link())
        elif state & State.State_MouseOver:
            painter.fillRect(cell, _faint(palette, 0.06))
        painter.fillRect(QRect(cell.left(), cell.bottom(), cell.width(), 1), _faint(palette, 0.08))
        if state & State.State_HasFocus:
            painter.setPen(QPen(_faint(palette, 0.7), 1, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(cell).adjusted(EDGE_PX + 1.5, 1.5, -1.5, -2.5))

    def _draw_picture(
        self, painter: QPainter, room: QRect, film: ReadingRow, palette: QPalette
    ) -> None:
        pixmap = None
        if film.thumbnail is not None:
            scale = painter.device().devicePixelRatioF()
            pixmap = self._pictures.get(film.thumbnail, SIDE_PX, scale)
        if pixmap is not None:
            painter.fillRect(room, QColor(self._colours.get("film", "#000000")))
            place = QRectF(QPointF(0, 0), pixmap.deviceIndependentSize())
            place.moveCenter(QRectF(room).center())
            painter.drawPixmap(place.topLeft(), pixmap)
            return
        painter.setPen(QPen(_faint(palette, 0.35), 1, Qt.PenStyle.DashLine))
        painter.setBrush(_faint(palette, 0.04))
        painter.drawRoundedRect(QRectF(room).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        if film.refusal is not None:
            cross = QRectF(room).adjusted(17, 17, -17, -17)
            painter.setPen(_round_pen(_faint(palette, 0.6), 2))
            painter.drawLine(cross.topLeft(), cross.bottomRight())
            painter.drawLine(cross.topRight(), cross.bottomLeft())

    def _draw_lines(
        self,
        painter: QPainter,
        room: QRect,
        film: ReadingRow,
        words: RowWords,
        option: QStyleOptionViewItem,
    ) -> None:
        normal, small = option.font, _small(option.font)
        height, small_height = QFontMetrics(normal).height(), QFontMetrics(small).height()
        text, quiet = option.palette.text().color(), self._quiet(option.palette)
        n_small = 2 if film.refusal is not None else bool(words.note)
        n_normal = 1 if film.refusal is not None else 2
        used = n_normal * height + n_small * small_height + 2
        name = QRect(room.left(), room.top() + (room.height() - used) // 2, room.width(), height)
        answer = name.translated(0, height + 2)
        note = QRect(room.left(), answer.bottom() + 1, room.width(), small_height)

        if film.level is not None:
            sign = QRectF(0, 0, SIGN_PX, SIGN_PX)
            sign.moveCenter(QPointF(room.right() - SIGN_PX / 2, name.center().y() + 0.5))
            is_selected = bool(option.state & State.State_Selected)
            ground = "selected" if is_selected else "field"
            draw_verdict(painter, sign, film.level, self._colours, ground)
            name.setWidth(name.width() - SIGN_PX - PAD_PX)
        painter.setFont(normal)
        is_film = film.label is not None
        self._write(painter, name, film.short_name, text if is_film else quiet, Elide.ElideMiddle)
        if film.refusal is not None:  # two lines of its reason say more than "not read" and one
            painter.setFont(small)
            line = QRect(room.left(), name.bottom() + 3, room.width(), small_height)
            for part in self._broken(words.note, small, room.width()):
                self._write(painter, line, part, quiet, is_small=True)
                line.translate(0, small_height)
            return
        metrics = QFontMetrics(normal)
        if words.probability:
            width = metrics.horizontalAdvance(words.probability)
            painter.setPen(text)
            painter.drawText(answer, int(RIGHT), words.probability)
            answer.setWidth(answer.width() - width - PAD_PX)
        mark_px = metrics.ascent()
        if film.is_right is not None:
            answer.setWidth(answer.width() - mark_px - 4)
        said = self._write(painter, answer, words.answer, text if is_film else quiet)
        if film.is_right is not None:
            mark = QRectF(0, 0, mark_px, mark_px)
            mark.moveCenter(QPointF(answer.left() + said + 5 + mark_px / 2, answer.center().y()))
            self._draw_mark(painter, mark, film.is_right)
        if words.note:
            painter.setFont(small)
            self._write(painter, note, words.note, quiet, is_small=True)

    def _draw_mark(self, painter: QPainter, place: QRectF, is_right: bool) -> None:
        """A tick or a cross for the answer, whose truth is known."""
        side = place.width()
        name = "good" if is_right else "danger"
        painter.setPen(_round_pen(QColor(self._colours.get(name, "#808080")), max(1.6, side / 7)))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        at = place.topLeft()
        if is_right:
            tick = [(0.16, 0.55), (0.4, 0.8), (0.84, 0.24)]
            painter.drawPolyline(QPolygonF([at + QPointF(x * side, y * side) for x, y in tick]))
        else:
            inner = place.adjusted(side * 0.22, side * 0.22, -side * 0.22, -side * 0.22)
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    def _write(
        self,
        painter: QPainter,
        room: QRect,
        text: str,
        colour: QColor,
        elide: Elide = Elide.ElideRight,
        *,
        is_small: bool = False,
    ) -> int:
        """Draw one line, cut where it must be; how wide it became."""
        metrics = painter.fontMetrics()
        key = (text, room.width(), elide, is_small)
        if key not in self._elided:
            if len(self._elided) > _MAX_TEXTS:
                self._elided.clear()
            # Foreign text: a line break in a name would push the rest out of the cell.
            self._elided[key] = metrics.elidedText(" ".join(text.split()), elide, room.width())
        painter.setPen(colour)
        how = LEFT | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
        painter.drawText(room, int(how), self._elided[key])
        return metrics.horizontalAdvance(self._elided[key])

    def _broken(self, text: str, font: QFont, width: int) -> tuple[str, str]:
        """A sentence in two lines, of which the second may be too long."""
        key = (text, width)
        if key not in self._in_two:
            if len(self._in_two) > _MAX_TEXTS:
                self._in_two.clear()
            layout = QTextLayout(text, font)
            layout.setTextOption(QTextOption(LEFT))
            layout.beginLayout()
            line = layout.createLine()
            line.setLineWidth(width)
            layout.endLayout()
            self._in_two[key] = (text[: line.textLength()], text[line.textLength() :])
        return self._in_two[key]

    def _quiet(self, palette: QPalette) -> QColor:
        known = self._colours.get("muted")
        return QColor(known) if known else _faint(palette, 0.7)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    if font.pointSizeF() > 0:
        small.setPointSizeF(font.pointSizeF() * 0.9)
    elif font.pixelSize() > 0:
        small.setPixelSize(max(1, round(font.pixelSize() * 0.9)))
    return small


def _faint(palette: QPalette, share: float) -> QColor:
    colour = QColor(palette.text().color())
    colour.setAlphaF(share)
    return colour


def _round_pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
