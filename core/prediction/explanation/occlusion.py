"""A second opinion that asks the network only for answers: what if this part were not there?"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

GRID: Final = 7  # patches in a row and in a column
_WIDTH: Final = 2  # cells: a patch covers its own and fades out over half of each neighbour


def occluded(film: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """The film with one patch after the other, row by row, replaced by the grey around it.

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014), but
    with soft patches of the film's own blurred grey: hard ones in one grey are edges and
    shapes that no film has, and the network answers to those.

    Args:
        film: As the network takes it, shape (S, S) or (S, S, 3).
    """
    side = len(film)
    blurred = Image.fromarray(film).filter(ImageFilter.GaussianBlur(side * _WIDTH / GRID))
    change = np.asarray(blurred).astype(np.float32) - film
    for down in _bumps(side):
        for across in _bumps(side):
            patch = down[:, None] * across
            if film.ndim == 3:
                patch = patch[:, :, None]
            yield np.rint(film + change * patch).astype(np.uint8)


def n_patches() -> int:
    """How many films `occluded` makes."""
    return GRID * GRID


@lru_cache(4)
def _bumps(side: int) -> NDArray[np.float32]:
    """How far each patch covers each column: 1 in its cell, falling to 0; (GRID, side)."""
    place = (np.arange(side) + 0.5) / side * GRID
    centre = np.arange(GRID)[:, None] + 0.5
    return np.clip((_WIDTH + 1) / 2 - np.abs(place - centre), 0, 1).astype(np.float32)
