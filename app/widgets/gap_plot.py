"""How much better a network knows its training films than others, epoch by epoch."""

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Signal

from app.widgets.growing_array import GrowingArray
from app.widgets.plot_colours import PlotColours, Series
from app.widgets.plot_frame import PlotFrame

BAR_WIDTH = 0.7  # of an epoch
EMPTY_EPOCHS, MIN_POINTS = 10, 10.0  # what the axes hold at least


class GapPlot(PlotFrame):
    """A bar for each epoch: training accuracy minus validation accuracy, in percentage points."""

    epoch_chosen = Signal(int)  # 1-based: the user clicked on it

    def __init__(self) -> None:
        super().__init__()
        self._x, self._training, self._validation = (GrowingArray() for _ in range(3))
        self._n_epochs = EMPTY_EPOCHS
        self._words = ("", "", "")
        self._bars = pg.BarGraphItem(x=[], height=[], width=BAR_WIDTH)
        self._zero = pg.InfiniteLine(pos=0, angle=0, movable=False)
        self._item.addItem(self._bars)
        self._item.addItem(self._zero)
        self.clicked_at.connect(self._on_clicked_at)
        self.retranslate()
        self.fit()

    @property
    def n_bars(self) -> int:
        """Epochs drawn."""
        return len(self._x)

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        gap, training, validation = self._words
        x = self._x.values
        return (
            Series(gap, "■", self._colours.validation, x, self._gaps()),
            Series(training, "·", self._colours.training, x, self._training.values),
            Series(validation, "·", self._colours.validation, x, self._validation.values),
        )

    def legend(self) -> Sequence[Series]:
        return self.series()[:1]

    def value_text(self, value: float) -> str:
        return f"{value:.1f}"

    def add(self, epoch: int, training: float, validation: float) -> None:
        """Append an epoch (1-based) and its accuracies in percent."""
        self._x.append(epoch)
        self._training.append(training)
        self._validation.append(validation)
        self._is_dirty = True

    def clear(self) -> None:
        """Begin anew."""
        for values in (self._x, self._training, self._validation):
            values.clear()
        self._is_dirty = True
        self.show_epoch(None)
        self.show_whole()

    def show_length(self, n_epochs: int) -> None:
        """Make room on the horizontal axis for the whole run."""
        self._n_epochs = max(1, n_epochs)
        self.fit()

    def show_epoch(self, epoch: int | None) -> None:
        """Shade an epoch, None: none."""
        self.show_span(*((epoch - 0.5, epoch + 0.5) if epoch else (0, 0)))

    def show_words(self, x: str, y: str, gap: str, training: str, validation: str) -> None:
        """Label the axes, the bars and the two accuracies."""
        self._words = (gap, training, validation)
        self.show_axes(x, y, y)

    def show_colours(self, colours: PlotColours) -> None:
        self._bars.setOpts(brush=colours.validation, pen=pg.mkPen(None))
        self._zero.setPen(pg.mkPen(colours.text, width=1))
        super().show_colours(colours)

    def draw(self) -> None:
        self._bars.setOpts(x=self._x.values, height=self._gaps(), width=BAR_WIDTH)

    def fit(self) -> None:
        last = float(self._x.values[-1]) if len(self._x) else 0.0
        self._plot.setXRange(0.4, max(self._n_epochs, last) + 0.6, padding=0)
        gaps = self._gaps()
        gaps = gaps[np.isfinite(gaps)]
        low, high = (float(gaps.min()), float(gaps.max())) if len(gaps) else (0.0, 0.0)
        self._plot.setYRange(min(0.0, low), max(MIN_POINTS, high), padding=0.05)

    def _gaps(self) -> NDArray[np.float64]:
        return self._training.values - self._validation.values

    def _on_clicked_at(self, x: float) -> None:
        if round(x) in self._x.values:
            self.epoch_chosen.emit(round(x))
