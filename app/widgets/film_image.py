"""Films as Qt's pictures."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage


def to_image(film: NDArray[np.uint8]) -> QImage:
    """A film (H, W) or (H, W, 3) as a picture that owns its memory."""
    film = np.ascontiguousarray(film)
    height, width = film.shape[:2]
    if film.ndim == 2:
        kind = QImage.Format.Format_Grayscale8
        return QImage(film.data, width, height, width, kind).copy()
    return QImage(film.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
