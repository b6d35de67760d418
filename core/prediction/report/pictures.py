"""Films and heat maps as pictures: for the pages of a report, and as PNG files of their own."""

import io
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.prediction.heat_colours import heat_on_film

if TYPE_CHECKING:
    from core.prediction.explanation import Explanation
    from core.prediction.report.film import Pixels

PAGE_SIDE: Final = 720  # pixels: 84 mm at 218 dpi
_JPEG_QUALITY: Final = 85


def reduced(film: "Pixels", side: int) -> "Pixels":
    """The film with its longer side no longer than `side` pixels."""
    height, width = film.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return film
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(film).resize(size, Image.Resampling.BOX, reducing_gap=2)
    return np.asarray(picture)


def film_with_heat(film: "Pixels", explanation: "Explanation") -> NDArray[np.uint8]:
    """The film under the heat map of the explanation's class, (H, W, 3)."""
    return heat_on_film(film, heat_of(explanation, film.shape[:2]))


def heat_of(explanation: "Explanation", shape: tuple[int, int]) -> NDArray[np.float32]:
    """The heat of the explanation's class at a film's resolution, (H, W), 1 = strongest."""
    from core.prediction.explanation import heat_at

    return heat_at(explanation.first.values, shape)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """A picture's JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_JPEG_QUALITY)
    return file.getvalue()


def legend(width: int, height: int) -> NDArray[np.uint8]:
    """The heat's colours from none to the strongest, over black, (height, width, 3)."""
    strength = np.linspace(0, 1, width, dtype=np.float32)
    heat = np.broadcast_to(strength, (height, width))
    return heat_on_film(np.zeros((height, width), np.uint8), heat, 1.0)
