"""The colours of a heat map: from nothing over violet and orange to a pale yellow."""

import numpy as np
from numpy.typing import NDArray

# Lightness, chroma and hue (degrees) in Oklab (B. Ottosson, 2020) along the way. Lightness rises
# evenly, so that the map reads the same in print and to those who see few colours.
_FRACTIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LIGHTNESS = (0.30, 0.46, 0.62, 0.78, 0.94)
_CHROMA = (0.13, 0.19, 0.20, 0.16, 0.11)
_HUE = (295.0, 335.0, 385.0, 430.0, 465.0)

_CLEAR_UNTIL, _FULL_FROM = 0.05, 0.45  # below the one nothing is drawn, above the other all of it


def heat_table(opacity: float) -> NDArray[np.uint32]:
    """The colour of each of 256 steps of heat as a premultiplied ARGB pixel.

    Args:
        opacity: Of the hottest, 0 to 1.
    """
    heat = np.linspace(0.0, 1.0, 256)
    ramp = ((heat - _CLEAR_UNTIL) / (_FULL_FROM - _CLEAR_UNTIL)).clip(0.0, 1.0)
    alpha = opacity * ramp * ramp * (3 - 2 * ramp)
    channels = (_colours(heat) * alpha[:, None] * 255).round().astype(np.uint32)
    whole = (alpha * 255).round().astype(np.uint32)
    return whole << 24 | channels[:, 0] << 16 | channels[:, 1] << 8 | channels[:, 2]


def heat_colours(heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The colour of heat in [0, 1] without transparency, shape (N, 3) RGB."""
    return (_colours(heat) * 255).round().astype(np.uint8)


def _colours(heat: NDArray[np.floating]) -> NDArray[np.float64]:
    lightness, chroma, hue = (
        np.interp(heat, _FRACTIONS, values) for values in (_LIGHTNESS, _CHROMA, _HUE)
    )
    a, b = chroma * np.cos(np.radians(hue)), chroma * np.sin(np.radians(hue))
    # Oklab to linear sRGB, its author's matrices.
    cones = (
        np.stack(
            [
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            ],
            axis=1,
        )
        ** 3
    )
    linear = cones @ np.array(
        [
            [4.0767416621, -1.2684380046, -0.0041960863],
            [-3.3077115913, 2.6097574011, -0.7034186147],
            [0.2309699292, -0.3413193965, 1.7076147010],
        ]
    )
    linear = linear.clip(0.0, 1.0)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return curved.clip(0.0, 1.0)
