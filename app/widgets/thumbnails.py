"""A row of small films, side by side."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from app.widgets.film_image import to_image

SIDE_PX = 96
GAP_PX = 6


class ThumbnailStrip(QWidget):
    """Draws as many of its films as there is room for."""

    def __init__(self, films: Sequence[NDArray[np.uint8]]) -> None:
        super().__init__()
        self._pixmaps = [thumbnail(film, SIDE_PX) for film in films]

    def sizeHint(self) -> QSize:
        return QSize(len(self._pixmaps) * (SIDE_PX + GAP_PX), SIDE_PX)

    def minimumSizeHint(self) -> QSize:
        return QSize(SIDE_PX, SIDE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        top = (self.height() - SIDE_PX) // 2
        for place, pixmap in enumerate(self._pixmaps):
            left = place * (SIDE_PX + GAP_PX)
            if left + SIDE_PX > self.width():
                break
            painter.drawPixmap(left + (SIDE_PX - pixmap.width()) // 2, top, pixmap)


def thumbnail(film: NDArray[np.uint8], side_px: int) -> QPixmap:
    """A film as a small picture, its sides in proportion."""
    return QPixmap.fromImage(to_image(film)).scaled(
        side_px,
        side_px,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
