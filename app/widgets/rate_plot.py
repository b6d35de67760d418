"""The learning rate over the whole run, known before the run begins."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from app.widgets.plot_colours import PlotColours, Series
from app.widgets.plot_frame import PlotFrame


class RatePlot(PlotFrame):
    """A line from the first step to the last, and a mark at the step that training is at."""

    def __init__(self) -> None:
        super().__init__()
        self._x: NDArray[np.float64] = np.empty(0)
        self._rates: NDArray[np.float64] = np.empty(0)
        self._word = ""
        self._line = pg.PlotDataItem()
        self._line.setDownsampling(auto=True, method="peak")
        self._line.setClipToView(True)
        self._now = pg.InfiniteLine(angle=90, movable=False)
        self._now.hide()
        self._item.addItem(self._line)
        self._item.addItem(self._now)
        self.retranslate()

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        return (Series(self._word, "━", self._colours.training, self._x, self._rates),)

    def show_rates(self, rates: NDArray[np.float64], n_epochs: int) -> None:
        """Draw the rate of every step.

        Args:
            rates: Shape (steps,).
            n_epochs: That the steps make together.
        """
        self._x = np.arange(1.0, len(rates) + 1) * (n_epochs / max(1, len(rates)))
        self._rates = rates
        self._line.setData(self._x, rates)
        if self._is_followed:
            self.fit()

    def show_position(self, epochs: float | None) -> None:
        """Mark where training is, in epochs done; None: nowhere."""
        self._now.setVisible(epochs is not None)
        if epochs is not None:
            self._now.setPos(epochs)

    def show_words(self, x: str, y: str, line: str) -> None:
        """Label the axes and the line."""
        self._word = line
        self.show_axes(x, y, y)

    def show_colours(self, colours: PlotColours) -> None:
        self._line.setPen(pg.mkPen(colours.training, width=1))
        self._now.setPen(pg.mkPen(colours.validation, width=1, style=Qt.PenStyle.DashLine))
        super().show_colours(colours)

    def show_epoch(self, epoch: int | None) -> None:
        """Shade an epoch (1-based), None: none."""
        self.show_span(*((epoch - 1, epoch) if epoch else (0, 0)))

    def fit(self) -> None:
        if len(self._rates):
            self._plot.setXRange(0, float(self._x[-1]), padding=0.01)
            self._plot.setYRange(0, float(self._rates.max()), padding=0.05)
