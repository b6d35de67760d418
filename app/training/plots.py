"""The plots of a run: one at a time, or all at once where there is room."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QTabBar, QWidget

from app.i18n import tr
from app.widgets.layouts import v_box
from app.widgets.page import TranslatedWidget
from app.widgets.plot import PlotColours as PlotColours
from app.widgets.plot import PlotFrame, Series
from core.training.history import History

EMPTY_BATCHES, EMPTY_TOP = 100, 1.5  # limits of the axes before there is anything to draw
PADDING = 0.02  # of the horizontal axis, at its end
PERCENT = (0.0, 100.0)
PER_PIXEL = 2.0  # bins that are drawn: 9 ms for 100,000 batches, where pyqtgraph's 5 take 15

Values = NDArray[np.float64]


class HistoryPlot(PlotFrame):
    """Draws numbers of a history, which grows while a run goes on."""

    def __init__(self) -> None:
        super().__init__()
        self._history = History()

    def show_history(self, history: History) -> None:
        """Draw another run, all of it in view."""
        self._history = history
        self.show_epoch(None)
        self.show_whole()

    def show_epoch(self, epoch: int | None) -> None:
        """Shade an epoch (1-based); None: none, or the latest."""


class CurvePlot(HistoryPlot):
    """Loss or accuracy of every batch, its moving average, and the validation of every epoch."""

    epoch_chosen = Signal(int)  # 1-based: the user clicked into it

    def __init__(self, measure: Literal["loss", "accuracy"]) -> None:
        super().__init__()
        self._is_loss = measure == "loss"
        self._epoch: int | None = None  # the one that is shaded; None: the latest
        self._n_batches = EMPTY_BATCHES
        self._words = ("", "", "")
        # Width 1 and no antialiasing: anything finer costs seconds at 100,000 points.
        self._points = pg.PlotDataItem(
            pen=None, symbol="o", symbolSize=4, symbolPen=None, autoDownsampleFactor=PER_PIXEL
        )
        self._line = pg.PlotDataItem(autoDownsampleFactor=PER_PIXEL)
        self._diamonds = pg.PlotDataItem(symbol="d", symbolSize=9)
        for part in (self._points, self._line, self._diamonds):
            self._item.addItem(part)
        self.clicked_at.connect(self._on_clicked_at)
        self.retranslate()
        self.fit()

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        training, validation = self._colours.training, self._colours.validation
        raw, smooth, name = self._words
        x = self._history.steps
        return (
            Series(raw, "•", training, x, self._each_batch()),
            Series(smooth, "━", training, x, self._smooth()),
            Series(name, "◆", validation, *self._validation()),
        )

    def value_text(self, value: float) -> str:
        return super().value_text(value) + ("" if self._is_loss else " %")

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
        self._points.setSymbolBrush(faint)
        self._line.setPen(pg.mkPen(colours.training, width=1))
        self._diamonds.setPen(pg.mkPen(colours.validation, width=1, style=Qt.PenStyle.DashLine))
        self._diamonds.setSymbolBrush(colours.validation)
        self._diamonds.setSymbolPen(pg.mkPen(colours.validation))
        super().show_colours(colours)

    def draw(self) -> None:
        x = self._history.steps
        self._points.setData(*_numbers(x, self._each_batch()))
        self._line.setData(*_numbers(x, self._smooth()))
        self._diamonds.setData(*_numbers(*self._validation()))
        self._shade()

    def fit(self) -> None:
        length = max(self._n_batches, self._history.n_batches)
        self._plot.setXRange(0, length * (1 + PADDING), padding=0)
        if not self._is_loss:
            self._plot.setYRange(*PERCENT, padding=0.05)
            return
        values = np.concatenate((self._each_batch(), self._validation()[1]))
        values = values[np.isfinite(values)]
        # From zero, so that two runs can be compared; one wild batch does not set the scale.
        top = 1.15 * float(np.percentile(values, 99)) if len(values) else EMPTY_TOP
        self._plot.setYRange(0, max(top, 1e-3), padding=0.05)

    def _each_batch(self) -> Values:
        return self._history.loss if self._is_loss else 100 * self._history.accuracy

    def _smooth(self) -> Values:
        return self._history.smooth_loss if self._is_loss else 100 * self._history.smooth_accuracy

    def _validation(self) -> tuple[Values, Values]:
        """Return the last batch of each epoch that was validated, and what came of it."""
        ends = np.array(self._history.epoch_ends, np.float64)
        loss = self._history.of_epochs("validation_loss")
        values = loss if self._is_loss else 100 * self._history.of_epochs("validation_accuracy")
        is_validated = ~np.isnan(values)
        return ends[is_validated], values[is_validated]

    def _shade(self) -> None:
        """Shade the chosen epoch, else the latest, which may be under way."""
        ends = [0, *self._history.epoch_ends]
        if self._history.n_batches > ends[-1]:
            ends.append(self._history.n_batches)
        epoch = len(ends) - 1 if self._epoch is None else self._epoch
        if 0 < epoch < len(ends):
            self.show_span(ends[epoch - 1], ends[epoch])
        else:
            self.show_span(0, 0)

    def _on_clicked_at(self, x: float) -> None:
        ends = self._history.epoch_ends
        epoch = bisect_left(ends, x) + 1
        if x > 0 and epoch <= len(ends):
            self.epoch_chosen.emit(epoch)


def _numbers(x: Values, y: Values) -> tuple[Values, Values]:
    """Leave out what is no number: a bin with one that is not would be lost as a whole."""
    # WORKAROUND (pyqtgraph 0.14): points that are all NaN make the process crash later.
    is_number = np.isfinite(y)
    return x[is_number], y[is_number]


BAR_WIDTH = 0.7  # of an epoch
EMPTY_EPOCHS, MIN_POINTS = 10, 10.0  # what the axes hold at least


class GapPlot(HistoryPlot):
    """A bar for each epoch: training accuracy minus validation accuracy, in percentage points."""

    epoch_chosen = Signal(int)  # 1-based: the user clicked on it

    def __init__(self) -> None:
        super().__init__()
        self._n_epochs = EMPTY_EPOCHS
        self._words = ("", "", "")
        self._bars = pg.BarGraphItem(x=[], height=[], width=BAR_WIDTH)
        self._zero = pg.InfiniteLine(pos=0, angle=0, movable=False)
        self._item.addItem(self._bars)
        self._item.addItem(self._zero)
        self.clicked_at.connect(self._on_clicked_at)
        self.retranslate()
        self.fit()

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        gap, training, validation = self._words
        x, trained, validated = self._accuracies()
        return (
            Series(gap, "■", self._colours.validation, x, trained - validated),
            Series(training, "·", self._colours.training, x, trained),
            Series(validation, "·", self._colours.validation, x, validated),
        )

    def legend(self) -> Sequence[Series]:
        return self.series()[:1]

    def value_text(self, value: float) -> str:
        return f"{value:.1f}"

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
        epochs, trained, validated = self._accuracies()
        self._bars.setOpts(x=epochs, height=trained - validated, width=BAR_WIDTH)

    def fit(self) -> None:
        epochs, trained, validated = self._accuracies()
        last = float(epochs[-1]) if len(epochs) else 0.0
        self._plot.setXRange(0.4, max(self._n_epochs, last) + 0.6, padding=0)
        gaps = trained - validated
        low, high = (float(gaps.min()), float(gaps.max())) if len(gaps) else (0.0, 0.0)
        self._plot.setYRange(min(0.0, low), max(MIN_POINTS, high), padding=0.05)

    def _accuracies(self) -> tuple[Values, Values, Values]:
        """Return the epochs that were validated, and both accuracies of each in percent."""
        epochs = self._history.of_epochs("epoch")
        trained = 100 * self._history.of_epochs("train_accuracy")
        validated = 100 * self._history.of_epochs("validation_accuracy")
        is_known = np.isfinite(trained - validated)
        return epochs[is_known], trained[is_known], validated[is_known]

    def _on_clicked_at(self, x: float) -> None:
        if round(x) in self._accuracies()[0]:
            self.epoch_chosen.emit(round(x))


class RatePlot(HistoryPlot):
    """A line from the first step to the last, and a mark at the step that training is at."""

    def __init__(self) -> None:
        super().__init__()
        self._x, self._rates = np.empty(0), np.empty(0)
        self._word = ""
        self._line = pg.PlotDataItem()
        self._now = pg.InfiniteLine(angle=90, movable=False)
        self._now.hide()
        self._item.addItem(self._line)
        self._item.addItem(self._now)
        self.retranslate()

    def series(self) -> Sequence[Series]:
        if self._colours is None:
            return ()
        return (Series(self._word, "━", self._colours.training, self._x, self._rates),)

    def show_rates(self, rates: Values, n_epochs: int) -> None:
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

    def draw(self) -> None:
        latest = self._history.latest
        self._now.setVisible(latest is not None)
        if latest is not None:
            self._now.setPos(latest.epoch - 1 + latest.batch / latest.batches)

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


class PlotDeck(TranslatedWidget):
    """Loss, accuracy, their gap, the learning rate and the log, with tabs to choose among them.

    Args:
        log: What happened in words.
    """

    epoch_chosen = Signal(int)  # 1-based: the user clicked into it
    export_failed = Signal(object)  # Failure

    def __init__(self, log: QWidget) -> None:
        super().__init__()
        self.loss, self.accuracy = CurvePlot("loss"), CurvePlot("accuracy")
        self.gap, self.rate = GapPlot(), RatePlot()
        self._plots: tuple[HistoryPlot, ...] = (self.loss, self.accuracy, self.gap, self.rate)
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
        v_box(self._tabs, (self._grid, 1), owner=self, spacing=6)
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

    def show_history(self, history: History) -> None:
        """Draw another run."""
        self._epoch = None
        for plot in self._plots:
            plot.show_history(history)

    def mark_stale(self) -> None:
        """Draw anew soon: the run has gone on."""
        for plot in self._plots:
            plot.mark_stale()

    def show_length(self, n_epochs: int, n_batches: int) -> None:
        """Make room for a run of so many epochs, and batches in all."""
        self.loss.show_length(n_batches)
        self.accuracy.show_length(n_batches)
        self.gap.show_length(n_epochs)

    def show_rates(self, rates: Values, n_epochs: int) -> None:
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
        for plot in self._plots:
            plot.show_epoch(self._epoch)
        self.epoch_chosen.emit(epoch)
