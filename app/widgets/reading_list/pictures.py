"""The list's small pictures: made when they are drawn, a bounded number kept."""

import logging
from collections import OrderedDict
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPixmap

from app.widgets.film_image import to_image

KEPT: Final = 400  # at 96 px and four bytes a pixel: 15 MB
_MAX_ASPECT: Final = 6.0  # a longer strip would be too thin to be seen

log = logging.getLogger(__name__)


class RowPictures:
    """Pixmaps by the arrays they were made of."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[NDArray[np.uint8], QPixmap]] = OrderedDict()

    def get(self, thumbnail: NDArray[np.uint8], side_px: int, scale: float) -> QPixmap | None:
        """The picture in a square of `side_px`; None where the array is no picture.

        Args:
            thumbnail: Shape (H, W) or (H, W, 3).
            side_px: In device-independent pixels.
            scale: Device pixels in one of them.
        """
        known = self._kept.get(id(thumbnail))  # no other array's while this one is kept here
        if known is None or known[1].devicePixelRatio() != scale:
            try:
                known = (thumbnail, _made(thumbnail, side_px, scale))
            except Exception:  # it is painted, where an error would end the program
                log.exception("a thumbnail cannot be drawn")
                known = (thumbnail, QPixmap())
            self._kept[id(thumbnail)] = known
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(id(thumbnail))
        return None if known[1].isNull() else known[1]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()


def _made(thumbnail: NDArray[np.uint8], side_px: int, scale: float) -> QPixmap:
    height, width = thumbnail.shape[:2]
    aspect = min(max(width / height, 1 / _MAX_ASPECT), _MAX_ASPECT)
    side = side_px * scale
    size = QSize(round(side * min(1.0, aspect)), round(side * min(1.0, 1 / aspect)))
    how = Qt.AspectRatioMode.IgnoreAspectRatio
    image = to_image(thumbnail).scaled(size, how, Qt.TransformationMode.SmoothTransformation)
    pixmap = QPixmap.fromImage(image)
    pixmap.setDevicePixelRatio(scale)
    return pixmap
