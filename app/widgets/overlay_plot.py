"""The curves of several runs in one plot, told apart by colour and by the dashes of their lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QMouseEvent, QPen
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.widgets.overlay_legend import OverlayLegend

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
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
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
        """How the curve of a run is drawn."""
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
