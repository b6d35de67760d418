"""PNG, JPEG, BMP and TIFF films with all of their grey levels.

What a PNG (pHYs) or a TIFF (resolution) says of its dots an inch is for printers; nothing is
known of the size of the patient.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.data.images.formats import Format
from core.data.images.full_depth_film import FullDepthFilm, Window
from core.data.images.raster import decode, deep_bands, is_deep, is_negative, shown_pixels
from core.data.images.window import graded


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the levels of a film stand for."""

    window: Window
    slope: float = 1.0
    intercept: float = 0.0
    is_negative: bool = False


def read_full_raster(data: bytes, format: Format, name: object) -> FullDepthFilm:
    """Decode a file of one of Pillow's formats.

    Raises:
        ImageReadError: Too small, too large, or more than one picture.
        Exception: Pillow raised six kinds for 30,000 damaged files.
    """
    values, header, meaning = decode(data, format, name, _take)
    return FullDepthFilm(
        values,
        header,
        meaning.window,
        slope=meaning.slope,
        intercept=meaning.intercept,
        is_negative=meaning.is_negative,
    )


def _take(image: Image.Image, bits: int, name: object) -> tuple[NDArray[Any], _Meaning]:
    if not is_deep(image):
        return shown_pixels(image, bits, name), _Meaning(Window(0.0, 255.0))
    film = graded(deep_bands(image))
    values = np.empty((image.height, image.width), np.uint16)
    for rows, levels in film.levels():
        values[rows] = levels
    window = Window(film.low, film.high)
    return values, _Meaning(window, film.slope, film.intercept, is_negative(image))
