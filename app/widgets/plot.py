"""The frame of every plot: legend, zoom and pan, cross-hair, a shaded epoch, export."""

import html
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QEvent,
    QIODevice,
    QObject,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QImage, QImageWriter, QPainter, QShowEvent
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
)

from app.i18n import tr
from app.tasks import Failure
from app.widgets.dialogs import ask_where_to_save
from app.widgets.labels import plain_label
from app.widgets.page import TranslatedWidget
from core.errors import PneumoScopeError
from core.files import write_csv, write_user_file

log = logging.getLogger(__name__)

Paint = Callable[[QPainter], None]

AXIS_PX = 66
MIN_PLOT_PX = 90
GAP_PX = 14  # between the mouse and the values
REDRAW_MS = 100
SPAN_ALPHA = 26  # of 255: the shaded epoch lies behind the curves
PNG_SCALE = 2.0  # pixels for one of the screen: fine enough to print


@dataclass(frozen=True, slots=True)
class PlotColours:
    """A theme's colours as #rrggbb."""

    background: str
    text: str
    grid: str
    training: str
    validation: str


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One curve of a plot, as its legend, its cross-hair and its table call it."""

    name: str
    mark: str  # the character that stands for it in the legend
    colour: str  # #rrggbb
    x: NDArray[np.float64]  # (n,), ascending
    y: NDArray[np.float64]  # (n,)


class CrossHair(QObject):
    """The values of a plot's curves at the mouse.

    Args:
        plot: Over which the mouse moves.
        series: The curves as they are now.
        x_text: Says where the mouse is.
        value_text: Says the value of a curve.
    """

    def __init__(
        self,
        plot: pg.PlotWidget,
        series: Callable[[], Sequence[Series]],
        x_text: Callable[[float], str],
        value_text: Callable[[float], str],
    ) -> None:
        super().__init__(plot)
        self._plot, self._series = plot, series
        self._x_text, self._value_text = x_text, value_text
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        plot.addItem(self._line, ignoreBounds=True)
        self._values = plain_label("card")
        self._values.setParent(plot)
        self._values.setMargin(6)
        self._values.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._values.hide()
        plot.scene().sigMouseMoved.connect(self.move_to)
        plot.viewport().installEventFilter(self)

    @property
    def text(self) -> str:
        """The values shown, a line each; empty while the mouse is elsewhere."""
        return self._values.text() if self._values.isVisibleTo(self._plot) else ""

    def show_colour(self, colour: str) -> None:
        """Draw the line in #rrggbb."""
        self._line.setPen(pg.mkPen(colour, width=1))

    def move_to(self, place: QPointF) -> None:
        """Show the values at a place of the plot's scene, or nothing where no curve can be."""
        box = self._plot.getPlotItem().getViewBox()
        curves = [one for one in self._series() if len(one.x)]
        if not curves or not box.sceneBoundingRect().contains(place):
            self.hide()
            return
        x = box.mapSceneToView(place).x()
        # On the point that is nearest in the densest curve, not between two.
        x = _nearest(max(curves, key=lambda one: len(one.x)), x)[0]
        lines = [self._x_text(x)]
        for one in curves:
            _, y = _nearest(one, x)
            lines.append(f"{one.mark} {one.name}: {self._value_text(y)}")
        self._line.setPos(x)
        self._line.show()
        self._values.setText("\n".join(lines))
        self._values.adjustSize()
        self._place_values(self._plot.mapFromScene(place).x())
        self._values.show()

    def hide(self) -> None:
        """Take line and values away."""
        self._line.hide()
        self._values.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.hide()
        return super().eventFilter(watched, event)

    def _place_values(self, mouse_px: int) -> None:
        """Put the values beside the mouse, on the side where there is room."""
        left = mouse_px + GAP_PX
        if left + self._values.width() > self._plot.width():
            left = max(0, mouse_px - GAP_PX - self._values.width())
        self._values.move(left, GAP_PX // 2)


def _nearest(series: Series, x: float) -> tuple[float, float]:
    """Return the point of a curve whose x is nearest."""
    after = int(np.searchsorted(series.x, x))
    around = [index for index in (after - 1, after) if 0 <= index < len(series.x)]
    index = min(around, key=lambda one: abs(series.x[one] - x))
    return float(series.x[index]), float(series.y[index])


def save_picture(path: Path, size: QSize, background: str, paint: Paint) -> None:
    """Write what `paint` draws on an area of `size`: as an SVG if it is called so, else as a PNG.

    Raises:
        RunFolderError: The file cannot be written.
    """
    buffer, area = QBuffer(), QRectF(0, 0, size.width(), size.height())
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image = QImage(size * PNG_SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(PNG_SCALE)
    drawing = QSvgGenerator()
    drawing.setOutputDevice(buffer)
    drawing.setSize(size)
    drawing.setViewBox(area)
    is_svg = path.suffix.lower() == ".svg"
    painter = QPainter(drawing if is_svg else image)
    painter.fillRect(area, QColor(background))
    paint(painter)
    painter.end()
    if not is_svg:
        QImageWriter(buffer, QByteArray(b"png")).write(image)
    write_user_file(path, bytes(buffer.data().data()))


def save_csv(path: Path, x_name: str, series: Sequence[Series]) -> None:
    """Write a row for every x at which a curve has a value, and a column for each curve.

    Raises:
        RunFolderError: The file cannot be written.
    """
    all_x = np.unique(np.concatenate([one.x for one in series])) if series else np.empty(0)
    columns = []
    for one in series:
        cells = np.full(len(all_x), np.nan)
        cells[np.searchsorted(all_x, one.x)] = one.y
        columns.append(["" if np.isnan(value) else repr(value) for value in cells.tolist()])
    rows = zip((f"{x:.10g}" for x in all_x.tolist()), *columns, strict=True)
    write_csv(path, [(x_name, *(one.name for one in series)), *rows])


class PlotFrame(TranslatedWidget):
    """A plot with its tools; a kind of plot adds its curves, `series`, `draw` and `fit`.

    What comes in is drawn at most ten times a second, and not at all while nobody sees it.
    """

    clicked_at = Signal(float)  # an x, with the left button
    export_failed = Signal(object)  # Failure

    def __init__(self) -> None:
        super().__init__()
        self._is_dirty = False
        self._is_followed = True  # the whole curve is in view and stays so as it grows
        self._colours: PlotColours | None = None
        self._file_name = "curve"
        self._plot = pg.PlotWidget()
        self._plot.setMenuEnabled(False)  # its words are English only and its SVG export is broken
        self._plot.hideButtons()
        self._plot.setMinimumHeight(MIN_PLOT_PX)
        self._item = self._plot.getPlotItem()
        # For every curve that is added: 100,000 points take 330 ms to draw, those of them that
        # can be told apart 9 to 15 ms.
        self._item.setDownsampling(auto=True, mode="peak")
        self._item.setClipToView(True)
        left = self._item.getAxis("left")
        left.setWidth(AXIS_PX)  # the same in all plots, so that they align
        left.enableAutoSIPrefix(False)  # 0.001, not 1 and a factor elsewhere
        self._item.getAxis("bottom").enableAutoSIPrefix(False)
        self._box = self._item.getViewBox()
        self._box.setDefaultPadding(0.0)
        # Without the lines at its ends, which would be taken for curves.
        self._span = pg.LinearRegionItem(movable=False, pen=pg.mkPen(None))
        self._span.setZValue(-10)
        self._span.hide()
        self._plot.addItem(self._span, ignoreBounds=True)
        self._cross_hair = CrossHair(self._plot, self.series, self.x_text, self.value_text)
        # Above the plot: inside it would hide points.
        self._legend = QLabel()
        self._legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole, self._export = QToolButton(), QToolButton()
        self._whole.setAutoRaise(True)
        self._whole.hide()
        self._whole.clicked.connect(self.show_whole)
        self._menu = QMenu(self)
        self._whole_action = self._menu.addAction("", self.show_whole)
        self._menu.addSeparator()
        self._exports = [
            self._menu.addAction("", partial(self._choose_file, kind))
            for kind in ("png", "svg", "csv")
        ]
        self._export.setAutoRaise(True)
        self._export.setMenu(self._menu)
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._box.sigRangeChangedManually.connect(self._on_range_changed)
        self._plot.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(self._legend, 1)
        head.addWidget(self._whole)
        head.addWidget(self._export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._plot, 1)
        timer = QTimer(self)
        timer.timeout.connect(self._on_timer)
        timer.start(REDRAW_MS)

    # What a kind of plot says of itself.

    def series(self) -> Sequence[Series]:
        """Return its curves as they are now."""
        return ()

    def legend(self) -> Sequence[Series]:
        """Return the curves that are named above the plot."""
        return self.series()

    def draw(self) -> None:
        """Give its curves to the plot."""

    def fit(self) -> None:
        """Bring the whole of its curves into view."""

    def x_text(self, x: float) -> str:
        """Return the place of the mouse in words."""
        return f"{self._x_name()}: {x:,.6g}"

    def value_text(self, value: float) -> str:
        """Return a value of a curve in words."""
        return f"{value:.4g}" if math.isfinite(value) else "–"

    # What all do.

    def mark_stale(self) -> None:
        """Draw anew at the next tick of the timer."""
        self._is_dirty = True

    def redraw(self) -> None:
        """Draw what came since the last time."""
        if not self._is_dirty:
            return
        self._is_dirty = False
        self.draw()
        if self._is_followed:
            self.fit()

    def show_whole(self) -> None:
        """Undo zoom and pan."""
        self._is_followed = True
        self._is_dirty = True
        self._whole.hide()
        self._whole_action.setEnabled(False)
        self.fit()

    def show_axes(self, x: str, y: str, file_name: str) -> None:
        """Label the axes; `file_name` is offered where the plot is exported."""
        self._plot.setLabel("bottom", x)
        self._plot.setLabel("left", y)
        self._file_name = file_name
        self._show_legend()

    def show_span(self, begin: float, end: float) -> None:
        """Shade from x to x; an empty span shades nothing."""
        self._span.setRegion((begin, end))
        self._span.setVisible(end > begin)

    def show_colours(self, colours: PlotColours) -> None:
        """Take a theme's colours."""
        self._colours = colours
        self._plot.setBackground(colours.background)
        font = QFont(QApplication.font())
        for side in ("left", "bottom"):
            axis = self._item.getAxis(side)
            axis.setPen(pg.mkPen(colours.grid))
            axis.setTextPen(pg.mkPen(colours.text))
            axis.setTickFont(font)
        self._plot.showGrid(x=False, y=True, alpha=0.25)
        shade = QColor(colours.training)
        shade.setAlpha(SPAN_ALPHA)
        self._span.setBrush(shade)
        self._cross_hair.show_colour(colours.text)
        self._show_legend()

    def retranslate(self) -> None:
        self._whole.setText(tr("Whole curve"))
        self._whole_action.setText(tr("Whole curve"))
        self._whole_action.setEnabled(not self._is_followed)
        self._export.setText(tr("Export"))
        self._export.setToolTip(tr("Save the picture, or the values as a table"))
        words = (tr("Picture (PNG) …"), tr("Drawing (SVG) …"), tr("Table (CSV) …"))
        for action, text in zip(self._exports, words, strict=True):
            action.setText(text)
        self._show_legend()

    def showEvent(self, event: QShowEvent) -> None:
        self.redraw()
        super().showEvent(event)

    def export(self, path: Path) -> None:
        """Write the plot as the file's ending says: .png, .svg or .csv.

        Raises:
            PneumoScopeError: The file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            save_csv(path, self._x_name(), self.series())
            return
        colour = self._colours.background if self._colours else "#ffffff"
        self._cross_hair.hide()
        self.redraw()
        size = QSize(self._plot.width(), self._legend.height() + self._plot.height())
        save_picture(path, size, colour, self._paint)

    def _x_name(self) -> str:
        return str(self._item.getAxis("bottom").labelText)

    def _show_legend(self) -> None:
        if self._colours is not None:
            self._legend.setText(
                "&nbsp;&nbsp;&nbsp;&nbsp;".join(
                    f'<span style="color:{one.colour}">{one.mark}</span> {html.escape(one.name)}'
                    for one in self.legend()
                )
            )

    def _paint(self, painter: QPainter) -> None:
        """Draw legend and plot, without the buttons."""
        self._legend.render(painter, QPoint(0, 0))
        top = self._legend.height()
        target = QRectF(0, top, self._plot.width(), self._plot.height())
        self._plot.render(painter, target, self._plot.viewport().rect())

    def _choose_file(self, kind: str) -> None:
        kinds, name = f"{kind.upper()} (*.{kind})", f"{self._file_name}.{kind}"
        ask_where_to_save(self, tr("Save the plot"), kinds, name, self._export_or_tell)

    def _export_or_tell(self, path: Path) -> None:
        try:
            self.export(path)
        except PneumoScopeError as error:
            log.warning("the plot could not be exported", exc_info=True)
            self.export_failed.emit(Failure.of(error))

    def _on_timer(self) -> None:
        if self.isVisible():
            self.redraw()

    def _on_range_changed(self) -> None:
        self._is_followed = False
        self._whole.show()
        self._whole_action.setEnabled(True)

    def _on_mouse_clicked(self, event: Any) -> None:
        place: QPointF = event.scenePos()
        if event.button() == Qt.MouseButton.RightButton:
            self._menu.popup(event.screenPos().toPoint())
        elif event.double():
            self.show_whole()
        elif self._box.sceneBoundingRect().contains(place):
            self.clicked_at.emit(self._box.mapSceneToView(place).x())
        event.accept()
