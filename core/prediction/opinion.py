"""What a model says of one film, and how far it may be believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.prediction.novelty import Neighbour, Novelty


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """A model's answer to one film."""

    probabilities: NDArray[np.float32]  # (C,), sums to 1; calibrated where `is_calibrated`
    is_calibrated: bool
    candidates: tuple[int, ...]  # classes that remain possible, the most probable first
    novelty: Novelty | None  # None: the model file knows nothing of its training films
    neighbours: tuple[Neighbour, ...] = ()  # the nearest training films, the nearest first

    @property
    def predicted(self) -> int:
        """The class with the highest probability."""
        return int(self.probabilities.argmax())

    @property
    def is_sure(self) -> bool:
        """Whether one class remains possible."""
        return len(self.candidates) == 1
