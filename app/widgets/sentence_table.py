"""A table of whole sentences: its rows are as tall as what they say."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy

from app.translation import tr
from app.widgets.tables import PlainTable

MAX_ROWS = 300  # every one is measured
MAX_HEIGHT_PX = 190  # unless somebody says otherwise
MIN_ROW_PX = 18
PAD_PX = 10  # between a sentence and the next


class SentenceTable(PlainTable):
    """No taller than its rows, and scrolls where there is less room.

    Args:
        stretched: The column of the sentences.
    """

    def __init__(self, stretched: int) -> None:
        super().__init__(stretched)
        self._max_height_px = MAX_HEIGHT_PX
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().setMinimumSectionSize(MIN_ROW_PX)
        self._measuring = QTimer(self)  # once, after all columns have their new width
        self._measuring.setSingleShot(True)
        self._measuring.setInterval(0)
        self._measuring.timeout.connect(self._measure)
        self.horizontalHeader().sectionResized.connect(self._measuring.start)

    def limit_height(self, max_height_px: int) -> None:
        """Be no taller than this, however many rows there are."""
        if max_height_px != self._max_height_px:
            self._max_height_px = max_height_px
            self._measuring.start()

    def show_sentences(
        self, rows: Sequence[Sequence[str]], numbers: Sequence[int] = (), n_more: int = 0
    ) -> None:
        """Replace all rows and say how many more there are than fit.

        Args:
            rows: One text a column; at most MAX_ROWS are shown.
            numbers: Columns that hold numbers.
            n_more: Rows that were not even handed over.
        """
        n_more += max(0, len(rows) - MAX_ROWS)
        shown = list(rows[:MAX_ROWS])
        if n_more:
            more = [""] * self.columnCount()
            more[0] = tr("and {n} more", n=f"{n_more:,}")
            shown.append(more)
        self.show_rows(shown, numbers)
        self._measure()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._measuring.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measuring.start()

    @Slot()
    def _measure(self) -> None:
        # Not `resizeRowsToContents`: it minds the hidden header too, and a line gets too tall.
        for row in range(self.rowCount()):
            self.setRowHeight(row, self.sizeHintForRow(row) + PAD_PX)
        self.fit_height(self._max_height_px)
        self.setMaximumHeight(min(self.maximumHeight(), self._max_height_px))
