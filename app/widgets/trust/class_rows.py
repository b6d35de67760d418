"""The rows of probabilities: one class each, the most probable first."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.translation import listing, tr
from app.widgets.labels import plain_tip

AnyIndex = QModelIndex | QPersistentModelIndex
PAD_PX, GAP_PX, BAR_PX = 6, 8, 6
MARK_PX = 3  # the width of the bracket beside classes that remain possible
MIDDLE_GREY: Final = "#808080"
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_ROW = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class and what the model says of it."""

    index: int  # among the model's classes
    name: str
    probability: float  # 0 to 1
    is_first: bool  # the most probable
    is_possible: bool  # one of several that remain possible
    is_ruled_out: bool

    def in_words(self) -> str:
        """All that the row shows, to be read aloud."""
        parts = [f"{self.name} {percent(self.probability)}"]
        if self.is_possible:
            parts.append(tr("possible"))
        if self.is_ruled_out:
            parts.append(tr("ruled out"))
        return listing(parts)


def percent(share: float) -> str:
    """A probability as it is written everywhere; "–" where it is no number."""
    return f"{share:.1%}" if math.isfinite(share) else "–"


class ClassRows(QAbstractListModel):
    """The rows as a model: names, words for assistive software, tooltips."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[ClassRow] = []

    def show_rows(self, rows: Sequence[ClassRow]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = list(rows)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:  # typing the first letters finds a class
                return row.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.in_words()
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(
                    row.in_words() + "\n" + tr("Choose a row to see the heat map of its class.")
                )
            case _:
                return row if role == _ROW else None


class ClassRowDelegate(QStyledItemDelegate):
    """Draws name, mark, number and bar."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.colours: Mapping[str, str] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(0, row_height(option.fontMetrics.height()))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        row = index.data(_ROW)
        if not isinstance(row, ClassRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        cell = QRectF(option.rect)
        self._draw_ground(painter, cell, option)
        inner = cell.adjusted(PAD_PX + MARK_PX, PAD_PX - 2, -PAD_PX, -PAD_PX)
        if row.is_possible:  # rows of possible classes touch, so their marks form a bracket
            painter.fillRect(
                QRectF(cell.left(), cell.top(), MARK_PX, cell.height()), self._colour("accent")
            )
        words = QRectF(inner.topLeft(), inner.size())
        words.setHeight(inner.height() - BAR_PX - 3)
        self._draw_words(painter, words, row, option)
        bar = QRectF(inner.left(), inner.bottom() - BAR_PX, inner.width(), BAR_PX)
        self._draw_bar(painter, bar, row)
        painter.restore()

    def _draw_ground(self, painter: QPainter, cell: QRectF, option: QStyleOptionViewItem) -> None:
        state = option.state
        frame = cell.adjusted(0.5, 1.5, -0.5, -1.5)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(self._colour("selected"))
            painter.drawRoundedRect(frame, 4, 4)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self._colour("hover"))
            painter.drawRoundedRect(frame, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self._colour("accent"), 1))
            painter.drawRoundedRect(frame, 4, 4)

    def _draw_words(
        self, painter: QPainter, room: QRectF, row: ClassRow, option: QStyleOptionViewItem
    ) -> None:
        font = QFont(option.font)
        if row.is_first:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        strong, quiet = option.palette.text().color(), self._colour("muted")
        metrics = painter.fontMetrics()
        number = percent(row.probability)
        left = float(room.right() - metrics.horizontalAdvance(number) - 1)
        painter.setPen(quiet if row.is_ruled_out else strong)
        painter.drawText(
            QRectF(left, room.top(), room.right() - left, room.height()), _LEFT, number
        )
        if row.is_possible:
            word = tr("possible")
            painter.setFont(option.font)
            painter.setPen(self._colour("accent"))
            width = painter.fontMetrics().horizontalAdvance(word) + 1
            left -= width + GAP_PX
            painter.drawText(QRectF(left, room.top(), width, room.height()), _LEFT, word)
        painter.setFont(font)
        painter.setPen(quiet if row.is_ruled_out else strong)
        rest = max(0.0, left - GAP_PX - room.left())
        fitting = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(rest))
        painter.drawText(QRectF(room.left(), room.top(), rest, room.height()), _LEFT, fitting)

    def _draw_bar(self, painter: QPainter, place: QRectF, row: ClassRow) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._colour("raised"))
        painter.drawRoundedRect(place, 3, 3)
        share = row.probability if math.isfinite(row.probability) else 0.0
        filled = QRectF(place)
        filled.setWidth(max(2.0, place.width() * min(1.0, max(0.0, share))))
        painter.setBrush(self._colour("accent" if row.is_first else "muted"))
        painter.drawRoundedRect(filled, 3, 3)

    def _colour(self, name: str) -> QColor:
        return QColor(self.colours.get(name, MIDDLE_GREY))


def row_height(text_px: int) -> int:
    """How tall a row is whose text is `text_px` high."""
    return text_px + BAR_PX + 2 * PAD_PX + 2
