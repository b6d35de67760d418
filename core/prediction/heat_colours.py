"""The colours of a heat map: the same in the viewer, in pictures and in reports.

From nothing over violet, red and orange to a pale yellow, along a path in Oklab (B. Ottosson,
2020): the lightness rises evenly, so that the map reads the same in print and to those who see
few colours.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

N_COLOURS: Final = 256
# What the viewer starts with and a report prints with: the film stays readable underneath.
USUAL_OPACITY: Final = 0.45
# Strength of heat, and there lightness, chroma and hue (degrees).
_STRENGTH = (0.0, 0.25, 0.5, 0.75, 1.0)
_LIGHTNESS = (0.30, 0.46, 0.62, 0.78, 0.94)
_CHROMA = (0.13, 0.19, 0.20, 0.16, 0.11)
_HUE = (295.0, 335.0, 385.0, 430.0, 465.0)
_CLEAR_UNTIL, _FULL_FROM = 0.05, 0.8  # below the one nothing is drawn, above the other all of it
# Oklab to the cones' responses (cube roots), and these to linear sRGB: its author's matrices.
_TO_CONES = ((1.0, 1.0, 1.0), (0.3963377774, -0.1055613458, -0.0894841775),
             (0.2158037573, -0.0638541728, -1.2914855480))  # fmt: skip
_TO_LINEAR = ((4.0767416621, -1.2684380046, -0.0041960863),
              (-3.3077115913, 2.6097574011, -0.7034186147),
              (0.2309699292, -0.3413193965, 1.7076147010))  # fmt: skip


def heat_colours() -> NDArray[np.uint8]:
    """The colour of each strength of heat.

    Returns:
        Shape (256, 4): red, green, blue and opacity, not multiplied by it. Row 0 is no heat and
        wholly transparent; the opacity rises to 255.
    """
    return _table().copy()


def heat_on_film(
    film: NDArray[np.uint8], heat: NDArray[np.float32], opacity: float = USUAL_OPACITY
) -> NDArray[np.uint8]:
    """Lay a heat map over a film.

    Args:
        film: Shape (H, W) or (H, W, 3).
        heat: Shape (H, W), 0 = no heat, 1 = strongest.
        opacity: Of the strongest heat, 0 to 1.

    Returns:
        Shape (H, W, 3).
    """
    rows = np.rint(np.clip(heat, 0, 1) * (N_COLOURS - 1)).astype(np.uint8)  # (H, W)
    table = _table().astype(np.float32)
    share = table[:, 3:] * np.float32(opacity / 255)  # (256, 1)
    added, kept = table[:, :3] * share, 1 - share[:, 0]
    under = film if film.ndim == 3 else film[:, :, None]
    mixed = under * kept[rows][:, :, None] + added[rows]  # (H, W, 3)
    return np.rint(mixed).astype(np.uint8)


@cache
def _table() -> NDArray[np.uint8]:
    strength = np.linspace(0, 1, N_COLOURS)
    ramp = np.clip((strength - _CLEAR_UNTIL) / (_FULL_FROM - _CLEAR_UNTIL), 0, 1)
    table = np.empty((N_COLOURS, 4), np.uint8)
    table[:, :3] = np.rint(255 * _colours(strength))
    table[:, 3] = np.rint(255 * ramp * ramp * (3 - 2 * ramp))
    return table


def _colours(strength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Red, green and blue (sRGB) in [0, 1], (N, 3)."""
    lightness, chroma, hue = (
        np.interp(strength, _STRENGTH, values) for values in (_LIGHTNESS, _CHROMA, _HUE)
    )
    angle = np.radians(hue)
    oklab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=1)
    linear = np.clip((oklab @ np.array(_TO_CONES)) ** 3 @ np.array(_TO_LINEAR), 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.clip(curved, 0, 1)
