"""Films with what a network makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FilmSet:
    """Films of one part of a split.

    Raises:
        ValueError: The parts differ in length.
    """

    features: NDArray[np.float32]  # (N, F), pooled, 0 or more
    films: Sequence[NDArray[np.uint8]] | NDArray[np.uint8]  # N of (S, S) or (S, S, 3)
    labels: NDArray[np.int64]  # (N,)
    digests: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.features) == len(self.films) == len(self.labels) == len(self.digests):
            raise ValueError("features, films, labels and digests differ in number")

    def __len__(self) -> int:
        return len(self.digests)

    def only(self, rows: NDArray[np.int64]) -> Self:
        """The films of these rows."""
        return type(self)(
            self.features[rows],
            [self.films[row] for row in rows],
            self.labels[rows],
            tuple(self.digests[row] for row in rows),
        )
