"""The chosen runs side by side: their curves in one plot, and where two of them differ."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFont, QIcon, QMouseEvent, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QHeaderView,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QWidget,
)

from app import theme as styling
from app.i18n import tr
from app.runs.viewmodel import MAX_OVERLAID, RunsViewModel
from app.setting_words import setting_title, setting_value
from app.settings import Theme
from app.widgets.labels import plain_label, plain_tip
from app.widgets.layouts import h_box, v_box
from app.widgets.page import TranslatedWidget
from app.widgets.tables import PlainTable
from core.training.history import History
from core.training.runs import RunSummary

SWATCH = QSize(44, 12)
MAX_HEIGHT_PX = 140  # with more lines it scrolls
_PEN_PX = 2.0


class OverlayLegend(QListWidget):
    """A piece of each line, and its name as plain text."""

    def __init__(self) -> None:
        super().__init__()
        self.setIconSize(SWATCH)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        self.show_lines([])

    def show_lines(self, lines: Sequence[tuple[str, QPen]]) -> None:
        """Replace all lines by these names and pens."""
        self.clear()
        for name, pen in lines:
            item = QListWidgetItem(_swatch(pen), name)
            item.setToolTip(plain_tip(name))
            self.addItem(item)
        rows_px = max(0, self.sizeHintForRow(0)) * len(lines) + 2 * self.frameWidth() + 2
        self.setFixedHeight(min(rows_px, MAX_HEIGHT_PX))
        self.setVisible(bool(lines))


def _swatch(pen: QPen) -> QIcon:
    """A piece of a line, bolder than in the plot."""
    picture = QPixmap(SWATCH * 2)
    picture.fill(Qt.GlobalColor.transparent)
    picture.setDevicePixelRatio(2)
    bold = QPen(pen)
    dashes = pen.dashPattern()
    bold.setWidthF(_PEN_PX)
    if dashes:  # their lengths are counted in widths
        bold.setDashPattern([length / _PEN_PX for length in dashes])
    painter = QPainter(picture)
    painter.setPen(bold)
    painter.drawLine(0, SWATCH.height() // 2, SWATCH.width(), SWATCH.height() // 2)
    painter.end()
    return QIcon(picture)


MAX_POINTS = 600  # of a line, within what is seen: denser ones drown their dashes
MAX_MARKS = 80
AXIS_PX = 58
EMPTY_LENGTH, EMPTY_TOP = 100.0, 1.5  # limits of the axes before there is anything to draw
# Lengths in pen widths; as many as have no common factor with the colours, so that a pair of
# colour and dashes comes again only after all of them.
DASHES: tuple[tuple[float, ...], ...] = ((), (8, 4), (2, 3), (10, 3, 2, 3), (16, 5))

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OverlayColours:
    """A theme's colours as #rrggbb; `lines` hold one for each run, and begin anew at the end."""

    background: str
    text: str
    grid: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OverlayLine:
    """One run's curve; what is no number is left out."""

    key: str  # no other run's
    name: str
    x: Values  # (N,), rising
    y: Values  # (N,)
    marks_x: Values  # (M,), drawn as diamonds
    marks_y: Values  # (M,)


class OverlayPlot(QWidget):
    """Draws what it is given; a run keeps its colour while it is shown.

    The wheel zooms, dragging moves, a double click shows everything again. The `legend` is
    not in the plot, where it would hide curves: it is to be put beside it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[OverlayLine, ...] = ()
        self._places: dict[str, int] = {}  # key -> number of colour and dashes
        self._curves: list[pg.PlotCurveItem] = []
        self._marks: list[pg.ScatterPlotItem] = []
        self._colours = OverlayColours("#ffffff", "#000000", "#808080", ("#000000",))
        self._top: float | None = None
        self._plot = _ZoomedPlot(axisItems={"bottom": _WholeAxis("bottom")})
        self._plot.setMenuEnabled(False)  # its words are English only and its SVG export is broken
        self._plot.hideButtons()
        self._plot.setMinimumSize(220, 130)
        self._plot.getPlotItem().getAxis("left").setWidth(AXIS_PX)
        self._plot.getPlotItem().getViewBox().setLimits(xMin=0)
        self._plot.sigXRangeChanged.connect(self._on_range_changed)
        self._plot.double_clicked.connect(self.show_all)
        self.legend = OverlayLegend()
        v_box(self._plot, owner=self)
        self.show_all()

    @property
    def names(self) -> tuple[str, ...]:
        """Whose curves are drawn."""
        return tuple(line.name for line in self._lines)

    def show_words(self, x: str, y: str) -> None:
        """Label the axes."""
        self._plot.setLabel("bottom", x)
        self._plot.setLabel("left", y)

    def show_lines(self, lines: Sequence[OverlayLine], top: float | None) -> None:
        """Replace all curves.

        Args:
            lines: One a run.
            top: The upper end of the vertical axis, None to follow the values.
        """
        keys = [line.key for line in lines]
        self._places = {key: place for key, place in self._places.items() if key in keys}
        for key in keys:
            if key not in self._places:
                taken = set(self._places.values())
                free = (place for place in range(len(keys)) if place not in taken)
                self._places[key] = next(free)
        self._lines, self._top = tuple(lines), top
        self._make_items()
        self.show_all()
        self._show_legend()

    def show_all(self) -> None:
        """Show every curve from end to end, from zero; one wild batch does not set the scale."""
        ends = [
            float(np.max(one)) for line in self._lines for one in (line.x, line.marks_x) if len(one)
        ]
        top = self._top
        if top is None:
            values = [one for line in self._lines for one in (line.y, line.marks_y)]
            numbers = [one[np.isfinite(one)] for one in values]
            tops = [float(np.percentile(one, 99)) for one in numbers if len(one)]
            top = 1.15 * max(tops) if tops else EMPTY_TOP
        self._plot.setYRange(0, max(top, 1e-3), padding=0.05)
        self._plot.setXRange(0, max(ends, default=EMPTY_LENGTH), padding=0.02)
        self._draw()

    def show_colours(self, colours: OverlayColours) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self._plot.setBackground(colours.background)
        font = QFont(QApplication.font())
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.grid))
            axis.setTextPen(pg.mkPen(colours.text))
            axis.setTickFont(font)
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        self._paint()
        self._show_legend()

    def pen(self, key: str) -> QPen:
        """Return the pen of a run's curve."""
        place = self._places[key]
        pen = pg.mkPen(self._colours.lines[place % len(self._colours.lines)], width=1)
        dashes = DASHES[place % len(DASHES)]
        if dashes:
            pen.setDashPattern(list(dashes))
        return pen

    def _make_items(self) -> None:
        """Have just as many items as there are runs."""
        item = self._plot.getPlotItem()
        while len(self._curves) > len(self._lines):
            item.removeItem(self._curves.pop())
            item.removeItem(self._marks.pop())
        while len(self._curves) < len(self._lines):
            self._curves.append(pg.PlotCurveItem())
            self._marks.append(pg.ScatterPlotItem(symbol="d", size=8, pxMode=True))
            item.addItem(self._curves[-1])
            item.addItem(self._marks[-1])
        self._paint()

    def _paint(self) -> None:
        for line, curve, marks in zip(self._lines, self._curves, self._marks, strict=True):
            pen = self.pen(line.key)
            curve.setPen(pen)
            marks.setPen(pg.mkPen(pen.color()))
            marks.setBrush(pen.color())

    def _draw(self) -> None:
        """Give Qt no more points than can be told apart: dashes of 100,000 take seconds."""
        low, high = self._plot.viewRange()[0]
        for line, curve, marks in zip(self._lines, self._curves, self._marks, strict=True):
            # WORKAROUND (pyqtgraph 0.14): points that are all NaN make the process crash later.
            curve.setData(*_finite(*thinned(line.x, line.y, low, high)))
            step = -(-len(line.marks_x) // MAX_MARKS) or 1
            # From the end, so that the last one stays.
            marks.setData(*_finite(line.marks_x[::-step], line.marks_y[::-step]))

    def _show_legend(self) -> None:
        self.legend.show_lines([(line.name, self.pen(line.key)) for line in self._lines])

    def _on_range_changed(self) -> None:
        self._draw()


class _ZoomedPlot(pg.PlotWidget):
    double_clicked = Signal()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.double_clicked.emit()


class _WholeAxis(pg.AxisItem):
    """An axis of batches or epochs: between two of them there is nothing to mark."""

    def tickSpacing(self, low: float, high: float, length_px: float) -> list[tuple[float, float]]:
        spacing = super().tickSpacing(low, high, length_px)
        return [(step, offset) for step, offset in spacing if step >= 1] or [(1.0, 0.0)]


def thinned(
    x: Values, y: Values, low: float, high: float, most: int = MAX_POINTS
) -> tuple[Values, Values]:
    """At most some `most` points of a curve from `low` to `high`, and a little beyond either end.

    Each is the mean of as many points as it stands for, at the last of their places.
    """
    first = max(0, int(np.searchsorted(x, low)) - 1)
    last = min(len(x), int(np.searchsorted(x, high)) + 1)
    step = 1 << max(0, math.ceil(math.log2(max(1, last - first) / most)))
    if step == 1:
        return x[first:last], y[first:last]
    first -= first % step  # the same means whatever is in view, so that they do not jump about
    starts = np.arange(first, last, step)
    is_number = np.isfinite(y[first:last])
    sums = np.add.reduceat(np.where(is_number, y[first:last], 0.0), starts - first)
    counts = np.add.reduceat(is_number.astype(np.float64), starts - first)
    means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return x[np.minimum(starts + step, last) - 1], means


def _finite(x: Values, y: Values) -> tuple[Values, Values]:
    is_number = np.isfinite(y)
    return x[is_number], y[is_number]


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
        head = h_box(self._title, self._measure, self._axis, (self._note, 1), spacing=8)
        left = QWidget()
        column = v_box(head, (self._plot, 1), owner=left, spacing=6)
        self._right = QWidget()
        column = v_box(
            self._plot.legend,
            self._differences_title,
            self._differences_note,
            (self._differences, 1),
            owner=self._right,
            spacing=6,
        )
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
        v_box(split, owner=self)

    def apply_theme(self, theme: Theme) -> None:
        """Give the plot the theme's colours."""
        named = styling.colours(theme)
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
            _line(run, self._model.histories[run.path], is_loss=is_loss, is_batches=is_batches)
            for run in chosen
            if run.path in self._model.histories
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
                [
                    (setting_title(name), setting_value(name, a), setting_value(name, b))
                    for name, a, b in rows
                ]
            )


def _line(run: RunSummary, history: History, *, is_loss: bool, is_batches: bool) -> OverlayLine:
    """One run's curve: of batches with the validation at the end of each epoch, or of epochs."""
    measure, scale = ("loss", 1.0) if is_loss else ("accuracy", 100.0)
    validation = scale * history.of_epochs(f"validation_{measure}")
    has_validation = bool(np.isfinite(validation).any())
    if is_batches:
        x = history.steps
        y = scale * (history.smooth_loss if is_loss else history.smooth_accuracy)
        ends = np.array(history.epoch_ends, np.float64)
        marks = (ends, validation) if has_validation else (_EMPTY, _EMPTY)
    else:
        x = history.of_epochs("epoch")
        y = validation if has_validation else scale * history.of_epochs(f"train_{measure}")
        marks = x, y
    return OverlayLine(str(run.path), run.name, x, y, *marks)
