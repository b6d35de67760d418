"""The chosen runs side by side: their curves in one plot, and where two of them differ."""

import numpy as np
from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QHeaderView, QSplitter, QVBoxLayout, QWidget

from app import resources
from app.pages.setting_words import setting_words, value_words
from app.settings import Theme
from app.translation import tr
from app.viewmodels.runs import MAX_OVERLAID, RunsViewModel
from app.widgets.labels import plain_label
from app.widgets.overlay_plot import OverlayColours, OverlayLine, OverlayPlot
from app.widgets.tables import PlainTable
from app.widgets.translated import TranslatedWidget
from core.training.run_curves import Curves
from core.training.runs import RunSummary

# Of equal weight on their ground, and told apart by most who see few colours.
LINES: dict[Theme, tuple[str, ...]] = {
    "light": (
        "#1765b5",
        "#b8580c",
        "#1f7a45",
        "#8e3a9d",
        "#b93a32",
        "#6b5b00",
        "#c2307f",
        "#4a4f57",
    ),
    "dark": (
        "#6fb1f2",
        "#f2a65e",
        "#6cc08b",
        "#c79bf0",
        "#ef7b72",
        "#d9cf5a",
        "#f28cc0",
        "#c3ccd5",
    ),
}
RIGHT_PX, LEAST_RIGHT_PX = 330, 240
REDRAW_MS = 50
_EMPTY = np.array([], dtype=np.float64)


class RunComparison(TranslatedWidget):
    """Shows what the view-model's chosen runs have in curves and settings."""

    def __init__(self, model: RunsViewModel) -> None:
        super().__init__()
        self._model = model
        self._title, self._note = plain_label("sectionTitle"), plain_label("muted")
        self._measure, self._axis = QComboBox(), QComboBox()
        for place in (self._measure, self._axis):
            place.addItems(["", ""])
        self._plot = OverlayPlot()
        self._differences_title = plain_label("sectionTitle")
        self._differences_note = plain_label("muted", wraps=True)
        self._differences = PlainTable(stretched=0)
        self._differences.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._differences.verticalHeader().setSectionResizeMode(
            QHeaderView.ResizeMode.ResizeToContents
        )
        self._lay_out()
        self._measure.currentIndexChanged.connect(self._show_curves)
        self._axis.currentIndexChanged.connect(self._show_curves)
        # Curves come one by one; the plot is drawn once for some of them.
        self._drawing = QTimer(self)
        self._drawing.setSingleShot(True)
        self._drawing.setInterval(REDRAW_MS)
        self._drawing.timeout.connect(self._show_curves)
        model.curves_changed.connect(self._drawing.start)
        model.selected_changed.connect(self._show_differences)
        self.retranslate()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._title)
        head.addWidget(self._measure)
        head.addWidget(self._axis)
        head.addWidget(self._note, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._plot, 1)
        self._right = QWidget()
        column = QVBoxLayout(self._right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self._plot.legend)
        column.addWidget(self._differences_title)
        column.addWidget(self._differences_note)
        column.addWidget(self._differences, 1)
        self._rest = QWidget()  # where there is no table
        column.addWidget(self._rest, 1)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(self._right)
        split.setStretchFactor(0, 1)
        split.setChildrenCollapsible(False)
        split.setSizes([620, RIGHT_PX])
        split.setHandleWidth(12)
        self._right.setMinimumWidth(LEAST_RIGHT_PX)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)

    def apply_theme(self, theme: Theme) -> None:
        """Give the plot the theme's colours."""
        named = resources.colours(theme)
        self._plot.show_colours(
            OverlayColours(named["panel"], named["text"], named["grid"], LINES[theme])
        )

    def retranslate(self) -> None:
        self._title.setText(tr("Curves"))
        self._measure.setItemText(0, tr("Loss"))
        self._measure.setItemText(1, tr("Accuracy"))
        self._measure.setAccessibleName(tr("What the curves show"))
        self._axis.setItemText(0, tr("Batches"))
        self._axis.setItemText(1, tr("Epochs"))
        self._axis.setAccessibleName(tr("What runs from left to right"))
        self._plot.legend.setAccessibleName(tr("Runs in the plot"))
        self._differences_title.setText(tr("Differences"))
        self._differences.setAccessibleName(tr("Settings in which the two runs differ"))
        self._show_curves()
        self._show_differences()

    @Slot()
    def _show_curves(self) -> None:
        is_loss, is_batches = self._measure.currentIndex() == 0, self._axis.currentIndex() == 0
        chosen = self._model.overlaid
        lines = [
            _line(run, self._model.curves[run.path], is_loss=is_loss, is_batches=is_batches)
            for run in chosen
            if run.path in self._model.curves
        ]
        self._plot.show_words(
            tr("Batches trained") if is_batches else tr("Epochs"),
            tr("Loss (nats per film)") if is_loss else tr("Accuracy (%)"),
        )
        self._plot.show_lines(lines, None if is_loss else 100.0)
        n_more = len(self._model.selected) - len(chosen)
        if n_more and len(chosen) == MAX_OVERLAID:
            self._note.setText(
                tr("Only the first {n} of the chosen runs are drawn.", n=MAX_OVERLAID)
            )
        elif not chosen:
            self._note.setText(tr("Choose runs in the table, several with Ctrl or Shift held."))
        elif is_batches:
            self._note.setText(tr("Lines: training, smoothed. Diamonds: validation."))
        else:
            self._note.setText(tr("Validation of each epoch; training where there was none."))
        self._note.setToolTip(
            tr("Turn the wheel to zoom, drag to move, double-click to see everything.")
        )

    @Slot()
    def _show_differences(self) -> None:
        rows, runs = self._model.differences, self._model.selected
        self._differences.setVisible(bool(rows))
        self._rest.setVisible(not rows)
        self._differences_note.setVisible(not rows)
        if rows is None:
            self._differences_note.setText(
                tr("Choose two runs, with Ctrl held, to see in which settings they differ.")
            )
        elif not rows:
            self._differences_note.setText(tr("The two runs were made with the same settings."))
        else:
            self._differences.show_header([tr("Setting"), runs[0].name, runs[1].name])
            header = self._differences.horizontalHeader()
            header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
            self._differences.show_rows(
                [(setting_words(name), value_words(a), value_words(b)) for name, a, b in rows]
            )


def _line(run: RunSummary, curves: Curves, *, is_loss: bool, is_batches: bool) -> OverlayLine:
    """One run's curve: of batches with the validation at the end of each epoch, or of epochs."""
    training, validation = (
        (curves.train_loss, curves.validation_loss)
        if is_loss
        else (100 * curves.train_accuracy, 100 * curves.validation_accuracy)
    )
    has_validation = bool(np.isfinite(validation).any())
    if is_batches:
        x = curves.step.astype(np.float64)
        y = curves.smooth_loss if is_loss else 100 * curves.smooth_accuracy
        marks = curves.epoch_step.astype(np.float64), validation
    else:
        x, y = curves.epoch.astype(np.float64), validation if has_validation else training
        marks = x, y
    if not has_validation and is_batches:
        marks = _EMPTY, _EMPTY
    return OverlayLine(str(run.path), run.name, x, y, *marks)
