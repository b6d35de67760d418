"""The plots of a run: one at a time, or all at once where there is room."""

import math
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QTabBar, QVBoxLayout, QWidget

from app.i18n import tr
from app.widgets.page import TranslatedWidget
from app.widgets.plot import GrowingArray, PlotFrame, Series, every_nth, peaks
from app.widgets.plot import PlotColours as PlotColours
from core.training.history import SMOOTHING, smoothed

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


ALL, LOSS, ACCURACY, GAP, RATE, LOG = range(6)  # the tabs, in their order
ROOM_FOR_ALL = QSize(760, 440)  # pixels; on less, one plot at a time is easier to read
SPACING_PX = 10
LOG_PX = 84  # its height among the plots
ANY_HEIGHT_PX = 16_777_215  # Qt's QWIDGETSIZE_MAX
PERCENT = (0.0, 100.0)


class PlotDeck(TranslatedWidget):
    """Loss, accuracy, their gap, the learning rate and the log, with tabs to choose among them.

    Args:
        log: What happened in words.
    """

    epoch_chosen = Signal(int)  # 1-based: the user clicked into it
    export_failed = Signal(object)  # Failure

    def __init__(self, log: QWidget) -> None:
        super().__init__()
        self.loss, self.accuracy = CurvePlot(), CurvePlot(PERCENT, "%")
        self.gap, self.rate = GapPlot(), RatePlot()
        self._plots: tuple[PlotFrame, ...] = (self.loss, self.accuracy, self.gap, self.rate)
        self._epoch: int | None = None  # chosen by the user; None: the latest
        self._log = log
        self._is_chosen = False  # by the user: then the window's size decides no more
        self._tabs = QTabBar()
        self._tabs.setExpanding(False)
        for _ in range(len(self._plots) + 2):
            self._tabs.addTab("")
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(SPACING_PX)
        for place, plot in enumerate(self._plots):
            self._grid.addWidget(plot, *divmod(place, 2))
            plot.export_failed.connect(self.export_failed)
        self._grid.addWidget(log, 2, 0, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._tabs)
        layout.addLayout(self._grid, 1)
        for curve in (self.loss, self.accuracy, self.gap):
            curve.epoch_chosen.connect(self._on_epoch_chosen)
        self.retranslate()
        self.choose(LOSS)
        self._tabs.currentChanged.connect(self._on_tab_chosen)

    @property
    def choice(self) -> int:
        """ALL or the plot that is shown."""
        return self._tabs.currentIndex()

    def choose(self, choice: int) -> None:
        """Show ALL or one of them."""
        blocker = QSignalBlocker(self._tabs)
        self._tabs.setCurrentIndex(choice)
        del blocker
        self._show_choice(choice)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self._is_chosen:
            room, wanted = event.size(), ROOM_FOR_ALL
            is_wide = room.width() >= wanted.width() and room.height() >= wanted.height()
            self.choose(ALL if is_wide else LOSS)
        super().resizeEvent(event)

    def clear(self) -> None:
        """Begin a new run."""
        self._epoch = None
        for plot in (self.loss, self.accuracy, self.gap):
            plot.clear()
        self.rate.show_position(None)
        self.rate.show_epoch(None)

    def show_length(self, n_epochs: int, n_batches: int) -> None:
        """Make room for a run of so many epochs, and batches in all."""
        self.loss.show_length(n_batches)
        self.accuracy.show_length(n_batches)
        self.gap.show_length(n_epochs)

    def add_batch(self, loss: float, accuracy: float, epochs_done: float) -> None:
        """Append a batch.

        Args:
            loss: In nats per film.
            accuracy: A fraction.
            epochs_done: After it, with the share of the one under way.
        """
        self.loss.add(loss)
        self.accuracy.add(100 * accuracy)
        self.rate.show_position(epochs_done)

    def extend(self, losses: NDArray[np.float64], accuracies: NDArray[np.float64]) -> None:
        """Begin with many batches, shape (n,) each."""
        self.loss.extend(losses)
        self.accuracy.extend(100 * accuracies)

    def end_epoch(
        self,
        epoch: int,
        train_accuracy: float,
        validation_loss: float | None,
        validation_accuracy: float | None,
        n_batches: int | None = None,
    ) -> None:
        """Mark the end of an epoch.

        Args:
            epoch: 1-based.
            train_accuracy: A fraction, like the validation's; None where there are no films.
            validation_loss: In nats per film.
            validation_accuracy: On the validation films.
            n_batches: Of the run at its end, None: the latest.
        """
        self.loss.end_epoch(validation_loss, n_batches)
        percent = None if validation_accuracy is None else 100 * validation_accuracy
        self.accuracy.end_epoch(percent, n_batches)
        if percent is not None:
            self.gap.add(epoch, 100 * train_accuracy, percent)

    def show_rates(self, rates: NDArray[np.float64], n_epochs: int) -> None:
        """Draw the learning rates of all steps of `n_epochs` epochs."""
        self.rate.show_rates(rates, n_epochs)

    def show_colours(self, colours: PlotColours) -> None:
        """Take a theme's colours."""
        for plot in self._plots:
            plot.show_colours(colours)

    def retranslate(self) -> None:
        names = (
            tr("All"),
            tr("Loss"),
            tr("Accuracy"),
            tr("Gap"),
            tr("Learning rate"),
            tr("Log"),
        )
        for number, name in enumerate(names):
            self._tabs.setTabText(number, name)
        raw, smooth = tr("each batch"), tr("smoothed")
        validation, batches = tr("validation, each epoch"), tr("Batches trained")
        self.loss.show_words(batches, tr("Loss (nats per film)"), raw, smooth, validation)
        self.accuracy.show_words(batches, tr("Accuracy (%)"), raw, smooth, validation)
        self.gap.show_words(
            tr("Epoch"),
            tr("Gap (points)"),
            tr("training minus validation accuracy"),
            tr("training accuracy (%)"),
            tr("validation accuracy (%)"),
        )
        self.rate.show_words(tr("Epochs"), tr("Learning rate"), tr("of each step"))

    def _show_choice(self, choice: int) -> None:
        for number, plot in enumerate(self._plots, start=LOSS):
            plot.setVisible(choice in (ALL, number))
        self._log.setVisible(choice in (ALL, LOG))
        self._log.setMaximumHeight(LOG_PX if choice == ALL else ANY_HEIGHT_PX)
        self._grid.setHorizontalSpacing(SPACING_PX if choice == ALL else 0)
        # A row or column without a plot must take no room.
        for line in range(2):
            is_row_used = choice == ALL or (choice != LOG and line == (choice - LOSS) // 2)
            is_column_used = choice == ALL or line == (choice - LOSS) % 2
            self._grid.setRowStretch(line, int(is_row_used))
            self._grid.setColumnStretch(line, int(is_column_used))
        self._grid.setRowStretch(2, int(choice == LOG))

    def _on_tab_chosen(self, choice: int) -> None:
        self._is_chosen = True
        self._show_choice(choice)

    def _on_epoch_chosen(self, epoch: int) -> None:
        """Shade the epoch in every plot; a second click lets go of it."""
        self._epoch = None if epoch == self._epoch else epoch
        for plot in (self.loss, self.accuracy, self.gap, self.rate):
            plot.show_epoch(self._epoch)
        self.epoch_chosen.emit(epoch)
