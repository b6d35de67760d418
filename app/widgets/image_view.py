"""One film, as large as the room allows."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget


def to_image(film: NDArray[np.uint8]) -> QImage:
    """A film (H, W) or (H, W, 3) as a picture that owns its memory."""
    film = np.ascontiguousarray(film)
    height, width = film.shape[:2]
    if film.ndim == 2:
        kind = QImage.Format.Format_Grayscale8
        return QImage(film.data, width, height, width, kind).copy()
    return QImage(film.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class ImageView(QWidget):
    """Draws one picture in the middle of black, its sides in proportion."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_film(self, film: NDArray[np.uint8]) -> None:
        """Draw a film (H, W) or (H, W, 3)."""
        self._image = to_image(film)
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        self._image = QImage()
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 240)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))  # what surrounds a film is dark
        if self._image.isNull():
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(QPointF(0, 0), size.toSizeF())
        place.moveCenter(QRectF(self.rect()).center())
        painter.drawImage(place, self._image)
