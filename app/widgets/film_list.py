"""The films that were read: a small picture, the name, what the model says."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QListWidget, QListWidgetItem

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
        self._add(QIcon(thumbnail(film, SIDE_PX)), text)

    def add_refused(self, icon: QIcon, text: str) -> None:
        """Append a file that could not be read."""
        self._add(icon, text)

    def show_text(self, row: int, text: str) -> None:
        """Say something else of a film."""
        self.item(row).setText(text)
        self.item(row).setToolTip(text)

    def _add(self, icon: QIcon, text: str) -> None:
        item = QListWidgetItem(icon, text)
        item.setToolTip(text)
        item.setSizeHint(QSize(0, SIDE_PX + 10))
        self.addItem(item)
        if self.count() == 1:
            self.setCurrentRow(0)

    def _on_current_row_changed(self, row: int) -> None:
        if row >= 0:
            self.film_chosen.emit(row)
