"""What a plot takes from a theme, and what all curves have in common."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PlotColours:
    """A theme's colours as #rrggbb."""

    background: str
    text: str
    grid: str
    training: str
    validation: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One curve of a plot, as its legend, its cross-hair and its table call it."""

    name: str
    mark: str  # the character that stands for it in the legend
    colour: str  # #rrggbb
    x: NDArray[np.float64]  # (n,), ascending
    y: NDArray[np.float64]  # (n,)
