"""What lies over a film and is not the film: heat, an outline, a warning."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF

from app.widgets.viewer.heat_layer import HeatLayer
from app.widgets.viewer.outline import outline
from core.prediction.heat_colours import USUAL_OPACITY

DEFAULT_OPACITY = USUAL_OPACITY


class Overlays:
    """Holds what is drawn over one film."""

    def __init__(self) -> None:
        self.heat: HeatLayer | None = None
        self.is_heat_shown = True
        self.opacity = DEFAULT_OPACITY
        self.lines: list[QLineF] = []  # of an outline, in fractions of the film's sides
        self.stamp = ""

    @property
    def visible_heat(self) -> HeatLayer | None:
        """The heat map, if it is there and to be seen."""
        return self.heat if self.is_heat_shown else None

    def set_heat(self, heat: NDArray[np.floating] | None) -> None:
        """Lay a heat map, shape (h, w) in [0, 1], over the film, or take it away."""
        is_map = heat is not None and heat.ndim == 2 and heat.size > 0
        self.heat = HeatLayer(heat) if heat is not None and is_map else None

    def set_outline(self, mask: NDArray[np.bool_] | None) -> None:
        """Draw the border of a mask, shape (h, w), or none."""
        self.lines = [] if mask is None else outline(np.asarray(mask, np.bool_))

    def clear(self) -> None:
        """Take away whatever belongs to the film; how it is shown stays."""
        self.heat, self.lines, self.stamp = None, [], ""
