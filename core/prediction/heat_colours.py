"""The colours of a heat map: the same in the viewer, in pictures and in reports.

From transparent through violet, red and orange to pale yellow; the lightness only rises, so that
the order can be read without telling the hues apart, on paper too.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

N_COLOURS: Final = 256
# What the viewer starts with and a report prints with: the film stays readable underneath.
USUAL_OPACITY: Final = 0.55
# Strength of heat, red, green, blue.
_CONTROL_POINTS: Final = (
    (0.00, 22, 10, 58),
    (0.18, 74, 16, 110),
    (0.36, 138, 32, 112),
    (0.54, 200, 56, 76),
    (0.70, 238, 104, 34),
    (0.85, 252, 172, 44),
    (1.00, 254, 242, 172),
)
_OPAQUE_FROM: Final = 0.45  # weaker heat lets the film through, so that a map has no edges


def heat_colours() -> NDArray[np.uint8]:
    """The colour of each strength of heat.

    Returns:
        Shape (256, 4): red, green, blue and opacity, not multiplied by it. Row 0 is no heat and
        wholly transparent; the opacity rises to 255.
    """
    strength = np.linspace(0, 1, N_COLOURS)
    points = np.array(_CONTROL_POINTS)
    table = np.empty((N_COLOURS, 4), np.uint8)
    for channel in range(3):
        colour = np.interp(strength, points[:, 0], points[:, 1 + channel])
        table[:, channel] = np.rint(colour)
    opacity = np.minimum(strength / _OPAQUE_FROM, 1)
    table[:, 3] = np.rint(255 * opacity * (2 - opacity))
    return table


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
    table = heat_colours().astype(np.float32)
    share = table[:, 3:] * np.float32(opacity / 255)  # (256, 1)
    added, kept = table[:, :3] * share, 1 - share[:, 0]
    under = film if film.ndim == 3 else film[:, :, None]
    mixed = under * kept[rows][:, :, None] + added[rows]  # (H, W, 3)
    return np.rint(mixed).astype(np.uint8)
