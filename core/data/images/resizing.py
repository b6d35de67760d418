"""Other sizes of a film that was read."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Before Lanczos, whole blocks are averaged down to no less than this many times the new size. No
# pixel changes where a film is less than six times as large (1024 to 224: none at all); beyond,
# 1024 to 96, the greatest difference is 2 grey levels and it takes a quarter of the time.
_REDUCING_GAP = 3.0


def square(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Stretch an image to `size` x `size` pixels with Lanczos.

    Args:
        image: Shape (H, W) or (H, W, 3).
        size: The new side in pixels.

    Returns:
        Shape (size, size) or (size, size, 3).
    """
    picture = Image.fromarray(image)
    resized = picture.resize((size, size), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
    return np.array(resized, dtype=np.uint8)


def shrink(image: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """Reduce an image so that no side is longer than `longest` pixels; smaller ones stay."""
    height, width = image.shape[:2]
    if max(height, width) <= longest:
        return image
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
