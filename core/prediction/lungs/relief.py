"""A film made comparable: what is no film set aside, shades evened out."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 64  # pixels on which the lungs are looked for

_REACH: Final = 14  # pixels: half the side of the surroundings that a pixel is compared with
_LIMIT: Final = 1.0  # standard deviations; beyond, bones and consolidations would outweigh all
_BLACK: Final = 12  # grey levels, or this:
_ABOVE_DARKEST: Final = 10
_SHARE_ABOVE_DARKEST: Final = 0.2  # of the way to the median
_OUTSIDE: Final = 0.5  # relief of what is no film: lighter than lung
_LEAST_SPREAD: Final = 0.25  # of the film's own, below which surroundings count as flat

Image = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """One film on SIDE x SIDE pixels."""

    grey: Image
    values: Image  # standard deviations above the surroundings, -1 to 1
    is_outside: NDArray[np.bool_]  # black borders, the air beside the patient


def relief_of(film: NDArray[np.uint8]) -> Relief:
    """Compare each pixel of a square film with its surroundings.

    Args:
        film: Shape (2 SIDE, 2 SIDE).
    """
    grey = film.reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
    is_outside = _dark_border(grey)
    weight = blur((~is_outside).astype(np.float64), _REACH) + 1e-6
    mean = blur(np.where(is_outside, 0, grey), _REACH) / weight
    above = np.where(is_outside, 0, grey - mean)
    spread = np.sqrt(np.maximum(blur(above**2, _REACH), 0) / weight)
    usual = np.sqrt((above**2).sum() / max(1, (~is_outside).sum()))
    values = above / np.maximum(spread, _LEAST_SPREAD * usual + 1)
    even = np.where(is_outside, _OUTSIDE, values.clip(-_LIMIT, _LIMIT))
    return Relief(grey, even.astype(np.float32), is_outside)


def blur(image: Image, reach: int, times: int = 2) -> Image:
    """Average over squares of 2 reach + 1 pixels, as often as said; edges are continued."""
    width = 2 * reach + 1
    for _ in range(times):
        for _ in range(2):  # down, then across
            padded = np.pad(image, ((reach + 1, reach), (0, 0)), mode="edge")
            total = padded.cumsum(axis=0)
            image = ((total[width:] - total[:-width]) / width).T
    return image


def connected_to(seed: NDArray[np.bool_], region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of `region` that touch `seed` by their sides."""
    found = seed & region
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= region
        if np.array_equal(grown, found):
            return found
        found = grown


def _dark_border(grey: Image) -> NDArray[np.bool_]:
    edge = np.ones(grey.shape, np.bool_)
    edge[1:-1, 1:-1] = False
    darkest, middle = np.percentile(grey, (1, 50))
    rise = max(_ABOVE_DARKEST, _SHARE_ABOVE_DARKEST * (middle - darkest))
    return connected_to(edge, grey < max(_BLACK, darkest + rise))
