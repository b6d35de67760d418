"""What one pass through a network gives: its answers, and where in the films they come from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Answers and last feature maps of some films."""

    logits: NDArray[np.float32]  # (N, C)
    maps: NDArray[np.float32]  # (N, F, h, w), before they are averaged over the film

    @property
    def features(self) -> NDArray[np.float32]:
        """What the last layer sees of each film: the means of its feature maps, (N, F)."""
        means: NDArray[np.float32] = self.maps.mean(axis=(2, 3))
        return means


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Probabilities along the last axis; each row sums to 1."""
    return precise_softmax(logits).astype(np.float32)


def precise_softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The same in float64."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = shifted / shifted.sum(axis=-1, keepdims=True)
    return shares
