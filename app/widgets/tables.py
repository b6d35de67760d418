"""Tables whose cells are plain, read-only text."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from app.widgets.labels import plain_tip

MAX_HINT_PX = 2000  # taller tables scroll whatever the screen


class PlainTable(QTableWidget):
    """Rows of text; numbers stand at the right.

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
