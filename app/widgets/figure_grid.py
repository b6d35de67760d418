"""Figures side by side, in as many rows as the width asks for."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from app.widgets.labels import plain_label

MIN_FIGURE_PX = 112
SPACING_PX = 8


class SmallFigure(QFrame):
    """One number with its caption; half as high as `labels.Figure`, for many side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self._value, self._caption = plain_label("sectionTitle"), plain_label("muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 4, 6, 4)
        layout.setSpacing(0)
        layout.addWidget(self._value)
        layout.addWidget(self._caption)

    def show_value(self, value: str, caption: str) -> None:
        """Set both lines."""
        self._value.setText(value)
        self._caption.setText(caption)
        self.setAccessibleName(f"{caption}: {value}")


class FigureGrid(QWidget):
    """Lays out `n` figures in rows of equal length.

    Args:
        n: How many.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.figures = tuple(SmallFigure() for _ in range(n))
        self._n_columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACING_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._arrange(n)

    def minimumSizeHint(self) -> QSize:
        # Narrower than its figures side by side: they go into another row.
        return QSize(MIN_FIGURE_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        n = len(self.figures)
        room = max(1, (event.size().width() + SPACING_PX) // (MIN_FIGURE_PX + SPACING_PX))
        n_rows = -(-n // min(room, n))
        self._arrange(-(-n // n_rows))  # no row with a single one left over
        super().resizeEvent(event)

    def _arrange(self, n_columns: int) -> None:
        if n_columns == self._n_columns:
            return
        for column in range(self._n_columns):
            self._grid.setColumnStretch(column, 0)
        self._n_columns = n_columns
        for place, figure in enumerate(self.figures):
            figure.setMinimumWidth(0)
            self._grid.addWidget(figure, *divmod(place, n_columns))
        for column in range(n_columns):
            self._grid.setColumnStretch(column, 1)
