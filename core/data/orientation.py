"""Orientation: films that lie on their side, stand on their head or are negatives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.cache import SIDE
from core.data.image_file import Images

LEAST_FILMS = 20  # fewer have no mean to compare with

# Each film is scored against the mean film in all eight poses; an ordinary film has 1 in its own.
# Untouched real films (661 + 72) that seemed to have another pose scored up to 0.58 with a lead of
# 0.05 over the next, or had a lead of 0.13 at 0.31; of films turned or inverted on purpose 93 to
# 98 % passed both limits. In sets of 20 to 30 films the mean is so uncertain that 0.2 % of the
# untouched ones passed too, hence the margin that shrinks with the number of films.
_LEAST_SCORE = 0.5
_LEAST_LEAD = 0.25
_SMALL_SET_MARGIN = 6.0  # divided by the number of films
# Where the films do not agree on a pose there is nothing to compare with.
_LEAST_AGREEING = 0.5

_SIDE = 16  # pixels
_N_FOLDS = 5
_MOST_ROUNDS = 5
_RIDGE = 1.0  # in units of the mean variance of a pixel
_BLOCK = 256  # films


@dataclass(frozen=True, slots=True, eq=False)
class Orientation:
    """Pose of each film, compared with most of the others; only clear cases are named."""

    rotation: NDArray[np.int64]  # (N,), 0, 90, 180 or 270 degrees counter-clockwise
    is_inverted: NDArray[np.bool_]  # (N,), black and white exchanged


def orientation(thumbs: Images) -> Orientation:
    """Find the films whose pose or polarity differs from that of most films.

    The mean film alone mistakes 2 % of real films. So its pixels are weighted as in Fisher's
    discriminant (Fisher, Annals of Eugenics 1936): by the inverse of their covariance over all
    poses. A film never takes part in what it is compared with.

    Args:
        thumbs: Shape (N, 128, 128).
    """
    n = len(thumbs)
    rotation, is_inverted = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    films = _normalised(thumbs)
    is_usable = films.any(axis=(1, 2))
    if is_usable.sum() < LEAST_FILMS:
        return Orientation(rotation, is_inverted)
    scores = _pose_scores(films[is_usable])
    pose = scores.argmax(axis=1)
    ordered = np.sort(scores, axis=1)
    least_lead = _LEAST_LEAD + _SMALL_SET_MARGIN / is_usable.sum()
    is_clear = (ordered[:, -1] > _LEAST_SCORE) & (ordered[:, -1] - ordered[:, -2] > least_lead)
    if np.mean(is_clear & (pose == 0)) > _LEAST_AGREEING:
        pose = np.where(is_clear, pose, 0)
        rotation[is_usable] = 90 * (pose % 4)
        is_inverted[is_usable] = pose >= 4
    return Orientation(rotation, is_inverted)


def _normalised(thumbs: Images) -> NDArray[np.float32]:
    """Reduce films to 16 x 16 pixels with mean 0 and length 1, or all 0 where blank."""
    fold = SIDE // _SIDE
    films = np.empty((len(thumbs), _SIDE, _SIDE), np.float32)
    for start in range(0, len(thumbs), _BLOCK):
        block = thumbs[start : start + _BLOCK]
        rows = block.reshape(-1, _SIDE, fold, SIDE).sum(axis=2, dtype=np.uint16)
        sums = rows.reshape(-1, _SIDE, _SIDE, fold).sum(axis=3, dtype=np.uint16)
        films[start : start + _BLOCK] = sums / np.float32(fold**2)
    films -= films.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(films, axis=(1, 2), keepdims=True)
    return np.where(length > _SIDE, films / np.maximum(length, 1), np.float32(0))


def _pose_scores(films: NDArray[np.float32]) -> NDArray[np.float64]:
    """Score each film in each pose by what the films of the other folds have in common.

    Returns:
        Shape (N, 8): turned by 0, 90, 180, 270 degrees, then the same as negatives.
    """
    n, n_pixels = len(films), _SIDE**2
    # (4, N, 256): each film turned back from the pose that it is scored for
    turned = np.stack([np.rot90(films, -k, axes=(1, 2)).reshape(n, n_pixels) for k in range(4)])
    fold_of = np.arange(n) % _N_FOLDS
    covariances = np.stack(
        [
            np.einsum("knp,knq->pq", part, part, optimize=True)
            for part in (turned[:, fold_of == fold] for fold in range(_N_FOLDS))
        ]
    ).astype(np.float64)
    scores = np.zeros((n, 8))
    pose = np.zeros(n, np.int64)
    for _ in range(_MOST_ROUNDS):
        sign = np.where(pose < 4, 1.0, -1.0)[:, None]
        upright = turned[pose % 4, np.arange(n)] * sign  # (N, 256), as far as is known
        for fold in range(_N_FOLDS):
            is_other = fold_of != fold
            covariance = (covariances.sum(axis=0) - covariances[fold]) / (4 * is_other.sum())
            ridge = _RIDGE * np.trace(covariance) / n_pixels * np.eye(n_pixels)
            weights = np.linalg.solve(covariance + ridge, upright[is_other].mean(axis=0))
            weights /= (upright[is_other] @ weights).mean()
            found = (turned[:, ~is_other] @ weights).T  # (n, 4)
            scores[~is_other] = np.concatenate([found, -found], axis=1)
        if np.array_equal(scores.argmax(axis=1), pose):
            break
        pose = scores.argmax(axis=1)
    return scores
