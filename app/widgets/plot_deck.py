"""The plots of a run: one at a time, or all at once where there is room."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QTabBar, QVBoxLayout, QWidget

from app.translation import tr
from app.widgets.curve_plot import CurvePlot
from app.widgets.gap_plot import GapPlot
from app.widgets.plot_colours import PlotColours
from app.widgets.plot_frame import PlotFrame
from app.widgets.rate_plot import RatePlot
from app.widgets.translated import TranslatedWidget

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
