"""Appearance of a picture, whatever the network: it tells frontal chest films from all else.

A film is reduced to some forty numbers: its place among the eigen-films of the training films
(principal components of standardised 32-pixel thumbnails, after Turk and Pentland's eigenfaces,
1991), what they cannot explain, and the contrast at four scales. Contrast and brightness of the
whole film do not count. Blank pictures and smooth ones are as strange as text: their contrast at
the small scales is too low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 32  # pixels of a thumbnail
N_PIXELS = SIDE**2
SCALES = (64, 32, 16, 8, 4)  # pixels; the contrast between each and the next is one number
N_CONTRASTS = len(SCALES) - 1
N_POSES = 8  # turned by 0, 90, 180, 270 degrees counter-clockwise, then the same as negatives

_MOST_EIGEN_FILMS = 32
_FILMS_FOR_EACH = 8  # an eigen-film is fitted to at least so many films
# A blank picture has less contrast than this, so that its noise is not taken for a pattern. The
# flattest of 733 real films had 13 grey levels.
_BLANK = 4.0  # standard deviation in grey levels
_COLOURED = 24  # grey levels between the channels
_FLOOR = 1e-4  # of a variance in units of the film's; finer is rounding

_SHRINKAGE = 0.05  # of the variances towards their mean
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class PooledGaussian:
    """A normal distribution whose narrow axes share one variance.

    Probabilistic principal components (Tipping and Bishop, 1999): k axes and one number describe
    what would be F x F numbers, and few points suffice to fit them.
    """

    mean: NDArray[np.float32]  # (F,)
    axes: NDArray[np.float32]  # (k, F), of length 1, perpendicular, widest first
    variances: NDArray[np.float32]  # (k + 1,): along the axes, then in any other direction

    @classmethod
    def fit(cls, points: NDArray[np.floating[Any]], n_axes: int) -> Self:
        """Fit to points of shape (N, F); there are `n_axes` axes or as many as the points fill."""
        from sklearn.decomposition import PCA  # scikit-learn would hold up the window's start

        n, width = points.shape
        n_axes = min(n_axes, n - 1, width)
        with np.errstate(invalid="ignore"):  # shares of no variance at all, which nobody reads
            pca = PCA(n_axes, iterated_power=6, n_oversamples=16, random_state=0)
            pca.fit(points.astype(np.float64))
        average = points.var(axis=0, ddof=1, dtype=np.float64).mean()
        values = pca.explained_variance_
        left = (average * width - values.sum()) / (width - n_axes) if width > n_axes else average
        variances = np.append(values, left) * (1 - _SHRINKAGE) + average * _SHRINKAGE
        return cls(
            pca.mean_.astype(np.float32),
            np.ascontiguousarray(pca.components_, dtype=np.float32),
            np.maximum(variances, _LEAST_VARIANCE).astype(np.float32),
        )

    def coordinates(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Return the coordinates of points (N, F) along the axes, shape (N, k)."""
        return ((points - self.mean) @ self.axes.T).astype(np.float32, copy=False)

    def distances(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the squared Mahalanobis distances of points (N, F) from the mean, (N,)."""
        centred = points - self.mean
        along = (centred @ self.axes.T).astype(np.float64)
        beside = (centred.astype(np.float64) ** 2).sum(axis=1) - (along**2).sum(axis=1)
        on_axes = (along**2 / self.variances[:-1]).sum(axis=1)
        return on_axes + np.maximum(beside, 0) / self.variances[-1]


def grey(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn (H, W) or (H, W, 3) into (H, W)."""
    return film if film.ndim == 2 else np.asarray(Image.fromarray(film).convert("L"))


def coloured_share(film: NDArray[np.uint8]) -> float:
    """Return the part of a picture's pixels that are noticeably coloured, in [0, 1]."""
    if film.ndim == 2:
        return 0.0
    return float(np.mean(np.ptp(film, axis=2) > _COLOURED))


@dataclass(frozen=True, slots=True, eq=False)
class ImageFeatures:
    """Contrasts of N pictures, which no quarter turn changes, and thumbnails to be turned."""

    thumbs: NDArray[np.float32]  # (N, 32, 32), mean 0, standard deviation 1
    contrasts: NDArray[np.float32]  # (N, 4), logarithms
    is_blank: NDArray[np.bool_]  # (N,)

    @classmethod
    def of(cls, films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Self:
        """Measure films of shape (S, S) or (S, S, 3)."""
        thumbs = np.zeros((len(films), SIDE, SIDE), np.float32)
        contrasts = np.zeros((len(films), N_CONTRASTS), np.float32)
        is_blank = np.zeros(len(films), np.bool_)
        for row, film in enumerate(films):
            levels = _pyramid(grey(film))
            thumb = levels[1]  # SIDE
            deviation = float(thumb.std())
            is_blank[row] = deviation < _BLANK
            deviation = max(deviation, _BLANK)
            thumbs[row] = (thumb - thumb.mean()) / deviation
            finer = [
                np.mean((level - _enlarged(coarser, len(level))) ** 2)
                for level, coarser in pairwise(levels)
            ]
            contrasts[row] = np.log(np.array(finer) / deviation**2 + _FLOOR)
        return cls(thumbs, contrasts, is_blank)

    def only(self, row: int) -> Self:
        """Return one of the pictures."""
        part = slice(row, row + 1)
        return type(self)(self.thumbs[part], self.contrasts[part], self.is_blank[part])

    def posed(self, pose: int) -> Self:
        """Return the same pictures turned back from a pose (see N_POSES)."""
        turned = np.rot90(self.thumbs, -(pose % 4), axes=(1, 2))
        return type(self)(-turned if pose >= 4 else turned, self.contrasts, self.is_blank)


@dataclass(frozen=True, slots=True, eq=False)
class AppearanceModel:
    """Distribution of the appearance of the training films."""

    mean_film: NDArray[np.float32]  # (1024,)
    eigen_films: NDArray[np.float32]  # (d, 1024)
    scale: NDArray[np.float32]  # (d + 5,), the deviation of each number
    likeness: PooledGaussian  # of the numbers divided by `scale`

    @classmethod
    def fit(cls, films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]) -> Self:
        """Fit to training films."""
        images = ImageFeatures.of(films)
        n_eigen_films = int(np.clip(len(films) // _FILMS_FOR_EACH, 1, _MOST_EIGEN_FILMS))
        principal = PooledGaussian.fit(images.thumbs.reshape(-1, N_PIXELS), n_eigen_films)
        numbers = _describe(images, principal.mean, principal.axes)
        scale = np.maximum(numbers.std(axis=0), 1e-3).astype(np.float32)
        likeness = PooledGaussian.fit(numbers / scale, numbers.shape[1])
        return cls(principal.mean, principal.axes, scale, likeness)

    def distances(self, images: ImageFeatures) -> NDArray[np.float64]:
        """Return how unlike the training films each picture is, squared, (N,)."""
        return self.likeness.distances(
            _describe(images, self.mean_film, self.eigen_films) / self.scale
        )

    def pose_distances(self, images: ImageFeatures) -> NDArray[np.float64]:
        """Return the distances in all poses, (N, 8)."""
        return np.stack([self.distances(images.posed(pose)) for pose in range(N_POSES)], axis=1)


def _describe(
    images: ImageFeatures, mean_film: NDArray[np.float32], eigen_films: NDArray[np.float32]
) -> NDArray[Any]:
    """Return the numbers that stand for each picture: (N, d + 1 + 4)."""
    centred = images.thumbs.reshape(-1, N_PIXELS) - mean_film
    places = centred @ eigen_films.T  # (N, d)
    left = np.mean((centred - places @ eigen_films) ** 2, axis=1, keepdims=True)
    return np.concatenate([places, np.log(left + _FLOOR), images.contrasts], axis=1)


def _pyramid(film: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    image, levels = Image.fromarray(film).convert("F"), []
    for side in SCALES:
        # Pillow's bilinear kernel widens with the reduction, so that nothing is skipped.
        image = image.resize((side, side), Image.Resampling.BILINEAR)
        levels.append(np.asarray(image, np.float32))
    return levels


def _enlarged(level: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(level).resize((side, side), Image.Resampling.BILINEAR))
