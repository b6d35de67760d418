"""A film once read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.images.header import FilmHeader


@dataclass(frozen=True, slots=True)
class Film:
    """The picture as a viewer is meant to see it, and what its file says of it."""

    pixels: NDArray[np.uint8]  # (H, W) grey; (H, W, 3) RGB only where it is really coloured
    header: FilmHeader
