"""Registration: the poses in which a copy may lie on its X-ray, and the fine adjustment of one."""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_OVERSAMPLING = 2  # points across a pixel
_CROP_ALL = (0.03, 0.055)  # on each side
_CROP_ONE = 0.045
_DEGREES = 2.2
_N_STEPS = 5
_N_FIRST_STEPS = 2
_LEAST_FIRST = 0.6  # after the first steps; pairs below never become copies
_LEAST_COMMON = 0.5  # of the pixels
_RIDGE = 1e-3


def _affine(
    left: float = 0.0,
    top: float = 0.0,
    right: float = 0.0,
    bottom: float = 0.0,
    degrees: float = 0.0,
) -> NDArray[np.float64]:
    """Return the map, (2, 3), from a cut and turned picture to the whole, both from -1 to 1."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    wide, high = 1 - left - right, 1 - top - bottom
    return np.array(
        [
            [wide * cosine, -wide * sine, left - right],
            [high * sine, high * cosine, top - bottom],
        ]
    )


# Between them a crop of 5 % or a turn of 3 degrees is never far: what is left is a pixel of 32.
POSES: tuple[NDArray[np.float64], ...] = (
    _affine(),
    *(_affine(share, share, share, share) for share in _CROP_ALL),
    *(_affine(**{side: _CROP_ONE}) for side in ("left", "top", "right", "bottom")),
    *(_affine(degrees=degrees) for degrees in (-_DEGREES, _DEGREES)),
)


def posed(films: NDArray[np.float32], pose: int, side: int) -> NDArray[np.float32]:
    """Cut and turn films, shape (N, H, H), as POSES[pose] says; shape (N, side, side)."""
    n, height, _ = films.shape
    table = _table(pose, height, side)
    moved = table @ np.ascontiguousarray(films.reshape(n, -1).T)  # (side * side, N)
    return np.ascontiguousarray(moved.T).reshape(n, side, side).astype(np.float32, copy=False)


@functools.cache
def _table(pose: int, height: int, side: int) -> "csr_array":
    """Return the weights of `height` x `height` pixels in each of `side` x `side`."""
    from scipy.sparse import csr_array  # scipy would hold up the window's start

    fine = side * _OVERSAMPLING
    ticks = (2 * np.arange(fine) + 1) / fine - 1
    down, across = np.meshgrid(ticks, ticks, indexing="ij")
    (xx, xy, x0), (yx, yy, y0) = POSES[pose]
    x = _pixels(xx * across + xy * down + x0, height)
    y = _pixels(yx * across + yy * down + y0, height)
    column, row = (
        np.minimum(x.astype(np.int64), height - 2),
        np.minimum(y.astype(np.int64), height - 2),
    )
    target = np.arange(fine) // _OVERSAMPLING
    target = (target[:, None] * side + target[None, :]).ravel()
    weights, places = [], []
    for below in (0, 1):
        for right in (0, 1):
            weight = np.where(below, y - row, 1 - y + row) * np.where(
                right, x - column, 1 - x + column
            )
            weights.append(weight.ravel() / _OVERSAMPLING**2)
            places.append(((row + below) * height + column + right).ravel())
    entries = (np.concatenate(weights), (np.tile(target, 4), np.concatenate(places)))
    return csr_array(entries, shape=(side**2, height**2), dtype=np.float32)


def _pixels(places: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    """Return places from -1 to 1 as numbers of pixels."""
    return np.clip((places + 1) * height / 2 - 0.5, 0, height - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Detail and weight of the films to compare: shape (P, H, H) each."""

    detail: NDArray[np.float32]
    weight: NDArray[np.float32]  # 0 where there is no X-ray, else 1


def adjusted_likeness(
    moving: Layers, fixed: Layers, poses: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Adjust an affine map for each pair and correlate what lies in both films.

    Gauss-Newton on the difference of the details (Lucas and Kanade, IJCAI 1981).

    Args:
        moving: The films that are mapped.
        fixed: Those on which they shall lie.
        poses: Where to begin, indices into POSES, shape (P,).

    Returns:
        Correlation coefficients as adjusted and as they lay, shape (P,) each.
    """
    n, height, _ = moving.detail.shape
    ticks = (2 * np.arange(height) + 1) / height - 1
    down, across = (axis.ravel() for axis in np.meshgrid(ticks, ticks, indexing="ij"))
    slope_y, slope_x = np.gradient(moving.detail, 2 / height, axis=(1, 2))
    layers = np.stack([moving.detail, slope_x, slope_y, moving.weight], axis=-1)  # (P, H, H, 4)
    layers = layers.reshape(n, height * height, 4).astype(np.float32)
    target, target_weight = (
        layer.reshape(n, -1) for layer in (fixed.detail, fixed.weight)
    )  # (P, H * H)
    maps = np.stack(POSES)[poses]  # (P, 2, 3)
    monomials = np.stack([across, down, np.ones_like(across)]).astype(np.float32)  # (3, H * H)
    best, first = np.full(n, -1.0), np.full(n, -1.0)
    going = np.arange(n)  # the pairs that are still adjusted
    for step in range(_N_STEPS + 1):
        sampled, is_inside = _sample(layers, maps @ monomials, height)
        weight = target_weight * sampled[..., 3] * is_inside
        likeness, gain = _correlation(sampled[..., 0], target, weight)
        best[going] = np.maximum(best[going], likeness)
        if step == 0:
            first = likeness
        if step == _N_STEPS:
            break
        slopes = np.concatenate(
            [
                sampled[..., 1:2] * monomials.T[None],
                sampled[..., 2:3] * monomials.T[None],
            ],
            axis=2,
        )  # (P, H * H, 6)
        weighted = slopes * weight[..., None]
        normal = np.einsum("pki,pkj->pij", weighted, slopes, optimize=True)
        # Contrast may differ: the target is scaled to the film.
        residual = gain[:, None] * target - sampled[..., 0]
        wanted = np.einsum("pki,pk->pi", weighted, residual)
        trace = np.trace(normal, axis1=1, axis2=2)[:, None, None]
        change = np.linalg.solve(
            normal + (_RIDGE * trace / 6 + 1e-9) * np.eye(6), wanted[..., None].astype(np.float64)
        )
        maps = maps + change.reshape(-1, 2, 3)
        if step == _N_FIRST_STEPS:
            kept = best[going] > _LEAST_FIRST
            going, maps, layers = going[kept], maps[kept], layers[kept]
            target, target_weight = target[kept], target_weight[kept]
            if not len(going):
                break
    return best, first


def _sample(
    layers: NDArray[np.float32], places: NDArray[np.float64], height: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Read layers, (P, H * H, C), between pixels at places, (P, 2, K).

    Returns:
        Shape (P, K, C), and shape (P, K): the place lies in the film.
    """
    is_inside = np.max(np.abs(places), axis=1) <= 1
    x, y = (_pixels(places[:, axis], height) for axis in (0, 1))
    column = np.minimum(x.astype(np.int64), height - 2)
    row = np.minimum(y.astype(np.int64), height - 2)
    right = (x - column).astype(np.float32)[..., None]
    below = (y - row).astype(np.float32)[..., None]
    first = row * height + column
    film = np.arange(len(layers))[:, None]
    upper = layers[film, first] * (1 - right) + layers[film, first + 1] * right
    lower = layers[film, first + height] * (1 - right) + layers[film, first + height + 1] * right
    sampled: NDArray[np.float32] = upper * (1 - below) + lower * below
    return sampled, is_inside


def _correlation(
    one: NDArray[np.float32], other: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Correlate rows, and give the factor that brings `other` nearest to `one`; both (P,)."""
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-6)
    centred = one - (one * weight).sum(axis=1, keepdims=True) / total
    others = other - (other * weight).sum(axis=1, keepdims=True) / total
    product = (centred * others * weight).sum(axis=1)
    square, squares = (centred**2 * weight).sum(axis=1), (others**2 * weight).sum(axis=1)
    likeness = product / np.sqrt(np.maximum(square * squares, 1e-12))
    # Two films of which hardly anything lies on the other tell nothing.
    likeness = np.where(total[:, 0] >= _LEAST_COMMON * weight.shape[1], likeness, -1.0)
    return likeness.astype(np.float64), product / np.maximum(squares, 1e-6)
