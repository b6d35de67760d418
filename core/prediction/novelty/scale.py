"""Distances of several kinds on one scale, on which 1 is the limit of what is familiar."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FAMILIAR_SHARE = 0.95  # of the validation films

_LEAST_SPREAD = 0.05  # of the logarithms; where all validation films are alike
_LEAST_LIMIT = 0.1
_LEAST_COLOUR = 0.1  # part of the pixels
_MOST = 1e4  # a score that could be none is as strange as can be


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of one model: where the middle and the limit of each kind of distance lie."""

    feature_middle: float  # logarithm of a distance
    feature_spread: float  # from there to the limit
    image_middle: float
    image_spread: float
    colour_limit: float  # part of the pixels

    @classmethod
    def fit(
        cls,
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> Self:
        """Set the limit so that 95 % of the validation films are familiar.

        Each kind of distance is brought to the same median and 95th percentile before they are
        joined; then all are stretched by one factor. Where the limit falls between two films, it
        is so placed that of new films 5 % are strange on average (Weibull's plotting positions,
        1939), also where validation films are few.

        Args:
            features: Squared distances of the validation films, (N,), N at least 20.
            images: The same for how they look.
            colours: Part of the pixels that are coloured, (N,).
        """
        middles, spreads = [], []
        for distances in (features, images):
            logs = _logarithm(distances)
            middle, high = np.quantile(logs, [0.5, FAMILIAR_SHARE])
            middles.append(float(middle))
            spreads.append(max(float(high - middle), _LEAST_SPREAD))
        colour = 2 * float(np.quantile(colours, FAMILIAR_SHARE)) + _LEAST_COLOUR
        scale = cls(middles[0], spreads[0], middles[1], spreads[1], colour)
        scores = joined(scale.parts(features, images, colours))
        limit = float(np.quantile(scores, FAMILIAR_SHARE, method="weibull"))
        # A hair wider, since a film at the limit must pass however its numbers are rounded.
        factor = max(limit, _LEAST_LIMIT) * (1 + 1e-4)
        return cls(
            middles[0], spreads[0] * factor, middles[1], spreads[1] * factor, colour * factor
        )

    def parts(
        self,
        features: NDArray[np.float64],
        images: NDArray[np.float64],
        colours: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Scores for features, look and colour, (3, N), all finite."""
        scores = np.stack(
            [
                (_logarithm(features) - self.feature_middle) / self.feature_spread,
                self.of_images(images),
                colours / self.colour_limit,
            ]
        )
        return np.clip(np.nan_to_num(scores, nan=_MOST), -_MOST, _MOST)

    def of_images(self, images: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores for how pictures look, of any shape."""
        return (_logarithm(images) - self.image_middle) / self.image_spread


def joined(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """One score of three, (3, N) -> (N,): the length of what is above the middle in each."""
    return np.sqrt((np.maximum(parts, 0) ** 2).sum(axis=0))


def _logarithm(distances: NDArray[Any]) -> NDArray[np.float64]:
    return np.log(np.asarray(distances, np.float64) + 1e-6)
