"""The colours of a heat map as pixels of the screen; reports and pictures use the same."""

import numpy as np
from numpy.typing import NDArray

from core.prediction.heat_colours import heat_colours


def heat_table(opacity: float) -> NDArray[np.uint32]:
    """The colour of each of 256 steps of heat as a premultiplied ARGB pixel.

    Args:
        opacity: Of the hottest, 0 to 1.
    """
    table = heat_colours()
    alpha = opacity * table[:, 3] / 255
    channels = (table[:, :3] * alpha[:, None]).round().astype(np.uint32)
    whole = (alpha * 255).round().astype(np.uint32)
    pixels = whole << 24 | channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]
    return pixels.astype(np.uint32)
