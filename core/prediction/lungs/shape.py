"""The outline of two lungs as a template that can be moved, stretched and tilted.

Template coordinates: u is 0 on the midline and -1 and 1 at the widest points of the right and
the left lung (the right lung lies at the left of the film), v is 0 at the apices and 1 at the
bases.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.float32]

# The columns of a pose, in parts of the film: midline, half-width, height of the apices, length
# of the lungs, tilt in radians; then how much longer the right and the left lung are than that.
N_POSE: Final = 7
MIDLINE, HALF_WIDTH, APEX, LENGTH, TILT, RIGHT_BASE, LEFT_BASE = range(N_POSE)

_RIGHT: Final = (
    *((-0.42, 0.0), (-0.62, 0.05), (-0.77, 0.16), (-0.88, 0.33), (-0.95, 0.53), (-0.99, 0.75)),
    *((-1.0, 0.97), (-0.86, 0.91), (-0.62, 0.85), (-0.40, 0.85), (-0.24, 0.90), (-0.21, 0.8)),
    *((-0.2, 0.6), (-0.18, 0.45), (-0.17, 0.3), (-0.2, 0.15), (-0.28, 0.04)),
)
_LEFT: Final = (  # the heart takes a bite out of it, and its base lies lower
    *((0.42, 0.0), (0.62, 0.05), (0.77, 0.16), (0.88, 0.33), (0.95, 0.53), (0.99, 0.75)),
    *((1.0, 1.0), (0.86, 0.94), (0.68, 0.90), (0.58, 0.92), (0.52, 0.82), (0.40, 0.68)),
    *((0.27, 0.55), (0.22, 0.45), (0.2, 0.3), (0.2, 0.15), (0.28, 0.04)),
)
_U_LIMIT: Final = 1.5
_V_LIMITS: Final = (-0.3, 1.4)
_CELLS: Final = 64
_FINE: Final = 4  # pixels of a cell's side while the outlines are drawn
_LENGTH_IN_HALF_WIDTHS: Final = 1.8


@lru_cache(1)
def _distances() -> Plane:
    """Distance from the outlines in half-widths, negative inside; (64, 64) over u and v."""
    picture = Image.new("L", (_CELLS * _FINE,) * 2)
    pen = ImageDraw.Draw(picture)
    low, high = _V_LIMITS
    for outline in (_RIGHT, _LEFT):
        across = [(u / _U_LIMIT + 1) / 2 * picture.width for u, _ in outline]
        down = [(v - low) / (high - low) * picture.height for _, v in outline]
        pen.polygon(list(zip(across, down, strict=True)), fill=255)
    is_inside = np.asarray(picture)[::_FINE, ::_FINE].ravel() > 0
    step_u = 2 * _U_LIMIT / _CELLS
    step_v = (high - low) / _CELLS * _LENGTH_IN_HALF_WIDTHS
    row, column = np.divmod(np.arange(_CELLS**2), _CELLS)
    points = np.stack([column * step_u, row * step_v], axis=1)  # (4096, 2)
    inner, outer = points[is_inside], points[~is_inside]
    apart = np.hypot(*(inner[:, None] - outer[None]).transpose(2, 0, 1))
    distance = np.empty(_CELLS**2, np.float32)
    distance[is_inside] = -apart.min(axis=1)
    distance[~is_inside] = apart.min(axis=0)
    return distance.reshape(_CELLS, _CELLS)


def distances(poses: NDArray[np.float64], side: int) -> Plane:
    """How far each pixel is from the outlines of lungs in these poses.

    Args:
        poses: Shape (K, 7).
        side: Pixels of the film, which is stretched to a square.

    Returns:
        Shape (K, side, side), in half-widths, negative inside the lungs.
    """
    table = _distances()
    columns = poses.astype(np.float32).T[:, :, None, None]  # (7, K, 1, 1)
    middle, half_width, apex, length, tilt, right, left = columns
    line = ((np.arange(side) + 0.5) / side).astype(np.float32)
    across = line[None, None, :] - middle
    down = line[None, :, None] - apex - length / 2  # the tilt turns about the middle
    cos, sin = np.cos(tilt), np.sin(tilt)
    u = (cos * across + sin * down) / half_width
    v = (cos * down - sin * across) / length + np.float32(0.5)
    v /= np.where(u < 0, 1 + right, 1 + left)
    low, high = _V_LIMITS
    column = np.clip((u / _U_LIMIT + 1) * (_CELLS / 2), 0, _CELLS - 1).astype(np.intp)
    row = np.clip((v - low) * (_CELLS / (high - low)), 0, _CELLS - 1).astype(np.intp)
    return table[row, column]
