"""Heat maps: where evidence for one class lies in a film."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Method = Literal["cam", "occlusion"]


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """Evidence for one class, as it is shown."""

    values: NDArray[np.float32]  # (h, w), 0 = none or against the class, 1 = strongest; or all 0
    label: int
    method: Method

    @classmethod
    def of(cls, evidence: NDArray[np.floating[Any]], label: int, method: Method) -> Self:
        """Keep what speaks for the class; the strongest becomes 1."""
        positive = np.maximum(evidence, 0).astype(np.float32)
        strongest = float(positive.max())
        if strongest > 0:
            positive /= strongest
        return cls(positive, label, method)


def heat_at(values: NDArray[np.floating[Any]], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A map as large as its film.

    A network sees films stretched to a square, so a map over its square is stretched back.

    Args:
        values: Shape (h, w).
        shape: Height and width of the film.

    Returns:
        Bilinear between the centres of the map's cells, level beyond the outermost.
    """
    picture = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.array(picture.resize(shape[::-1], Image.Resampling.BILINEAR))
