"""A live curve: every batch as a point, a smoothed line over them, validation as diamonds."""

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor

from app.widgets.growing_array import GrowingArray
from app.widgets.plot_colours import PlotColours as PlotColours
from app.widgets.plot_colours import Series
from app.widgets.plot_frame import PlotFrame
from app.widgets.thinning import every_nth, peaks
from core.training.run_curves import SMOOTHING, smoothed

EMPTY_BATCHES, EMPTY_TOP = 100, 1.5  # limits of the axes before there is anything to draw
MAX_POINTS = 4_000  # drawn at a time: 100,000 took 190 ms
MAX_BINS = 2_000  # of the line: as many as a wide screen has pixels
PADDING = 0.02  # of the horizontal axis, at its end


class CurvePlot(PlotFrame):
    """Grows point by point.

    Args:
        y_range: Fixed limits of the vertical axis, None to follow the values.
        unit: Written after a value.
    """

    epoch_chosen = Signal(int)  # 1-based: the user clicked into it

    def __init__(self, y_range: tuple[float, float] | None = None, unit: str = "") -> None:
        super().__init__()
        self._y_range, self._unit = y_range, unit
        self._y, self._smooth = GrowingArray(), GrowingArray()
        self._validation_x, self._validation_y = GrowingArray(), GrowingArray()
        self._epoch_ends: list[int] = []  # batches, of the epochs that ended
        self._epoch: int | None = None  # the one that is shaded; None: the latest
        self._n_batches = EMPTY_BATCHES
        self._words = ("", "", "")
        self._sum, self._weight = 0.0, 0.0  # of the moving average, up to the latest point
        # Width 1 and no antialiasing: anything finer costs seconds at 100,000 points.
        self._points = pg.ScatterPlotItem(size=4, pen=None, pxMode=True)
        self._line = pg.PlotCurveItem()
        self._diamonds = pg.PlotDataItem(symbol="d", symbolSize=9)
        for part in (self._points, self._line, self._diamonds):
            self._item.addItem(part)
        self.clicked_at.connect(self._on_clicked_at)
        self.retranslate()
        self.fit()

    @property
    def n_points(self) -> int:
        """Batches drawn so far."""
        return len(self._y)

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        training, validation = self._colours.training, self._colours.validation
        raw, smooth, name = self._words
        x = np.arange(1.0, len(self._y) + 1)
        return (
            Series(raw, "•", training, x, self._y.values),
            Series(smooth, "━", training, x, self._smooth.values),
            Series(name, "◆", validation, self._validation_x.values, self._validation_y.values),
        )

    def value_text(self, value: float) -> str:
        return super().value_text(value) + (f" {self._unit}" if self._unit else "")

    def add(self, value: float) -> None:
        """Append one batch."""
        if math.isfinite(value):
            self._sum = SMOOTHING * self._sum + (1 - SMOOTHING) * value
            self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        self._y.append(value)
        self._smooth.append(self._sum / self._weight if self._weight else math.nan)
        self._is_dirty = True

    def extend(self, values: NDArray[np.float64]) -> None:
        """Begin with many batches, shape (n,)."""
        self._y.extend(values)
        self._smooth.extend(smoothed(self._y.values))
        n_numbers = int(np.isfinite(self._y.values).sum())
        self._weight = 1 - SMOOTHING**n_numbers
        self._sum = self._weight * float(self._smooth.values[-1]) if n_numbers else 0.0
        self._is_dirty = True

    def end_epoch(self, validation: float | None, n_batches: int | None = None) -> None:
        """Mark the end of an epoch.

        Args:
            validation: Its value on the validation films, None where there are none.
            n_batches: After which batch of the run, None: after the latest.
        """
        end = self.n_points if n_batches is None else n_batches
        self._epoch_ends.append(end)
        if validation is not None:
            self._validation_x.append(end)
            self._validation_y.append(validation)
        self._is_dirty = True

    def clear(self) -> None:
        """Begin anew."""
        for values in (self._y, self._smooth, self._validation_x, self._validation_y):
            values.clear()
        self._sum, self._weight = 0.0, 0.0
        self._epoch_ends.clear()
        self._epoch = None
        self._is_dirty = True
        self.show_whole()

    def show_length(self, n_batches: int) -> None:
        """Make room on the horizontal axis for the whole run."""
        self._n_batches = max(1, n_batches)
        self.fit()

    def show_epoch(self, epoch: int | None) -> None:
        """Shade an epoch (1-based), None: the latest."""
        self._epoch = epoch
        self._shade()

    def show_words(self, x: str, y: str, raw: str, smooth: str, validation: str) -> None:
        """Label the axes and the three kinds of marks."""
        self._words = (raw, smooth, validation)
        self.show_axes(x, y, y)

    def show_colours(self, colours: PlotColours) -> None:
        faint = QColor(colours.training)
        faint.setAlpha(110)
        self._points.setBrush(faint)
        self._line.setPen(pg.mkPen(colours.training, width=1))
        self._diamonds.setPen(pg.mkPen(colours.validation, width=1, style=Qt.PenStyle.DashLine))
        self._diamonds.setSymbolBrush(colours.validation)
        self._diamonds.setSymbolPen(pg.mkPen(colours.validation))
        super().show_colours(colours)

    def draw(self) -> None:
        seen = self._seen()
        x = np.arange(seen.start + 1.0, seen.stop + 1)
        y, smooth = self._y.values[seen], self._smooth.values[seen]
        step = every_nth(len(x), MAX_POINTS)
        self._points.setData(x=x[::step], y=y[::step])
        self._line.setData(*peaks(x, smooth, MAX_BINS))
        self._diamonds.setData(self._validation_x.values, self._validation_y.values)
        self._shade()

    def fit(self) -> None:
        length = max(self._n_batches, self.n_points)
        self._plot.setXRange(0, length * (1 + PADDING), padding=0)
        if self._y_range is not None:
            self._plot.setYRange(*self._y_range, padding=0.05)
            return
        values = np.concatenate((self._y.values, self._validation_y.values))
        values = values[np.isfinite(values)]
        # From zero, so that two runs can be compared; one wild batch does not set the scale.
        top = 1.15 * float(np.percentile(values, 99)) if len(values) else EMPTY_TOP
        self._plot.setYRange(0, max(top, 1e-3), padding=0.05)

    def _seen(self) -> slice:
        """The points in view: zooming in shows those that were left out before."""
        if self._is_followed:
            return slice(0, self.n_points)
        low, high = self._box.viewRange()[0]
        begin = min(max(0, math.floor(low) - 1), self.n_points)
        return slice(begin, min(max(begin, math.ceil(high) + 1), self.n_points))

    def _shade(self) -> None:
        """Shade the chosen epoch, else the latest, which may be under way."""
        ends = [0, *self._epoch_ends]
        if self.n_points > ends[-1]:
            ends.append(self.n_points)
        epoch = len(ends) - 1 if self._epoch is None else self._epoch
        if 0 < epoch < len(ends):
            self.show_span(ends[epoch - 1], ends[epoch])
        else:
            self.show_span(0, 0)

    def _on_clicked_at(self, x: float) -> None:
        epoch = bisect_left(self._epoch_ends, x) + 1
        if x > 0 and epoch <= len(self._epoch_ends):
            self.epoch_chosen.emit(epoch)
