"""The way up: the rotation or mirroring that EXIF names, and its undoing."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

P = TypeVar("P", bound=np.generic)

_ORIENTATION = 0x0112  # EXIF tag


def orientation_of(image: Image.Image) -> int:
    """How the picture lies, 1 (upright) to 8 (EXIF 2.32, tag Orientation)."""
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - damaged EXIF says nothing about the picture
        return 1
    return int(orientation) if orientation in range(2, 9) else 1


def is_lying(image: Image.Image) -> bool:
    """Whether the picture has to be turned or mirrored."""
    return orientation_of(image) != 1


def upright(pixels: NDArray[P], orientation: int) -> NDArray[P]:
    """Turn a picture, shape (H, W) or (H, W, 3), the right way up; a view, not a copy."""
    match orientation:
        case 2:
            return pixels[:, ::-1]
        case 3:
            return pixels[::-1, ::-1]
        case 4:
            return pixels[::-1]
        case 5:
            return pixels.swapaxes(0, 1)
        case 6:
            return np.rot90(pixels, -1)
        case 7:
            return pixels[::-1, ::-1].swapaxes(0, 1)
        case 8:
            return np.rot90(pixels)
    return pixels
