"""The confusion matrix, and tables of plain, read-only text."""

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.widgets.labels import plain_tip

MAX_CELL_PX, MIN_CELL_PX = 190, 46
NAME_PX = 140
PERCENT_FROM_PX = 60  # smaller cells show the count alone
_STEPS: Final = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}
MAX_HINT_PX = 2000  # taller tables scroll whatever the screen


Normalisation = Literal["counts", "rows", "columns"]


class ConfusionMatrixView(QWidget):
    """Counts with the share of their row; darker means more, the numbers say it too.

    A cell is chosen by a click, or by the arrow keys and Enter.
    """

    cell_chosen = Signal(int, int)  # true class, predicted class

    def __init__(self) -> None:
        super().__init__()
        self._by: Normalisation = "counts"
        self._current = (0, 0)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
        self._names: tuple[str, ...] = ()
        self._row_title, self._column_title = "", ""
        self._good, self._bad = QColor("green"), QColor("red")
        self._ground, self._text = QColor("black"), QColor("white")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_matrix(self, counts: NDArray[np.int64], names: Sequence[str]) -> None:
        """Draw counts (C, C), rows true."""
        self._counts, self._names = counts, tuple(names)
        self.updateGeometry()
        self.update()

    def normalise(self, by: Normalisation) -> None:
        """Show counts with the share of their row, or the share of a row or column alone."""
        self._by = by
        self.update()

    def show_words(self, row_title: str, column_title: str) -> None:
        """Name the two sides."""
        self._row_title, self._column_title = row_title, column_title
        self.update()

    def show_colours(self, good: str, bad: str, ground: str, text: str) -> None:
        """Take a theme's colours: the diagonal's, the mistakes', the empty cell's, the text's."""
        self._good, self._bad = QColor(good), QColor(bad)
        self._ground, self._text = QColor(ground), QColor(text)
        self.update()

    def sizeHint(self) -> QSize:
        return self._size_for(90)

    def minimumSizeHint(self) -> QSize:
        return self._size_for(MIN_CELL_PX)

    def _size_for(self, cell: int) -> QSize:
        n = max(1, len(self._names))
        return QSize(self._left() + n * cell + 2, self._top() + n * cell + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        n = len(self._names)
        if n == 0:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        left, top = self._left(), self._top()
        cell = self._cell()
        self._draw_titles(painter, left, top, cell * n)
        # Only what is to be repainted: with hundreds of classes there are too many cells.
        shown = event.rect()
        rows = range(
            max(0, int((shown.top() - top) / cell)), min(n, int((shown.bottom() - top) / cell) + 1)
        )
        columns = range(
            max(0, int((shown.left() - left) / cell)),
            min(n, int((shown.right() - left) / cell) + 1),
        )
        for row in rows:
            for column in columns:
                total = int(
                    (self._counts[:, column] if self._by == "columns" else self._counts[row]).sum()
                )
                place = QRectF(left + column * cell, top + row * cell, cell - 2, cell - 2)
                self._draw_cell(painter, place, row, column, total)
        painter.setPen(self._text)
        height = painter.fontMetrics().height()
        for column in columns:
            across = QRectF(left + column * cell, top - height - 6, cell - 6, height)
            self._draw_name(painter, across, column, Qt.AlignmentFlag.AlignHCenter)
        for row in rows:
            down = QRectF(left - NAME_PX, top + row * cell, NAME_PX - 8, cell - 2)
            self._draw_name(painter, down, row, Qt.AlignmentFlag.AlignRight)

    def _cell(self) -> float:
        """Return the side of a cell in pixels."""
        n = max(1, len(self._names))
        across = (self.width() - self._left() - 2) / n
        return min(across, (self.height() - self._top() - 2) / n, MAX_CELL_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        row = int((place.y() - self._top()) // self._cell())
        column = int((place.x() - self._left()) // self._cell())
        if 0 <= row < len(self._names) and 0 <= column < len(self._names):
            self._choose(row, column)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, column = self._current
        down, across = _STEPS.get(Qt.Key(event.key()), (0, 0))
        if (down, across) != (0, 0) and self._names:
            last = len(self._names) - 1
            self._current = min(max(row + down, 0), last), min(max(column + across, 0), last)
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(row, column)
        else:
            super().keyPressEvent(event)

    def _choose(self, row: int, column: int) -> None:
        if row < len(self._names) and column < len(self._names):
            self._current = row, column
            self.update()
            self.cell_chosen.emit(row, column)

    def _draw_name(
        self, painter: QPainter, place: QRectF, index: int, side: Qt.AlignmentFlag
    ) -> None:
        fitting = painter.fontMetrics().elidedText(
            self._names[index], Qt.TextElideMode.ElideRight, int(place.width())
        )
        painter.drawText(place, int(side | Qt.AlignmentFlag.AlignVCenter), fitting)

    def _draw_titles(self, painter: QPainter, left: int, top: int, side: float) -> None:
        muted = QColor(self._text)
        muted.setAlphaF(0.7)
        painter.setPen(muted)
        height = painter.fontMetrics().height()
        painter.drawText(
            QRectF(left, 0, side, height), int(Qt.AlignmentFlag.AlignCenter), self._column_title
        )
        painter.save()
        painter.translate(0, top + side)
        painter.rotate(-90)
        painter.drawText(
            QRectF(0, 0, side, height), int(Qt.AlignmentFlag.AlignCenter), self._row_title
        )
        painter.restore()

    def _draw_cell(
        self, painter: QPainter, place: QRectF, row: int, column: int, total: int
    ) -> None:
        count = int(self._counts[row, column])
        share = count / total if total else 0.0
        painter.fillRect(place, self._ground)
        colour = QColor(self._good if row == column else self._bad)
        colour.setAlphaF(0.08 + 0.5 * share if count else 0.0)
        painter.fillRect(place, colour)
        painter.setPen(self._text)
        text = str(count)
        if self._by != "counts":
            text = f"{share:.0%}" if total else "–"
        elif place.width() >= PERCENT_FROM_PX and total:
            text += f"\n{share:.0%}"
        if self.hasFocus() and (row, column) == self._current:
            painter.drawRect(place.adjusted(1, 1, -2, -2))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), text)

    def _left(self) -> int:
        return self.fontMetrics().height() + 6 + NAME_PX

    def _top(self) -> int:
        return 2 * self.fontMetrics().height() + 14


class PlainTable(QTableWidget):
    """A table of text; numbers stand at the right.

    Args:
        stretched: The column that takes the room that is left.
    """

    def __init__(self, stretched: int) -> None:
        super().__init__()
        self._stretched = stretched
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.verticalHeader().hide()
        self.setTabKeyNavigation(False)

    def show_header(self, titles: Sequence[str]) -> None:
        """Set the column titles."""
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(list(titles))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in range(len(titles)):
            header.setSectionResizeMode(
                column,
                QHeaderView.ResizeMode.Stretch
                if column == self._stretched
                else QHeaderView.ResizeMode.ResizeToContents,
            )

    def fit_height(self, at_least: int = 0) -> None:
        """Be no taller than the rows; with little room, scroll."""
        rows = sum(self.rowHeight(row) for row in range(self.rowCount()))
        wanted = self.horizontalHeader().sizeHint().height() + rows + 2 * self.frameWidth() + 2
        self.setMinimumHeight(min(wanted, max(at_least, 80)))
        self.setMaximumHeight(wanted)

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(hint.width(), min(self.maximumHeight(), MAX_HINT_PX))

    def show_rows(self, rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> None:
        """Replace all rows.

        Args:
            rows: One text a column.
            numbers: Columns that hold numbers.
        """
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(text) if len(text) > 60 else "")
                if column in numbers:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.setItem(number, column, item)
        for column in numbers:
            title = self.horizontalHeaderItem(column)
            if title is not None:
                title.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
