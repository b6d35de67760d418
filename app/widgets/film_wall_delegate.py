"""One film on the wall: picture, badge, name and class."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.widgets.film_wall_model import AnyIndex, WallFilm
from app.widgets.severity_sign import draw_sign

PAD_PX = 7  # between a cell's edge and what is in it
GAP_PX = 6  # between two cells
LEFT_OUT_OPACITY = 0.3

State = QStyle.StateFlag
Elide = Qt.TextElideMode


class FilmWallDelegate(QStyledItemDelegate):
    """Draws a cell; colours beyond the palette's come from the theme."""

    def __init__(
        self,
        film: Callable[[int], WallFilm],
        picture: Callable[[int], QPixmap | None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._film, self._picture = film, picture
        self._side_px = 128
        self._severities: dict[str, QColor] = {}
        # Finding where to cut a text costs as much as drawing it.
        self._elided: dict[tuple[str, int, Elide], str] = {}

    def set_side(self, side_px: int) -> None:
        self._side_px = side_px
        self.forget_texts()

    def set_severities(self, colours: dict[str, QColor]) -> None:
        """Take the colours of the badges' signs, one a severity."""
        self._severities = colours

    def forget_texts(self) -> None:
        """Measure texts anew, after the font or the room for them changed."""
        self._elided.clear()

    def cell_size(self, metrics: QFontMetrics) -> QSize:
        """The smallest cell, with its gap."""
        across = self._side_px + 2 * PAD_PX + GAP_PX
        return QSize(across, across + 2 * metrics.height() + 2)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return self.cell_size(option.fontMetrics)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = index.row()
        film, palette = self._film(row), option.palette
        half = GAP_PX // 2
        cell = option.rect.adjusted(half, half, -half, -half)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_ground(painter, cell, palette, option.state)
        room = QRect(
            cell.left() + (cell.width() - self._side_px) // 2,
            cell.top() + PAD_PX,
            self._side_px,
            self._side_px,
        )
        self._draw_picture(painter, room, row, film, palette)
        if film.badge:
            self._draw_badge(painter, cell, room, film, palette)
        self._draw_texts(painter, cell, room.bottom() + 4, film, palette)
        painter.restore()

    def _draw_ground(
        self, painter: QPainter, cell: QRect, palette: QPalette, state: QStyle.StateFlag
    ) -> None:
        """Selected: filled and framed. Current while the keys work here: a second frame."""
        is_selected = bool(state & State.State_Selected)
        has_focus = bool(state & State.State_HasFocus)
        if not (is_selected or has_focus or state & State.State_MouseOver):
            return
        frame = QRectF(cell).adjusted(1, 1, -1, -1)
        hover = QColor(palette.text().color())
        hover.setAlphaF(0.06)
        painter.setPen(QPen(palette.link().color(), 2) if is_selected else Qt.PenStyle.NoPen)
        painter.setBrush(palette.highlight() if is_selected else hover)
        painter.drawRoundedRect(frame, 5, 5)
        if has_focus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.text().color(), 1, Qt.PenStyle.DashLine))
            painter.drawRoundedRect(frame.adjusted(2.5, 2.5, -2.5, -2.5), 3, 3)

    def _draw_picture(
        self, painter: QPainter, room: QRect, row: int, film: WallFilm, palette: QPalette
    ) -> None:
        pixmap, place = self._picture(row), QRect(room)
        if pixmap is None:
            waiting = QColor(palette.text().color())
            waiting.setAlphaF(0.07)
            painter.fillRect(room, waiting)
        else:
            place.setSize(pixmap.deviceIndependentSize().toSize())
            place.moveCenter(room.center())
            painter.setOpacity(LEFT_OUT_OPACITY if film.is_left_out else 1.0)
            painter.drawPixmap(place.topLeft(), pixmap)
            painter.setOpacity(1.0)
        if film.is_left_out:
            inner = QRectF(place).adjusted(6, 6, -6, -6)
            painter.setPen(QPen(palette.text().color(), 2))
            painter.drawLine(inner.topLeft(), inner.bottomRight())
            painter.drawLine(inner.topRight(), inner.bottomLeft())

    def _draw_badge(
        self, painter: QPainter, cell: QRect, room: QRect, film: WallFilm, palette: QPalette
    ) -> None:
        metrics = painter.fontMetrics()
        sign = metrics.ascent()
        text = self._fit(film.badge, cell.width() - sign - 22, Elide.ElideRight, metrics)
        width = sign + metrics.horizontalAdvance(text) + 14
        # A word may need more room than a small picture has.
        left = min(room.left() + 4, cell.right() - 4 - width)
        pill = QRectF(left, room.top() + 4, width, metrics.height() + 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.base())
        painter.drawRoundedRect(pill, 4, 4)
        colour = self._severities.get(film.severity, palette.placeholderText().color())
        mark = QRectF(pill.left() + 4, pill.center().y() - sign / 2, sign, sign)
        draw_sign(painter, mark, film.severity, colour, palette.base().color())
        painter.setPen(palette.text().color())
        pill.setLeft(mark.right() + 4)
        painter.drawText(pill, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _draw_texts(
        self, painter: QPainter, cell: QRect, top: int, film: WallFilm, palette: QPalette
    ) -> None:
        metrics = painter.fontMetrics()
        height, width = metrics.height(), cell.width() - 2 * PAD_PX
        quiet = muted(palette)
        lines = (
            # The folders, the same for many, would leave no room for what tells films apart.
            (
                film.name.rsplit("/", 1)[-1],
                Elide.ElideMiddle,
                quiet if film.is_left_out else palette.text().color(),
            ),
            (film.caption, Elide.ElideRight, quiet),
        )
        for place, (text, elide, colour) in enumerate(lines):
            painter.setPen(colour)
            painter.drawText(
                QRect(cell.left() + PAD_PX, top + place * height, width, height),
                int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine),
                self._fit(text, width, elide, metrics),
            )

    def _fit(self, text: str, width: int, elide: Elide, metrics: QFontMetrics) -> str:
        key = (text, width, elide)
        if key not in self._elided:
            if len(self._elided) > 5_000:
                self._elided.clear()
            # Foreign text: a line break in a name would push the rest out of the cell.
            self._elided[key] = metrics.elidedText(" ".join(text.split()), elide, width)
        return self._elided[key]


def muted(palette: QPalette) -> QColor:
    """The colour of lesser text; the style sheet leaves the palette's own too faint to read."""
    colour = QColor(palette.text().color())
    colour.setAlphaF(0.7)
    return colour
