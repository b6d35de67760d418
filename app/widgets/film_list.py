"""The films that were read: a small picture, the name, what the model says."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from app.widgets.labels import plain_tip
from app.widgets.thumbnails import thumbnail

SIDE_PX = 52


class FilmList(QListWidget):
    """Grows as films come; the current one is chosen with mouse or keys."""

    film_chosen = Signal(int)  # row

    def __init__(self) -> None:
        super().__init__()
        self.setIconSize(QSize(SIDE_PX, SIDE_PX))
        self.setUniformItemSizes(True)
        self.setSpacing(1)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.currentRowChanged.connect(self._on_current_row_changed)

    def add_film(self, film: NDArray[np.uint8], text: str) -> None:
        """Append a film; the first one becomes the current one."""
        self._add(_icon(film), text)

    def add_refused(self, icon: QIcon, text: str) -> None:
        """Append a file that could not be read."""
        self._add(icon, text)

    def show_text(self, row: int, text: str) -> None:
        """Say something else of a film."""
        self.item(row).setText(text)
        self.item(row).setToolTip(plain_tip(text))

    def _add(self, icon: QIcon, text: str) -> None:
        item = QListWidgetItem(icon, text)
        item.setToolTip(plain_tip(text))
        item.setSizeHint(QSize(0, SIDE_PX + 10))
        self.addItem(item)
        if self.count() == 1:
            self.setCurrentRow(0)

    def _on_current_row_changed(self, row: int) -> None:
        if row >= 0:
            self.film_chosen.emit(row)


def _icon(film: NDArray[np.uint8]) -> QIcon:
    """A small picture in a square, so that the names stand in one line; never tinted."""
    small = thumbnail(film, SIDE_PX)
    square = QPixmap(SIDE_PX, SIDE_PX)
    square.fill(Qt.GlobalColor.transparent)
    painter = QPainter(square)
    painter.drawPixmap((SIDE_PX - small.width()) // 2, (SIDE_PX - small.height()) // 2, small)
    painter.end()
    icon = QIcon(square)
    icon.addPixmap(square, QIcon.Mode.Selected)
    return icon
