"""The pose of the lung template that fits a film best."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from core.prediction.lungs.relief import SIDE, Image, Relief, blur
from core.prediction.lungs.shape import HALF_WIDTH, LENGTH, N_POSE, distances

Poses = NDArray[np.float64]  # (K, 7), see core.prediction.lungs.shape

# Where lungs lie on films that are stretched to a square, and how much that varies.
_USUAL: Final = np.array([0.5, 0.37, 0.16, 0.62, 0.0, 0.0, 0.0])
_SPREAD: Final = np.array([0.06, 0.07, 0.09, 0.12, 0.06, 0.10, 0.10])
_USUAL_LENGTH: Final = 1.75  # half-widths
_LENGTH_SPREAD: Final = 0.25  # of its logarithm
_LOW: Final = np.array([0.2, 0.18, -0.2, 0.25, -0.35, -0.3, -0.3])
_HIGH: Final = np.array([0.8, 0.55, 0.6, 1.1, 0.35, 0.3, 0.3])

# Weights of the parts of a score. Chosen by Dice on phantoms and by eye on 168 real films.
_PRIOR: Final = np.array([0.018] * 4 + [0.03] * 3)
_PRIOR_LENGTH: Final = 0.045
_EDGE: Final = 0.5
_AREA: Final = 0.12  # else a template inside the darkest half of a lung would win
_USUAL_AREA: Final = 0.2  # of the film

_RING: Final = 0.22  # half-widths: what lies so near outside must be lighter than lung
_INSIDE_LIMIT: Final = 0.2  # of the relief; a white lung must not cost more
_RING_LIMIT: Final = 0.5
_OUTSIDE_COST: Final = 1.5  # no lung lies in the air beside the patient
_BAND: Final = 0.09  # half-widths beside the outline in which grey levels must rise outwards
_EDGE_LIMITS: Final = (-0.3, 1.0)

_COARSE: Final = 32  # pixels
_N_STARTS: Final = 6
_N_FINALISTS: Final = 2
_STEPS: Final = np.array([0.03, 0.03, 0.03, 0.05, 0.04, 0.10, 0.10])
_MOST_ROUNDS: Final = 14
_HALVINGS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The best pose and how well it fits; see `_scores`."""

    pose: Poses  # (7,)
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Planes:
    """A film at one size, as poses are scored on it; each (side, side)."""

    inside: Image  # what a pixel costs inside the lungs
    around: Image  # what it is worth beside them
    rise_across: Image
    rise_down: Image

    @classmethod
    def of(cls, relief: Relief, side: int) -> Self:
        values, is_outside = (
            plane.reshape(side, SIDE // side, side, SIDE // side).mean(axis=(1, 3))
            for plane in (relief.values, relief.is_outside.astype(np.float32))
        )
        rises = _rises(values)
        inside = np.minimum(values, _INSIDE_LIMIT) + _OUTSIDE_COST * is_outside
        return cls(inside, np.minimum(values, _RING_LIMIT), *rises)


def fit(relief: Relief) -> Fit:
    """Look for two lungs: over a grid of poses first, then downhill from the best of them."""
    coarse, fine = _Planes.of(relief, _COARSE), _Planes.of(relief, SIDE)
    fits = [_climb(coarse, start) for start in _starts(coarse)]
    fits.sort(key=lambda found: -found.score)
    finals = [_climb(fine, found.pose) for found in fits[:_N_FINALISTS]]
    return max(finals, key=lambda found: found.score)


@lru_cache(1)
def _grid() -> tuple[Poses, NDArray[np.float32], NDArray[np.float32]]:
    """Upright poses, and for each the weights of lung and ring, shape (K, pixels)."""
    axes = [
        np.linspace(0.36, 0.64, 7),
        np.linspace(0.24, 0.48, 6),
        np.linspace(-0.02, 0.36, 8),
        np.linspace(0.36, 0.86, 7),
    ]
    poses = np.zeros((np.prod([len(axis) for axis in axes]), N_POSE))
    poses[:, :4] = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 4)
    apart = distances(poses, _COARSE).reshape(len(poses), -1)
    return poses, _shares(apart < 0), _shares((apart > 0) & (apart < _RING))


def _shares(chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    counts = np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    return (chosen / counts).astype(np.float32)


def _starts(film: _Planes) -> Poses:
    """The best poses of the grid that are not neighbours of a better one."""
    poses, lung, ring = _grid()
    contrast = ring @ film.around.ravel() - lung @ film.inside.ravel()
    area = (lung > 0).mean(axis=1)
    scores = contrast + _AREA * np.log(np.maximum(area, 1e-3) / _USUAL_AREA) - _prior(poses)
    starts: list[Poses] = []
    for index in np.argsort(-scores):
        pose = poses[index]
        if all((np.abs(pose - other) > _SPREAD).any() for other in starts):
            starts.append(pose)
        if len(starts) == _N_STARTS:
            break
    return np.stack(starts)


def _climb(film: _Planes, pose: Poses) -> Fit:
    """Change one part of the pose at a time while that helps, in ever smaller steps."""
    steps, best = _STEPS.copy(), -np.inf
    halvings = 0
    for _ in range(_MOST_ROUNDS):
        moves = np.concatenate([np.zeros((1, N_POSE)), np.diag(steps), -np.diag(steps)])
        tried = (pose + moves).clip(_LOW, _HIGH)
        scores = _scores(tried, film)
        winner = int(scores.argmax())
        pose, best = tried[winner], float(scores[winner])
        if winner == 0:
            halvings += 1
            if halvings == _HALVINGS:
                break
            steps = steps / 2
    return Fit(pose, best)


def _scores(poses: Poses, film: _Planes) -> Image:
    """Reward lungs darker than what surrounds them, and edges that face outwards; (K,)."""
    apart = distances(poses, len(film.inside))  # (K, side, side)
    lung = apart < 0
    ring = (apart > 0) & (apart < _RING)
    n_lung = np.maximum(lung.sum(axis=(1, 2)), 1)
    n_ring = np.maximum(ring.sum(axis=(1, 2)), 1)
    inside = (lung * film.inside).sum(axis=(1, 2)) / n_lung
    around = (ring * film.around).sum(axis=(1, 2)) / n_ring
    area = n_lung / film.inside.size
    return (
        around
        - inside
        + _AREA * np.log(area / _USUAL_AREA)
        + _EDGE * _edges(apart, film.rise_across, film.rise_down)
        - _prior(poses)
    )


def _edges(apart: NDArray[np.float32], rise_across: Image, rise_down: Image) -> Image:
    """The mean rise of the relief outwards along the outlines, (K,)."""
    across, down = np.zeros_like(apart), np.zeros_like(apart)  # the outward normals
    across[:, :, 1:-1] = apart[:, :, 2:] - apart[:, :, :-2]
    down[:, 1:-1] = apart[:, 2:] - apart[:, :-2]
    length = np.sqrt(across * across + down * down) + 1e-6
    rise = ((across * rise_across + down * rise_down) / length).clip(*_EDGE_LIMITS)
    band = np.abs(apart) < _BAND
    return (rise * band).sum(axis=(1, 2)) / np.maximum(band.sum(axis=(1, 2)), 1)


def _rises(relief: Image) -> tuple[Image, Image]:
    """Differences of the smoothed relief across and down, over four of SIDE pixels."""
    smooth = blur(relief, 1).astype(np.float32)
    reach = 2 * len(relief) // SIDE
    across, down = np.zeros_like(smooth), np.zeros_like(smooth)
    across[:, reach:-reach] = smooth[:, 2 * reach :] - smooth[:, : -2 * reach]
    down[reach:-reach] = smooth[2 * reach :] - smooth[: -2 * reach]
    return across, down


def _prior(poses: Poses) -> Image:
    """How unusual the poses are, (K,)."""
    off = (poses - _USUAL) / _SPREAD
    ratio = np.log(poses[:, LENGTH] / (_USUAL_LENGTH * poses[:, HALF_WIDTH])) / _LENGTH_SPREAD
    return (off**2) @ _PRIOR + _PRIOR_LENGTH * ratio**2
