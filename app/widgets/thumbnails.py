"""Thumbnails of X-rays: drawn small, kept while they are in use, shown in a strip."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from app.widgets.viewer.picture import to_image

MAX_ASPECT = 6.0  # a longer strip would be too thin to be seen
SIDE_PX = 96  # of a thumbnail in a strip
GAP_PX = 6


def shrink(image: QImage, size: QSize) -> QImage:
    """Scale an image so that every pixel counts; Qt's painter alone would skip some."""
    how = Qt.AspectRatioMode.IgnoreAspectRatio
    return image.scaled(size, how, Qt.TransformationMode.SmoothTransformation)


def thumbnail_size(aspect: float, side_px: float) -> QSize:
    """Return the size of a film of this width / height within a square."""
    aspect = min(max(aspect, 1 / MAX_ASPECT), MAX_ASPECT)
    return QSize(round(side_px * min(1.0, aspect)), round(side_px * min(1.0, 1 / aspect)))


def thumbnail(
    film: NDArray[np.uint8], side_px: int, scale: float = 1.0, aspect: float | None = None
) -> QPixmap:
    """Return a film as a picture that fits a square.

    Args:
        film: Shape (H, W) or (H, W, 3).
        side_px: Of the square, in device-independent pixels.
        scale: Device pixels in one of them.
        aspect: The film's width / height where the array is stretched to another.
    """
    aspect = film.shape[1] / film.shape[0] if aspect is None else aspect
    size = thumbnail_size(aspect, side_px * scale)
    pixmap = QPixmap.fromImage(shrink(to_image(film), size))
    pixmap.setDevicePixelRatio(scale)
    return pixmap


class ThumbnailCache:
    """The thumbnails that were used last.

    Args:
        n_kept: How many at most.
    """

    def __init__(self, n_kept: int) -> None:
        self._n_kept = n_kept
        self._pixmaps: OrderedDict[Hashable, QPixmap] = OrderedDict()  # the longest unused first

    def __len__(self) -> int:
        return len(self._pixmaps)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._pixmaps

    def get(self, key: Hashable) -> QPixmap | None:
        """Return a thumbnail that is kept, which is used by that; else None."""
        pixmap = self._pixmaps.get(key)
        if pixmap is not None:
            self._pixmaps.move_to_end(key)
        return pixmap

    def put(self, key: Hashable, pixmap: QPixmap) -> None:
        """Keep a thumbnail, in place of the one that was not used for the longest time."""
        self._pixmaps[key] = pixmap
        self._pixmaps.move_to_end(key)
        while len(self._pixmaps) > self._n_kept:
            self._pixmaps.popitem(last=False)

    def keep_at_least(self, n: int) -> None:
        """Make room: with less, thumbnails in sight would push each other out for ever."""
        self._n_kept = max(self._n_kept, n)

    def rename(self, keys: Mapping[Any, Hashable]) -> None:
        """Give thumbnails new keys, old key to new; drop those without one."""
        kept = self._pixmaps.items()
        self._pixmaps = OrderedDict((keys[key], pixmap) for key, pixmap in kept if key in keys)

    def clear(self) -> None:
        """Drop all."""
        self._pixmaps.clear()


class ThumbnailStrip(QWidget):
    """A row of thumbnails, as many as there is room for."""

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
