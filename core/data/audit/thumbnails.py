"""The small square film that the audit compares, so that the originals are read only once."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 128  # pixels

# Whole blocks are averaged first, down to no less than this many times the thumbnail: three
# times as fast.
_REDUCING_GAP = 2.0


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stretch a film to a grey square; each pixel is an average of those it stands for.

    Args:
        pixels: Shape (H, W), or (H, W, 3) in RGB, which becomes luma (ITU-R BT.601).

    Returns:
        Shape (128, 128).
    """
    image = Image.fromarray(pixels).convert("L")
    # Pillow's bilinear kernel widens with the reduction, so that nothing is skipped.
    small = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
    return np.array(small, dtype=np.uint8)
