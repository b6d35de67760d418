"""Confusion matrices side by side, or below each other where the window is narrow."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from app.widgets.confusion_matrix_view import ConfusionMatrixView
from app.widgets.labels import card, plain_label

SPACING_PX = 12
PAD_PX = 12  # of a card
MOST_PX = 420  # high; larger matrices scroll


class MatrixRow(QWidget):
    """Titled matrices of the same classes.

    Args:
        n: How many.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self._titles = [plain_label("sectionTitle") for _ in range(n)]
        self._matrices = [ConfusionMatrixView() for _ in range(n)]
        self._scrolls: list[QScrollArea] = []
        self._cards: list[QFrame] = []
        self._n_columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACING_PX)
        for title, matrix in zip(self._titles, self._matrices, strict=True):
            matrix.setObjectName("bare")
            scroll = QScrollArea()
            scroll.setWidget(matrix)
            scroll.setWidgetResizable(True)
            scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            frame = card()
            inside = QVBoxLayout(frame)
            inside.setContentsMargins(PAD_PX, 8, PAD_PX, PAD_PX)
            inside.addWidget(title)
            inside.addWidget(scroll, 1)
            self._scrolls.append(scroll)
            self._cards.append(frame)
        self._arrange(n)

    def show_matrices(
        self, titles: Sequence[str], counts: Sequence[NDArray[np.int64]], names: Sequence[str]
    ) -> None:
        """Draw counts (C, C), rows true, one a title."""
        for label, matrix, title, one in zip(
            self._titles, self._matrices, titles, counts, strict=True
        ):
            label.setText(title)
            matrix.show_matrix(one, names)
            matrix.setAccessibleName(title)
        self._rearrange(self.width())

    def show_words(self, row_title: str, column_title: str) -> None:
        """Name the two sides of every matrix."""
        for matrix in self._matrices:
            matrix.show_words(row_title, column_title)

    def show_colours(self, colours: Mapping[str, str]) -> None:
        """Take a theme's colours."""
        for matrix in self._matrices:
            matrix.show_colours(
                colours["good"], colours["danger"], colours["raised"], colours["text"]
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._rearrange(event.size().width())
        super().resizeEvent(event)

    def _rearrange(self, width: int) -> None:
        least, hint = self._matrices[0].minimumSizeHint(), self._matrices[0].sizeHint()
        card_px = min(least.width(), MOST_PX) + 2 * PAD_PX
        n_fitting = (width + SPACING_PX) // (card_px + SPACING_PX)
        self._arrange(min(max(1, n_fitting), len(self._cards)))
        # As high as the cells are wide: a matrix is square, and room below it tells nothing.
        room = (width - SPACING_PX * (self._n_columns - 1)) // self._n_columns - 2 * PAD_PX
        spare = max(0, min(room, hint.width()) - least.width())
        height = min(least.height() + spare, MOST_PX)
        for scroll in self._scrolls:
            scroll.setFixedHeight(height)

    def _arrange(self, n_columns: int) -> None:
        if n_columns == self._n_columns:
            return
        for column in range(self._n_columns):
            self._grid.setColumnStretch(column, 0)
        self._n_columns = n_columns
        for place, frame in enumerate(self._cards):
            self._grid.addWidget(frame, *divmod(place, n_columns))
        for column in range(n_columns):
            self._grid.setColumnStretch(column, 1)
