"""One film large, and beside it the pictures that were made of it, as large as fits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.widgets.film_image import to_image

GAP_PX = 8
MIN_SIDE_PX = 60
COLUMNS = (2, 3, 4, 6)  # of the pictures, whichever makes them largest


class FilmGrid(QWidget):
    """Draws an original and its pictures in squares with a caption under each."""

    def __init__(self) -> None:
        super().__init__()
        self._images: list[QImage] = []  # the original first
        self._captions: tuple[str, ...] = ()
        self.setObjectName("muted")  # the colour of the captions
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_films(
        self, original: NDArray[np.uint8], pictures: Sequence[NDArray[np.uint8]]
    ) -> None:
        """Draw films, each (H, W) or (H, W, 3)."""
        self._images = [to_image(film) for film in (original, *pictures)]
        self.update()

    def show_captions(self, captions: Sequence[str]) -> None:
        """Set what stands under each, the original first."""
        self._captions = tuple(captions)
        self.update()

    def clear(self) -> None:
        """Draw nothing."""
        self._images = []
        self.update()

    def minimumSizeHint(self) -> QSize:
        side, caption = MIN_SIDE_PX + GAP_PX, self._caption_px()
        return QSize(5 * side, 3 * (side + caption))  # twelve pictures and the original

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._images:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        caption_px = self._caption_px()
        places = squares(self.width(), self.height(), len(self._images) - 1, caption_px)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        for number, (image, place) in enumerate(zip(self._images, places, strict=True)):
            painter.fillRect(place, QColor("black"))  # what surrounds a film is dark
            shown = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(place.topLeft(), shown)
            target.moveCenter(place.center())
            # Qt's smooth drawing takes only neighbouring pixels, which makes small pictures rough.
            painter.drawImage(target, _shrunk(image, target.size() * self.devicePixelRatio()))
            if number < len(self._captions):
                painter.setPen(ink)
                line = QRect(place.left(), place.bottom() + 1, place.width(), caption_px)
                painter.drawText(line, Qt.AlignmentFlag.AlignCenter, self._captions[number])

    def _caption_px(self) -> int:
        return self.fontMetrics().height() + 4


def squares(width: int, height: int, n_pictures: int, caption_px: int) -> list[QRect]:
    """Where the original and its pictures stand, all within `width` x `height` pixels.

    The original stands at the left, half-way down, as large as the pictures leave it room;
    they stand in rows beside it. `caption_px` are free below each.
    """

    def side_with(columns: int) -> int:
        rows = -(-n_pictures // columns)
        across = (width - columns * GAP_PX) // (columns + 1)
        return min(across, (height - (rows - 1) * GAP_PX) // rows - caption_px)

    columns = max(COLUMNS, key=side_with)
    side = max(1, side_with(columns))
    rows = -(-n_pictures // columns)
    block_height = rows * (side + caption_px) + (rows - 1) * GAP_PX
    room = width - columns * (side + GAP_PX)
    large = max(side, min(room, block_height - caption_px))
    left = max(0, (room - large) // 2)
    top = max(0, (height - block_height) // 2)
    places = [QRect(left, top + (block_height - large - caption_px) // 2, large, large)]
    for number in range(n_pictures):
        row, column = divmod(number, columns)
        x = left + large + GAP_PX + column * (side + GAP_PX)
        places.append(QRect(x, top + row * (side + caption_px + GAP_PX), side, side))
    return places


def _shrunk(image: QImage, size: QSize) -> QImage:
    """The picture averaged down to `size` physical pixels; a smaller one is left alone."""
    if size.width() >= image.width() or size.isEmpty():
        return image
    return image.scaled(
        size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
