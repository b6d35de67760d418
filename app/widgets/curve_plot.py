"""A live curve: every batch as a point, a smoothed line over them, validation as diamonds."""

import html
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget

REDRAW_MS = 100
AXIS_PX = 58
EMPTY_BATCHES, EMPTY_TOP = 100, 1.5  # limits of the axes before there is anything to draw
MAX_POINTS = 10_000  # drawn at a time: 100,000 took 190 ms
SMOOTHING = 0.9  # weight of the past in the exponential moving average


@dataclass(frozen=True, slots=True)
class PlotColours:
    """A theme's colours as #rrggbb."""

    background: str
    text: str
    grid: str
    training: str
    validation: str


class CurvePlot(QWidget):
    """Grows point by point and repaints at most ten times a second.

    Args:
        y_range: Fixed limits of the vertical axis, None to follow the values.
    """

    def __init__(self, y_range: tuple[float, float] | None = None) -> None:
        super().__init__()
        self._x: list[float] = []
        self._y: list[float] = []
        self._smooth: list[float] = []
        self._validation_x: list[float] = []
        self._validation_y: list[float] = []
        self._words = ("", "", "")
        self._colours: PlotColours | None = None
        self._is_dirty = False
        self._plot = pg.PlotWidget()
        self._plot.setMenuEnabled(False)  # its words are English only and its SVG export is broken
        self._plot.hideButtons()
        self._plot.setClipToView(True)
        item = self._plot.getPlotItem()
        item.getAxis("left").setWidth(AXIS_PX)  # the same in both plots, so that they align
        # Above the plot: inside it would hide points.
        self._legend = QLabel()
        # Width 1 and no antialiasing: anything finer costs seconds at 100,000 points.
        self._points = pg.ScatterPlotItem(size=4, pen=None, pxMode=True)
        self._line = pg.PlotCurveItem()
        self._diamonds = pg.PlotDataItem(symbol="d", symbolSize=9)
        for part in (self._points, self._line, self._diamonds):
            item.addItem(part)
        if y_range is not None:
            self._plot.setYRange(*y_range, padding=0.1)
            item.getViewBox().setLimits(yMin=y_range[0] - 15, yMax=y_range[1] + 15)
        else:
            self._plot.setYRange(0, EMPTY_TOP, padding=0.1)
        self._y_range = y_range
        self.show_length(EMPTY_BATCHES)
        self._plot.setMinimumHeight(150)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._legend)
        layout.addWidget(self._plot)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.redraw)
        self._timer.start(REDRAW_MS)

    @property
    def n_points(self) -> int:
        """Batches drawn so far."""
        return len(self._y)

    def add(self, value: float) -> None:
        """Append one batch."""
        self._x.append(len(self._x) + 1)
        self._y.append(value)
        past = self._smooth[-1] if self._smooth else value
        # Early on the average is of few batches; a plain start would cling to the first one.
        weight = min(SMOOTHING, 1 - 1 / len(self._y))
        self._smooth.append(weight * past + (1 - weight) * value)
        self._is_dirty = True

    def add_validation(self, value: float) -> None:
        """Append the value of an epoch's end at the latest batch."""
        self._validation_x.append(len(self._x))
        self._validation_y.append(value)
        self._is_dirty = True

    def clear(self) -> None:
        """Begin anew."""
        for values in (self._x, self._y, self._smooth, self._validation_x, self._validation_y):
            values.clear()
        self._is_dirty = True

    def show_length(self, n_batches: int) -> None:
        """Make room on the horizontal axis for the whole run."""
        self._plot.setXRange(0, max(1, n_batches), padding=0.01)

    def show_words(self, x: str, y: str, raw: str, smooth: str, validation: str) -> None:
        """Label the axes and the three kinds of marks."""
        self._plot.setLabel("bottom", x)
        self._plot.setLabel("left", y)
        self._words = (raw, smooth, validation)
        self._show_legend()

    def show_colours(self, colours: PlotColours) -> None:
        """Take a theme's colours."""
        self._plot.setBackground(colours.background)
        font = QFont(QApplication.font())
        for side in ("left", "bottom"):
            axis = self._plot.getPlotItem().getAxis(side)
            axis.setPen(pg.mkPen(colours.grid))
            axis.setTextPen(pg.mkPen(colours.text))
            axis.setTickFont(font)
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        faint = QColor(colours.training)
        faint.setAlpha(110)
        self._points.setBrush(faint)
        self._line.setPen(pg.mkPen(colours.training, width=1))
        self._diamonds.setPen(pg.mkPen(colours.validation, width=1, style=Qt.PenStyle.DashLine))
        self._diamonds.setSymbolBrush(colours.validation)
        self._diamonds.setSymbolPen(pg.mkPen(colours.validation))
        self._colours = colours
        self._show_legend()

    def _show_legend(self) -> None:
        if self._colours is None:
            return
        training, validation = self._colours.training, self._colours.validation
        marks = (("•", training), ("━", training), ("◆", validation))
        self._legend.setText(
            "&nbsp;&nbsp;&nbsp;&nbsp;".join(
                f'<span style="color:{colour}">{mark}</span> {html.escape(word)}'
                for (mark, colour), word in zip(marks, self._words, strict=True)
            )
        )

    def redraw(self) -> None:
        """Draw what came since the last time."""
        if not self._is_dirty:
            return
        self._is_dirty = False
        x = np.asarray(self._x)
        # Every second, fourth, ... point, so that those that stay do not jump about.
        step = 1 << max(0, (len(x) - 1) // MAX_POINTS).bit_length()
        self._points.setData(x=x[::step], y=np.asarray(self._y)[::step])
        self._line.setData(x=x, y=np.asarray(self._smooth))
        self._diamonds.setData(np.asarray(self._validation_x), np.asarray(self._validation_y))
        if self._y_range is None and self._y:
            # From zero, so that two runs can be compared; one wild batch does not set the scale.
            values = np.asarray([*self._y, *self._validation_y])
            values = values[np.isfinite(values)]
            top = float(np.percentile(values, 99)) * 1.15 if len(values) else 1.0
            self._plot.setYRange(0, max(top, 1e-3), padding=0.1)
