"""Orientation: films that lie on their side, stand on their head or are negatives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.data.image_file import Images
from core.data.picture_area import boxes

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

_MANY_NEGATIVES = 0.3
_LEAST_CHEST = 0.3  # correlation with a drawn chest, of either sign

_SIDE = 16  # pixels
_N_FOLDS = 5
_MOST_ROUNDS = 5
_RIDGE = 1.0  # in units of the mean variance of a pixel


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
    n_usable = int(is_usable.sum())
    answer = _clear_poses(films[is_usable], np.zeros(n_usable, np.int64))
    if answer is None or np.mean(answer >= 4) > _MANY_NEGATIVES:
        # Negatives and positives cancel out in the mean, and most may be negatives: begin with
        # what a chest looks like.
        likeness = films[is_usable].reshape(n_usable, -1) @ _chest().ravel()
        if np.mean(np.abs(likeness) > _LEAST_CHEST) > _LEAST_AGREEING:
            is_negative = likeness < 0
            start = np.where(is_negative, 4, 0)
            other = _clear_poses(films[is_usable], start, is_negative)
            answer = answer if other is None else other
    if answer is not None:
        rotation[is_usable] = 90 * (answer % 4)
        is_inverted[is_usable] = answer >= 4
    return Orientation(rotation, is_inverted)


def _clear_poses(
    films: NDArray[np.float32],
    start: NDArray[np.int64],
    is_negative: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64] | None:
    """Return the pose of each film, 0 where it is not clear; None: films do not agree on one.

    Args:
        films: As `_normalised` gives them, shape (N, 16, 16).
        start: The poses to begin with, shape (N,).
        is_negative: Films that look like negatives by themselves, shape (N,): they may differ.
    """
    scores = _pose_scores(films, start)
    pose = scores.argmax(axis=1)
    ordered = np.sort(scores, axis=1)
    least_lead = _LEAST_LEAD + _SMALL_SET_MARGIN / len(films)
    is_clear = (ordered[:, -1] > _LEAST_SCORE) & (ordered[:, -1] - ordered[:, -2] > least_lead)
    agrees = pose == 0
    if is_negative is not None:
        agrees |= (pose == 4) & is_negative
    return np.where(is_clear, pose, 0) if np.mean(is_clear & agrees) > _LEAST_AGREEING else None


def _chest() -> NDArray[np.float32]:
    """Draw a chest, (16, 16), with mean 0 and length 1: bright belly and spine, dark lungs, air."""
    ticks = (np.arange(_SIDE) + 0.5) / _SIDE
    down, across = np.meshgrid(ticks, ticks, indexing="ij")
    beside = np.abs(across - 0.5)
    lungs = ((beside - 0.2) / 0.13) ** 2 + ((down - 0.38) / 0.25) ** 2 < 1
    chest = np.where((down > 0.7) & (beside < 0.38), 1.0, 0.0)
    chest += 0.4 * np.exp(-((beside / 0.1) ** 2))
    chest -= 0.5 * lungs + 1.0 * ((down < 0.15) & (beside > 0.12)) + 0.4 * (beside > 0.45)
    chest -= chest.mean()
    return (chest / np.linalg.norm(chest)).astype(np.float32)


def _normalised(thumbs: Images) -> NDArray[np.float32]:
    """Reduce films to 16 x 16 pixels with mean 0 and length 1, or all 0 where blank."""
    films = boxes(thumbs).cut(thumbs, _SIDE)  # a border looks the same in every pose
    films -= films.mean(axis=(1, 2), keepdims=True)
    length = np.linalg.norm(films, axis=(1, 2), keepdims=True)
    return np.where(length > _SIDE, films / np.maximum(length, 1), np.float32(0))


def _pose_scores(films: NDArray[np.float32], pose: NDArray[np.int64]) -> NDArray[np.float64]:
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
