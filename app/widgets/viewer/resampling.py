"""A part of a picture at the size of the screen, every pixel counted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QRectF, QSize

_MOST_HALVINGS = 6
_HURRIED = 1.5  # so far a smaller size may be enlarged again while the user zooms
_STILL_REDUCED = 0.5  # at least so much is left to the filter, or fine patterns would shimmer
_SHARP_FROM = 4.0  # times as large: the film's own pixels are shown as squares


class Pyramid:
    """A picture in halved sizes, made when they are needed.

    Args:
        values: Shape (H, W) of 8 or 16 bits, or (H, W, 3) of 8 bits.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._sizes = [np.ascontiguousarray(values)]
        self._images: dict[int, Image.Image] = {}

    def part(
        self, box: QRectF, size: QSize, *, is_smooth: bool = False, is_hurried: bool = False
    ) -> NDArray[Any]:
        """Resample a part.

        Args:
            box: Which, in pixels of the whole.
            size: How large it is to become.
            is_smooth: Whether no pixel may be seen as a square, however large it becomes.
            is_hurried: Whether it may be a little blurred for the sake of speed.

        Returns:
            Shape (height, width) or (height, width, 3), of the same type.
        """
        scale = max(size.width() / box.width(), size.height() / box.height())
        halvings, most = 0, _HURRIED if is_hurried else _STILL_REDUCED
        while scale * 2 ** (halvings + 1) <= most and self._can_halve(halvings):
            halvings += 1
        image = self._image(halvings)
        height, width = self._sizes[0].shape[:2]
        across, down = image.width / width, image.height / height
        edges = (
            max(0.0, box.left() * across),
            max(0.0, box.top() * down),
            min(float(image.width), box.right() * across),
            min(float(image.height), box.bottom() * down),
        )
        is_sharp = scale >= _SHARP_FROM and not is_smooth
        how = Image.Resampling.NEAREST if is_sharp else Image.Resampling.BILINEAR
        return np.asarray(image.resize(size.toTuple(), how, box=edges))

    def _can_halve(self, halvings: int) -> bool:
        if halvings + 1 < len(self._sizes):
            return True
        if halvings >= _MOST_HALVINGS or min(self._sizes[halvings].shape[:2]) < 32:
            return False
        self._sizes.append(_halved(self._sizes[halvings]))
        return True

    def _image(self, halvings: int) -> Image.Image:
        if halvings not in self._images:
            self._images[halvings] = Image.fromarray(self._sizes[halvings])
        return self._images[halvings]


def _halved(values: NDArray[Any]) -> NDArray[Any]:
    """Averages of two by two pixels; an odd last row or column is lost among them."""
    height, width = (side // 2 * 2 for side in values.shape[:2])
    upper, lower = values[0:height:2], values[1:height:2]
    total = upper[:, 0:width:2].astype(np.uint32)
    total += upper[:, 1:width:2]
    total += lower[:, 0:width:2]
    total += lower[:, 1:width:2]
    return ((total + 2) >> 2).astype(values.dtype)
